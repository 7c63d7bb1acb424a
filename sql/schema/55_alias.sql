-- The live aliases predict.<model>(…): what they should be, and how they are put in place.
--
-- Their bodies are of the SQL-standard kind (RETURN …). Postgres then knows that an alias depends
-- on its frozen function, callers need no right on predict_versions, and the planner inlines alias
-- and function into the query.

-- The aliases of a version: by named arguments, and by row where the version has a source table.
-- Arguments and result are written as the catalog writes them, to be compared as text.
CREATE OR REPLACE FUNCTION pgpredict.aliases(model text, version integer)
    RETURNS TABLE (name text, arguments text, result text, call text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH chosen AS (
        SELECT v.signature,
               pgpredict.row_source(v.model, v.version) AS source,
               -- No two functions of one name may share argument names: the row steps aside.
               CASE WHEN v.signature @> '[{"name": "c"}]' THEN 'source_row' ELSE 'c' END AS c
        FROM pgpredict.version AS v
        WHERE v.model = aliases.model AND v.version = aliases.version
    ),
    parts AS (
        SELECT string_agg(format('%I %s', i.name, i.type), ', ' ORDER BY i.position) AS declared,
               string_agg(quote_ident(i.name), ', ' ORDER BY i.position) AS by_name,
               string_agg(pgpredict.passed(chosen.source, chosen.c, i.name, i.type), ', '
                          ORDER BY i.position) AS by_row
        FROM chosen, pgpredict.inputs(chosen.signature) AS i
    ),
    shape AS (
        SELECT coalesce(parts.declared, '') AS arguments, coalesce(parts.by_name, '') AS passed
        FROM chosen, parts
        UNION ALL
        SELECT format('%I %s', chosen.c, chosen.source), coalesce(parts.by_row, '')
        FROM chosen, parts
        WHERE chosen.source IS NOT NULL
    )
    SELECT aliases.model || o.suffix, shape.arguments, o.result,
           pgpredict.frozen_name(aliases.model, aliases.version, o.suffix)
               || '(' || shape.passed || ')'
    FROM shape, pgpredict.outputs(aliases.model, aliases.version) AS o
    $$;

-- Live functions that CREATE OR REPLACE cannot turn into an alias of this version.
CREATE OR REPLACE FUNCTION pgpredict.obsolete_aliases(model text, version integer)
    RETURNS SETOF regprocedure
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT l
    FROM pgpredict.live_functions(model) AS l
    JOIN pg_proc AS p ON p.oid = l
    WHERE NOT EXISTS (
        SELECT FROM pgpredict.aliases(obsolete_aliases.model, obsolete_aliases.version) AS a
        WHERE a.name = p.proname
          AND a.arguments = pg_get_function_identity_arguments(p.oid)
          AND a.result = pg_get_function_result(p.oid))
    $$;

-- Creates the aliases of a version, or replaces them.
CREATE OR REPLACE FUNCTION pgpredict.create_aliases(model text, version integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    alias record;
BEGIN
    FOR alias IN SELECT a.* FROM pgpredict.aliases(model, version) AS a LOOP
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION predict.%I(%s) RETURNS %s'
            ' LANGUAGE sql STABLE PARALLEL SAFE RETURN %s',
            alias.name, alias.arguments, alias.result, alias.call);
        EXECUTE format(
            'COMMENT ON FUNCTION predict.%I(%s) IS %L',
            alias.name, alias.arguments, 'live: ' || pgpredict.describe(model, version));
    END LOOP;
END
$$;

-- The tables whose rows the live functions take.
CREATE OR REPLACE FUNCTION pgpredict.taken_rows(model text) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT t.typrelid::regclass
    FROM pgpredict.live_functions(model) AS l
    JOIN pg_proc AS p ON p.oid = l
    JOIN pg_type AS t ON t.oid = p.proargtypes[0]
    WHERE p.pronargs = 1 AND t.typrelid <> 0
    $$;

-- Why the live functions of a version do not take the rows of a table.
CREATE OR REPLACE FUNCTION pgpredict.why_no_rows(model text, version integer, source text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN to_regclass(why_no_rows.source) IS NULL THEN 'it is gone'
        ELSE coalesce(
            replace(pgpredict.misfits(to_regclass(why_no_rows.source), v.signature), E'\n', '; '),
            format('%s v%s was deployed with %s', v.model, v.version,
                   coalesce('the source ' || v.source, 'no source')))
    END
    FROM pgpredict.version AS v
    WHERE v.model = why_no_rows.model AND v.version = why_no_rows.version
    $$;

-- Warns of rows that predict.<model> took before, or should take, and takes no more. Returns what
-- the event says of it.
CREATE OR REPLACE FUNCTION pgpredict.tell_lost_rows(
    model text, version integer, before regclass[]) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    own text := (SELECT v.source
                 FROM pgpredict.version AS v
                 WHERE v.model = tell_lost_rows.model AND v.version = tell_lost_rows.version);
    lost text := coalesce(
        (SELECT min(b::text)
         FROM unnest(before) AS b
         WHERE b NOT IN (SELECT pgpredict.taken_rows(model))),
        CASE WHEN pgpredict.row_source(model, version) IS NULL THEN own END);
    why text := pgpredict.why_no_rows(model, version, lost);
BEGIN
    IF lost IS NULL THEN
        RETURN '{}';
    END IF;
    RAISE WARNING 'predict.% takes no rows of %: %', model, lost, why USING
        HINT = CASE lost WHEN own
            THEN format('once they fit: SELECT pgpredict.promote(%L, %s)', model, version)
            ELSE 'to take them, deploy with a source that has the columns of the model'
        END;
    RETURN jsonb_build_object('without_rows_of', lost, 'because', why);
END
$$;

-- Points the aliases at a version. Callers hold the model's lock and write the event, with the
-- detail that this returns. `cannot` begins the error where something uses aliases that would go.
--
-- A source that is gone stops nobody who must change versions now: the call by named arguments is
-- put in place, and a warning says that the one by row is not.
CREATE OR REPLACE FUNCTION pgpredict.make_live(model text, version integer, cannot text)
    RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    before CONSTANT integer := pgpredict.live_version(model);
    taken CONSTANT regclass[] := ARRAY(SELECT pgpredict.taken_rows(model));
    rights CONSTANT aclitem[] := pgpredict.live_rights(model);
    reads_more CONSTANT boolean := EXISTS (
        SELECT i.name
        FROM pgpredict.version AS v, pgpredict.inputs(v.signature) AS i
        WHERE v.model = make_live.model AND v.version = make_live.version
        EXCEPT
        SELECT i.name
        FROM pgpredict.version AS v, pgpredict.inputs(v.signature) AS i
        WHERE v.model = make_live.model AND v.version = before);
BEGIN
    PERFORM pgpredict.follow_source(model);
    PERFORM pgpredict.follow_stream_source(s.name)
    FROM pgpredict.stream AS s
    WHERE s.model = make_live.model;
    PERFORM pgpredict.drop_functions(
        ARRAY(SELECT pgpredict.obsolete_aliases(model, version)),
        cannot => cannot || ': its signature differs from that of the live version',
        code => 'PP002',
        details => pgpredict.signature_changes(model, version),
        hint => 'deploy under a new name, or deploy without promoting and move what uses it');
    IF before <> version THEN
        PERFORM pgpredict.check_stored_answers(model, cannot);
        PERFORM pgpredict.check_streams(model, version, cannot);
    END IF;
    PERFORM pgpredict.create_aliases(model, version);
    PERFORM pgpredict.hand_over(l) FROM pgpredict.live_functions(model) AS l;
    PERFORM pgpredict.copy_rights(l, rights)
    FROM pgpredict.live_functions(model) AS l
    JOIN pg_proc AS p ON p.oid = l
    WHERE p.proacl IS NULL AND rights IS NOT NULL;
    UPDATE pgpredict.version AS v
    SET live_since = NULL
    WHERE v.model = make_live.model AND v.version <> make_live.version
      AND v.live_since IS NOT NULL;
    UPDATE pgpredict.version AS v
    SET live_since = clock_timestamp()
    WHERE v.model = make_live.model AND v.version = make_live.version AND v.live_since IS NULL;
    PERFORM pgpredict.rebuild_streams(model);
    IF reads_more THEN
        PERFORM pgpredict.await_writers(model);
    END IF;
    RETURN jsonb_build_object('from', before) || pgpredict.tell_lost_rows(model, version, taken);
END
$$;
