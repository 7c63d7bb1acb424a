-- The source of a version: the table whose rows predict.<model> takes.

-- Why a column of a table cannot be passed for an input; NULL: it can. Only casts that mean the
-- same for every session, and that no value can make raise, but for a date after the year 294276;
-- pgpredict.passed sees to numeric.
CREATE OR REPLACE FUNCTION pgpredict.why_not(source regclass, input text, type text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN c.attname IS NULL THEN format('no column %I', input)
        WHEN (type = 'double precision' AND c.base = ANY (ARRAY[
                 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric']::regtype[]))
            OR (type = 'text' AND c.category IN ('S', 'E'))
            OR (type = 'timestamp without time zone' AND c.base = 'date'::regtype)
            OR type::regtype = c.base
        THEN NULL
        ELSE format('%I is %s, the model takes %s', input, c.declared, type)
    END
    FROM (VALUES (1)) AS always (one_row)
    LEFT JOIN LATERAL (
        SELECT a.attname, t.typcategory AS category,
               format_type(a.atttypid, a.atttypmod) AS declared,
               CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END::regtype AS base
        FROM pg_attribute AS a
        JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = source AND a.attname = input AND a.attnum > 0 AND NOT a.attisdropped
    ) AS c ON true
    $$;

-- How a column of a row is passed for an input. With its star the row is meant, even if a column of
-- it has the same name. The cast of a numeric to float8 raises where the number is too large or too
-- small; then infinity or 0 is passed, as Python does. Where the column's precision rules that out,
-- the cast alone stands, which is faster. The bounds are those of rounding; NaN is above all
-- numbers.
CREATE OR REPLACE FUNCTION pgpredict.passed(
    source regclass, source_row text, input text, type text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        CASE WHEN c.base = 'numeric'::regtype AND passed.type = 'double precision'
                  AND NOT (c.typmod >= 4 AND c.precision - c.scale <= 300 AND c.scale <= 300)
            THEN 'CASE'
                 ' WHEN (%1$I.*).%2$I > 1.797693134862315807e308'
                 ' AND (%1$I.*).%2$I <= ''Infinity'''
                 ' THEN ''Infinity'''
                 ' WHEN (%1$I.*).%2$I < -1.797693134862315807e308 THEN ''-Infinity'''
                 ' WHEN abs((%1$I.*).%2$I) < 2.4703282292062328e-324 THEN 0'
                 ' ELSE (%1$I.*).%2$I::float8 END'
            ELSE '(%1$I.*).%2$I::%3$s'
        END,
        passed.source_row, passed.input, passed.type)
    FROM (
        SELECT b.base, b.typmod,
               -- As numeric packs them; the scale has a sign in its eleven bits.
               (b.typmod - 4) >> 16 AS precision,
               (((b.typmod - 4) & 2047) # 1024) - 1024 AS scale
        FROM pg_attribute AS a
        JOIN pg_type AS t ON t.oid = a.atttypid,
             LATERAL (
                 SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END::regtype AS base,
                        CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod
             ) AS b
        WHERE a.attrelid = passed.source AND a.attname = passed.input
          AND a.attnum > 0 AND NOT a.attisdropped
    ) AS c
    $$;

-- Why the rows of a table cannot be passed for the inputs of a signature; NULL: they can.
CREATE OR REPLACE FUNCTION pgpredict.misfits(source regclass, signature jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(w, E'\n' ORDER BY i.position)
    FROM pgpredict.inputs(signature) AS i, pgpredict.why_not(source, i.name, i.type) AS w
    $$;

-- The qualified and quoted name of a table whose rows fit a signature. Raises with what does not.
CREATE OR REPLACE FUNCTION pgpredict.check_source(source text, signature jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    -- Looked up as the caller would: this function has no search_path of its own.
    relation regclass := to_regclass(source);
    problems text;
BEGIN
    IF relation IS NULL THEN
        RAISE EXCEPTION 'there is no table or view %', source USING
            ERRCODE = 'PP005',
            HINT = 'write capitals, spaces and accents in double quotes: public."My Table"';
    END IF;
    problems := pgpredict.misfits(relation, signature);
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'the rows of % do not fit the model', source USING
            ERRCODE = 'PP005',
            DETAIL = problems,
            HINT = 'make a view with columns of these names and types, and name it as the source';
    END IF;
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation AND c.relpersistence = 't') THEN
        RAISE EXCEPTION '% is a temporary table', source USING
            ERRCODE = 'PP005',
            HINT = 'name a table or view that stays: the live function takes its rows';
    END IF;
    RETURN (SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.oid = relation);
END
$$;

-- The source of the live version, if its rows fit a new version too; else NULL.
CREATE OR REPLACE FUNCTION pgpredict.inherited_source(model text, signature jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT v.source
    FROM pgpredict.version AS v
    WHERE v.model = inherited_source.model
      AND v.live_since IS NOT NULL
      AND to_regclass(v.source) IS NOT NULL
      AND pgpredict.misfits(to_regclass(v.source), inherited_source.signature) IS NULL
    $$;

-- Notes where a source is now that was renamed, or moved to another schema.
CREATE OR REPLACE FUNCTION pgpredict.follow_source(model text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    -- The view reads half the catalog, which few promotions need.
    IF EXISTS (SELECT FROM pgpredict.version AS v
               WHERE v.model = follow_source.model
                 AND v.source IS NOT NULL AND to_regclass(v.source) IS NULL)
    THEN
        UPDATE pgpredict.version AS v
        SET source = now.source
        FROM pgpredict.versions AS now
        WHERE v.model = follow_source.model
          AND v.source IS NOT NULL AND to_regclass(v.source) IS NULL
          AND now.model = v.model AND now.version = v.version AND now.source IS NOT NULL;
    END IF;
END
$$;

-- The table whose rows the live functions of a version can take; NULL: none, which is so too where
-- the source was dropped, or has lost a column since.
CREATE OR REPLACE FUNCTION pgpredict.row_source(model text, version integer) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT to_regclass(v.source)
    FROM pgpredict.version AS v
    WHERE v.model = row_source.model AND v.version = row_source.version
      AND pgpredict.misfits(to_regclass(v.source), v.signature) IS NULL
    $$;
