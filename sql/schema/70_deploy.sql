-- What a deploy needs of the database. The client creates the frozen functions between the two.

-- The number of the next version, with the model's lock held until the transaction ends.
CREATE OR REPLACE FUNCTION pgpredict.next_version(model text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pgpredict.lock_model(model);
    INSERT INTO pgpredict.model (name) VALUES (next_version.model) ON CONFLICT DO NOTHING;
    RETURN (SELECT coalesce(max(v.version), 0) + 1
            FROM pgpredict.version AS v WHERE v.model = next_version.model);
END
$$;

-- Why a column of a table cannot be passed for an input; NULL: it can. Only casts that no value
-- can make raise, and that mean the same for every session.
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
    SELECT string_agg(w, E'\n' ORDER BY i.position) INTO problems
    FROM pgpredict.inputs(signature) AS i, pgpredict.why_not(relation, i.name, i.type) AS w
    WHERE w IS NOT NULL;
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
      AND NOT EXISTS (
          SELECT FROM pgpredict.inputs(inherited_source.signature) AS i
          WHERE pgpredict.why_not(to_regclass(v.source), i.name, i.type) IS NOT NULL)
    $$;

-- Comments on the frozen functions, and their owner.
CREATE OR REPLACE FUNCTION pgpredict.label_frozen(model text, version integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    frozen regprocedure;
BEGIN
    FOR frozen IN
        SELECT pgpredict.frozen_functions(model, version)
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L',
                       frozen, 'frozen: ' || pgpredict.describe(model, version));
        PERFORM pgpredict.hand_over(frozen);
    END LOOP;
END
$$;
