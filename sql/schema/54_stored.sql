-- What keeps answers of the live functions on disk, and so would be wrong once another version is
-- live.
--
-- The live functions are STABLE, but Postgres judges an expression after it was inlined, down to
-- the IMMUTABLE version: it takes CREATE INDEX ON t (predict.m(a)). After a promotion it compares
-- what the index holds with what the new version says. A materialized view is no such thing:
-- everybody knows that it is as old as its last refresh.

-- The objects that keep an answer of some functions, through functions of SQL in between too:
-- indexes, exclusion and CHECK constraints, generated columns, partition keys, statistics.
CREATE OR REPLACE FUNCTION pgpredict.stored_answers(functions regprocedure[]) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE function (oid) AS (
        SELECT unnest(functions)::oid
        UNION
        SELECT d.objid
        FROM function AS f
        JOIN pg_depend AS d
            ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid
               AND d.classid = 'pg_proc'::regclass
    )
    SELECT DISTINCT CASE
        WHEN x.oid IS NOT NULL THEN pg_describe_object('pg_constraint'::regclass, x.oid, 0)
        WHEN g.oid IS NOT NULL THEN pg_describe_object('pg_class'::regclass, g.adrelid, g.adnum)
        ELSE pg_describe_object(d.classid, d.objid, d.objsubid)
    END
    FROM function AS f
    JOIN pg_depend AS d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid
    -- An index of an exclusion constraint goes with the constraint alone.
    LEFT JOIN pg_constraint AS x
        ON d.classid = 'pg_class'::regclass AND x.conindid = d.objid AND x.contype = 'x'
    -- A default value is computed anew for every row; a generated column is not.
    LEFT JOIN pg_attrdef AS g ON d.classid = 'pg_attrdef'::regclass AND g.oid = d.objid
    LEFT JOIN pg_attribute AS a ON a.attrelid = g.adrelid AND a.attnum = g.adnum
    -- Of relations only indexes and partitioned tables call functions themselves, and in Postgres
    -- 14 generated columns; views do so by their rules.
    WHERE d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass,
                        'pg_statistic_ext'::regclass)
       OR a.attgenerated = 's'
    $$;

-- Raises if another version would make something wrong that is on disk. `cannot` begins the error.
CREATE OR REPLACE FUNCTION pgpredict.check_stored_answers(model text, cannot text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    stored text := (
        SELECT string_agg(s, ', ' ORDER BY s)
        FROM pgpredict.stored_answers(ARRAY(SELECT pgpredict.live_functions(model))) AS s);
BEGIN
    IF stored IS NOT NULL THEN
        RAISE EXCEPTION '%: answers of predict.% are stored, and would be wrong', cannot, model
        USING
            ERRCODE = 'PP003',
            DETAIL = 'stored by: ' || stored,
            HINT = format('drop these, and build them on a frozen function instead: %s(…)',
                          pgpredict.frozen_name(model, pgpredict.live_version(model), ''));
    END IF;
END
$$;
