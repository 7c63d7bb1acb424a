-- Small questions about models and versions that the other files ask.
--
-- Errors that operators should see carry a code of the class PP; Python turns each into an
-- exception of its own:
--   PP001 unknown model or version, or a retired one     PP004 nothing to roll back to
--   PP002 changed signature                              PP005 source that does not fit
--   PP003 still in use

-- One change at a time per model, until the transaction ends. Two sessions that replace the same
-- function would otherwise get 'tuple concurrently updated'.
CREATE OR REPLACE FUNCTION pgpredict.lock_model(model text) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.model ' || model, 0)) $$;

CREATE OR REPLACE FUNCTION pgpredict.record(
    model text, version integer, what text, detail jsonb DEFAULT '{}') RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO pgpredict.event (model, version, what, detail)
    VALUES (model, version, what, detail)
    $$;

-- The inputs of a signature, with the types as the catalog writes them; an unknown type raises.
CREATE OR REPLACE FUNCTION pgpredict.inputs(signature jsonb)
    RETURNS TABLE (name text, type text, "position" bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.input ->> 'name', (i.input ->> 'type')::regtype::text, i.place
    FROM jsonb_array_elements(signature) WITH ORDINALITY AS i (input, place)
    $$;

-- The functions of a version: the suffix of their names, and what they return.
CREATE OR REPLACE FUNCTION pgpredict.outputs(model text, version integer)
    RETURNS TABLE (suffix text, result text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT o.suffix, o.type::regtype::text
    FROM pgpredict.version AS v,
         LATERAL (VALUES ('', v.label_type), ('_proba', v.probability_type)) AS o (suffix, type)
    WHERE v.model = outputs.model AND v.version = outputs.version AND o.type IS NOT NULL
    $$;

-- The name of a frozen function, ready for SQL: predict_versions.churn_v3_proba
CREATE OR REPLACE FUNCTION pgpredict.frozen_name(model text, version integer, suffix text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT format('predict_versions.%I', model || '_v' || version || suffix) $$;

-- The frozen functions of a version that are there.
CREATE OR REPLACE FUNCTION pgpredict.frozen_functions(model text, version integer)
    RETURNS SETOF regprocedure
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.oid::regprocedure
    FROM pg_proc AS p
    JOIN pgpredict.outputs(model, version) AS o
        ON p.proname = format('%s_v%s%s', model, version, o.suffix)
    WHERE p.pronamespace = 'predict_versions'::regnamespace
    $$;

-- The functions predict.<model> that are there, in all forms.
CREATE OR REPLACE FUNCTION pgpredict.live_functions(model text) RETURNS SETOF regprocedure
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.oid::regprocedure
    FROM pg_proc AS p
    WHERE p.pronamespace = 'predict'::regnamespace AND p.proname IN (model, model || '_proba')
    $$;

-- At most five models, those first whose names share most pairs of letters with `model`.
CREATE OR REPLACE FUNCTION pgpredict.closest_models(model text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH near AS (
        SELECT m.name, count(*) OVER () AS of_all,
               row_number() OVER (ORDER BY shared.pairs DESC, m.name) AS place
        FROM pgpredict.model AS m,
             LATERAL (
                 SELECT count(*) FILTER (
                            WHERE strpos(left(closest_models.model, 63), substr(m.name, i, 2)) > 0)
                            / length(m.name)::float8 AS pairs
                 FROM generate_series(1, length(m.name) - 1) AS i
             ) AS shared
    )
    SELECT CASE WHEN max(n.of_all) > 5
               THEN format('closest of %s models: ', max(n.of_all))
               ELSE 'models: '
           END || string_agg(n.name, ', ' ORDER BY n.place)
    FROM near AS n
    WHERE n.place <= 5
    $$;

-- Raises unless there is such a model.
CREATE OR REPLACE FUNCTION pgpredict.check_model(model text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pgpredict.model AS m WHERE m.name = check_model.model) THEN
        RAISE EXCEPTION 'there is no model %', coalesce(model, 'NULL') USING
            ERRCODE = 'PP001',
            DETAIL = coalesce(pgpredict.closest_models(model), 'no model is deployed yet'),
            HINT = 'SELECT * FROM pgpredict.models';
    END IF;
END
$$;

-- The number of the live version; NULL: none is.
CREATE OR REPLACE FUNCTION pgpredict.live_version(model text) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT v.version
    FROM pgpredict.version AS v
    WHERE v.model = live_version.model AND v.live_since IS NOT NULL
    $$;

-- The version asked for, or the live one when `version` is NULL. Unknown and retired ones raise.
CREATE OR REPLACE FUNCTION pgpredict.usable_version(model text, version integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen pgpredict.version;
BEGIN
    PERFORM pgpredict.check_model(model);
    SELECT v.* INTO chosen
    FROM pgpredict.version AS v
    WHERE v.model = usable_version.model
      AND v.version = coalesce(usable_version.version, pgpredict.live_version(v.model));
    IF chosen.version IS NULL THEN
        RAISE EXCEPTION '% has no %', model, coalesce('version ' || version, 'live version') USING
            ERRCODE = 'PP001',
            DETAIL = (SELECT 'versions: ' || string_agg(v.version::text, ', ' ORDER BY v.version)
                      FROM pgpredict.version AS v
                      WHERE v.model = usable_version.model AND v.retired_at IS NULL),
            HINT = 'SELECT * FROM pgpredict.versions';
    ELSIF chosen.retired_at IS NOT NULL THEN
        RAISE EXCEPTION '% v% is retired: its functions are gone', model, chosen.version USING
            ERRCODE = 'PP001',
            DETAIL = format('retired on %s by %s', chosen.retired_at::date, chosen.retired_by),
            HINT = format(
                'deploy it again; its file, if it was kept: pgpredict export %s --version %s',
                model, chosen.version);
    END IF;
    RETURN chosen.version;
END
$$;

-- One line about a version, for comments: 'churn v3: gradient boosting, 100 trees (auc 0.91)'
CREATE OR REPLACE FUNCTION pgpredict.describe(model text, version integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('%s v%s: %s', v.model, v.version, v.description)
           || coalesce(
               (SELECT ' (' || string_agg(m.key || ' ' || m.value, ', ' ORDER BY m.key) || ')'
                FROM jsonb_each_text(v.metrics) AS m), '')
    FROM pgpredict.version AS v
    WHERE v.model = describe.model AND v.version = describe.version
    $$;
