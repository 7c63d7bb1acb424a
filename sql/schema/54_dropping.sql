-- How functions go: all of them, and only where nothing else uses them.

-- What would break without some functions: views, indexes, columns, constraints, policies, other
-- functions.
CREATE OR REPLACE FUNCTION pgpredict.dependents(functions regprocedure[]) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT CASE
        WHEN r.oid IS NOT NULL THEN pg_describe_object('pg_class'::regclass, r.ev_class, 0)
        ELSE pg_describe_object(d.classid, d.objid, d.objsubid)
    END
    FROM pg_depend AS d
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.refclassid = 'pg_proc'::regclass
      AND d.refobjid = ANY (functions::oid[])
      AND NOT (d.classid = 'pg_proc'::regclass AND d.objid = ANY (functions::oid[]))
    $$;

-- Drops functions, or raises: `cannot` says what cannot be done, `code` is its SQLSTATE, `details`
-- come before the list of what is in the way.
CREATE OR REPLACE FUNCTION pgpredict.drop_functions(
    functions regprocedure[], cannot text, code text, details text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    users text := (SELECT string_agg(d, ', ' ORDER BY d) FROM pgpredict.dependents(functions) AS d);
BEGIN
    IF users IS NOT NULL THEN
        RAISE EXCEPTION USING
            MESSAGE = cannot,
            ERRCODE = code,
            DETAIL = concat_ws(E'\n', details, 'in use by: ' || users),
            HINT = hint;
    ELSIF cardinality(functions) > 0 THEN
        EXECUTE format('DROP FUNCTION %s', array_to_string(functions, ', '));
    END IF;
END
$$;
