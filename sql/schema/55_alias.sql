-- The live aliases predict.<model>(…): what they should be, and how they are put in place.
--
-- Their bodies are of the SQL-standard kind (RETURN …). Postgres then knows that an alias depends on its frozen function,
-- callers need no right on predict_versions, and the planner inlines alias and function into the query.

-- The aliases of a version: by named arguments, and by row where the version has a source table.
-- `arguments` and `result` are written as the catalog writes them, so that the two can be compared as text.
CREATE OR REPLACE FUNCTION pgpredict.aliases(model text, version integer)
    RETURNS TABLE (name text, arguments text, result text, call text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH chosen AS (
        SELECT v.signature,
               to_regclass(v.source)::text AS source,
               -- No two functions of one name may have the same argument names, so the row steps aside.
               CASE WHEN v.signature @> '[{"name": "c"}]' THEN 'source_row' ELSE 'c' END AS row_name
        FROM pgpredict.version AS v
        WHERE v.model = aliases.model AND v.version = aliases.version
    ),
    shape AS (
        SELECT coalesce(string_agg(format('%I %s', i.name, i.type), ', ' ORDER BY i.position), '') AS arguments,
               coalesce(string_agg(format('%I', i.name), ', ' ORDER BY i.position), '') AS passed
        FROM chosen, pgpredict.inputs(chosen.signature) AS i
        UNION ALL
        SELECT format('%I %s', chosen.row_name, chosen.source),
               coalesce((SELECT string_agg(format('(%I).%I::%s', chosen.row_name, i.name, i.type), ', '
                                           ORDER BY i.position)
                         FROM pgpredict.inputs(chosen.signature) AS i), '')
        FROM chosen
        WHERE chosen.source IS NOT NULL
    )
    SELECT aliases.model || o.suffix,
           shape.arguments,
           o.result,
           format('%s(%s)', pgpredict.frozen_name(aliases.model, aliases.version, o.suffix), shape.passed)
    FROM shape, pgpredict.outputs(aliases.model, aliases.version) AS o
    $$;

-- Functions in `predict` that CREATE OR REPLACE cannot turn into an alias of this version.
CREATE OR REPLACE FUNCTION pgpredict.obsolete_aliases(model text, version integer) RETURNS SETOF regprocedure
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.oid::regprocedure
    FROM pg_proc AS p
    WHERE p.pronamespace = 'predict'::regnamespace
      AND p.proname IN (obsolete_aliases.model, obsolete_aliases.model || '_proba')
      AND NOT EXISTS (
          SELECT FROM pgpredict.aliases(obsolete_aliases.model, obsolete_aliases.version) AS a
          WHERE a.name = p.proname
            AND a.arguments = pg_get_function_identity_arguments(p.oid)
            AND a.result = pg_get_function_result(p.oid))
    $$;

-- How the inputs of a version differ from those of another, a line each, for people.
CREATE OR REPLACE FUNCTION pgpredict.signature_changes(model text, old integer, new integer) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH old_one AS (SELECT v.* FROM pgpredict.version AS v WHERE v.model = signature_changes.model AND v.version = old),
         new_one AS (SELECT v.* FROM pgpredict.version AS v WHERE v.model = signature_changes.model AND v.version = new),
         input AS (
             SELECT coalesce(n.name, o.name) AS name, o.type AS old_type, n.type AS new_type, o.position AS old_place, n.position AS new_place
             FROM (SELECT i.* FROM old_one, pgpredict.inputs(old_one.signature) AS i) AS o
             FULL JOIN (SELECT i.* FROM new_one, pgpredict.inputs(new_one.signature) AS i) AS n ON n.name = o.name
         )
    SELECT '+ ' || format('%I %s', name, new_type) FROM input WHERE old_type IS NULL
    UNION ALL
    SELECT '- ' || format('%I %s', name, old_type) FROM input WHERE new_type IS NULL
    UNION ALL
    SELECT '~ ' || format('%I %s, was %s', name, new_type, old_type) FROM input WHERE old_type <> new_type
    UNION ALL
    SELECT '~ the inputs stand in another order'
    WHERE NOT EXISTS (SELECT FROM input WHERE old_type IS DISTINCT FROM new_type)
      AND EXISTS (SELECT FROM input WHERE old_place <> new_place)
    UNION ALL
    SELECT format('~ the label is %s, was %s', new_one.label_type, old_one.label_type)
    FROM old_one, new_one WHERE old_one.label_type <> new_one.label_type
    UNION ALL
    SELECT format('~ the probability is %s, was %s', coalesce(new_one.probability_type, 'gone'), coalesce(old_one.probability_type, 'not there'))
    FROM old_one, new_one WHERE old_one.probability_type IS DISTINCT FROM new_one.probability_type
    UNION ALL
    SELECT format('~ the source is %s, was %s', coalesce(new_one.source, 'none'), coalesce(old_one.source, 'none'))
    FROM old_one, new_one WHERE old_one.source IS DISTINCT FROM new_one.source
    $$;

-- Makes way for a version whose aliases look different; refuses when something hangs on the old ones.
CREATE OR REPLACE FUNCTION pgpredict.drop_obsolete_aliases(model text, version integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    users text := (
        SELECT string_agg(DISTINCT d, ', ' ORDER BY d)
        FROM pgpredict.obsolete_aliases(model, version) AS o, pgpredict.dependents(o) AS d);
    obsolete regprocedure;
BEGIN
    IF users IS NOT NULL THEN
        RAISE EXCEPTION 'cannot promote % v%: it is not called as the live version is', model, version USING
            ERRCODE = 'PP002',
            DETAIL = concat_ws(E'\n',
                (SELECT string_agg(c, E'\n')
                 FROM pgpredict.model AS m, pgpredict.signature_changes(m.name, m.live, drop_obsolete_aliases.version) AS c
                 WHERE m.name = drop_obsolete_aliases.model),
                'in use by: ' || users),
            HINT = 'deploy under a new name, or deploy without promoting and move what uses it first';
    END IF;
    FOR obsolete IN SELECT pgpredict.obsolete_aliases(model, version) LOOP
        EXECUTE format('DROP FUNCTION %s', obsolete);
    END LOOP;
END
$$;

-- Points the aliases at a version. Callers hold the model's lock and write the event.
CREATE OR REPLACE FUNCTION pgpredict.make_live(model text, version integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    gone text := (SELECT v.source FROM pgpredict.version AS v
                  WHERE v.model = make_live.model AND v.version = make_live.version AND to_regclass(v.source) IS NULL);
    alias record;
BEGIN
    PERFORM pgpredict.usable_version(model, version);
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'cannot promote % v%: its source % is gone', model, version, gone USING
            ERRCODE = 'PP005',
            HINT = format('name the new one, or NULL: UPDATE pgpredict.version SET source = … WHERE model = %L AND version = %s', model, version);
    END IF;
    PERFORM pgpredict.drop_obsolete_aliases(model, version);
    FOR alias IN SELECT a.* FROM pgpredict.aliases(model, version) AS a LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION predict.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL SAFE RETURN %s',
                       alias.name, alias.arguments, alias.result, alias.call);
        EXECUTE format('COMMENT ON FUNCTION predict.%I(%s) IS %L',
                       alias.name, alias.arguments, 'live: ' || pgpredict.describe(model, version));
    END LOOP;
    PERFORM pgpredict.hand_over(p.oid)
    FROM pg_proc AS p
    WHERE p.pronamespace = 'predict'::regnamespace AND p.proname IN (model, model || '_proba');
    UPDATE pgpredict.model AS m
    SET live = make_live.version, live_since = clock_timestamp()
    WHERE m.name = make_live.model AND m.live IS DISTINCT FROM make_live.version;
END
$$;
