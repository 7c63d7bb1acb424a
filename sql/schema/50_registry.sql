-- Small questions about models and versions that the other files ask.
--
-- Errors that operators should see carry a code of the class PP; Python turns each into an exception of its own:
--   PP001 unknown model or version · PP002 changed signature · PP003 still in use · PP004 nothing to roll back to
--   PP005 source does not fit

-- One change at a time per model, until the transaction ends. Two sessions that replace the same function would
-- otherwise get 'tuple concurrently updated'.
CREATE OR REPLACE FUNCTION pgpredict.lock_model(model text) RETURNS void
    LANGUAGE sql VOLATILE
    AS $$ SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.model ' || model, 0)) $$;

CREATE OR REPLACE FUNCTION pgpredict.record(model text, version integer, what text, detail jsonb) RETURNS void
    LANGUAGE sql VOLATILE
    AS $$ INSERT INTO pgpredict.event (model, version, what, detail) VALUES (model, version, what, detail) $$;

-- The inputs of a signature, with the types as the catalog writes them; a type that does not exist raises.
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
CREATE OR REPLACE FUNCTION pgpredict.frozen_name(model text, version integer, suffix text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT format('predict_versions.%I', model || '_v' || version || suffix) $$;

-- The version asked for, or the live one when `version` is NULL. Unknown and retired ones raise.
CREATE OR REPLACE FUNCTION pgpredict.usable_version(model text, version integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen pgpredict.version;
BEGIN
    IF NOT EXISTS (SELECT FROM pgpredict.model AS m WHERE m.name = usable_version.model) THEN
        RAISE EXCEPTION 'there is no model %', coalesce(model, 'NULL') USING
            ERRCODE = 'PP001',
            DETAIL = coalesce((SELECT 'models: ' || string_agg(m.name, ', ' ORDER BY m.name) FROM pgpredict.model AS m), 'no model is deployed yet'),
            HINT = 'SELECT * FROM pgpredict.models';
    END IF;
    SELECT v.* INTO chosen
    FROM pgpredict.version AS v
    JOIN pgpredict.model AS m ON m.name = v.model
    WHERE v.model = usable_version.model AND v.version = coalesce(usable_version.version, m.live);
    IF chosen.version IS NULL THEN
        RAISE EXCEPTION '% has no %', model, coalesce('version ' || version, 'live version') USING
            ERRCODE = 'PP001',
            DETAIL = (SELECT 'versions: ' || string_agg(v.version::text, ', ' ORDER BY v.version)
                      FROM pgpredict.version AS v WHERE v.model = usable_version.model AND v.retired_at IS NULL),
            HINT = 'SELECT * FROM pgpredict.versions';
    ELSIF chosen.retired_at IS NOT NULL THEN
        RAISE EXCEPTION '% v% is retired: its functions are gone', model, chosen.version USING
            ERRCODE = 'PP001',
            DETAIL = format('retired on %s by %s', chosen.retired_at::date, chosen.retired_by),
            HINT = 'deploy the model again; the stored model file is in pgpredict.version';
    END IF;
    RETURN chosen.version;
END
$$;

-- One line about a version, for COMMENT ON FUNCTION: 'churn v3: gradient boosting, 100 trees (auc 0.91)'
CREATE OR REPLACE FUNCTION pgpredict.describe(model text, version integer) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT format('%s v%s: %s', v.model, v.version, v.description)
           || coalesce((SELECT ' (' || string_agg(format('%s %s', m.key, m.value), ', ' ORDER BY m.key) || ')'
                        FROM jsonb_each_text(v.metrics) AS m), '')
    FROM pgpredict.version AS v
    WHERE v.model = describe.model AND v.version = describe.version
    $$;

-- What would break without a function: views, indexes, generated columns, defaults, constraints, policies, functions.
CREATE OR REPLACE FUNCTION pgpredict.dependents(function oid) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT CASE
        WHEN r.oid IS NOT NULL THEN pg_describe_object('pg_class'::regclass, r.ev_class, 0)
        ELSE pg_describe_object(d.classid, d.objid, d.objsubid)
    END
    FROM pg_depend AS d
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = function
    $$;

-- Functions belong to the owner of the schema, whoever made them, so that every operator can replace them.
CREATE OR REPLACE FUNCTION pgpredict.hand_over(function regprocedure) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    owner oid := (SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgpredict');
BEGIN
    IF owner <> (SELECT p.proowner FROM pg_proc AS p WHERE p.oid = function) AND pg_has_role(owner, 'MEMBER') THEN
        EXECUTE format('ALTER FUNCTION %s OWNER TO %I', function, pg_get_userbyid(owner));
    END IF;
END
$$;
