-- Statements that the Python client runs, by name. Parameters are psycopg's: %(name)s.

-- name: install_lock
SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.install', 0));

-- name: schema_state
-- What is installed here, and who may use it. Reads only the catalog, so that it needs no right.
SELECT quote_ident(current_user) AS role,
       quote_ident(current_database()) AS database,
       quote_ident(pg_get_userbyid(n.nspowner)) AS owner,
       owner.rolsuper AS owner_is_superuser,
       pg_has_role(n.nspowner, 'MEMBER') AS is_operator,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       has_schema_privilege(n.oid, 'USAGE') AS may_use,
       EXISTS (SELECT FROM pg_class AS c
               WHERE c.relnamespace = n.oid AND c.relname = 'schema_version') AS installed
FROM (VALUES (1)) AS always (one_row)
LEFT JOIN pg_namespace AS n ON n.nspname = 'pgpredict'
LEFT JOIN pg_roles AS owner ON owner.oid = n.nspowner;

-- name: schema_version
SELECT max(version) AS version FROM pgpredict.schema_version;

-- name: walker_language
SELECT pgpredict.walker_language() AS language;

-- name: walk_a_tree
-- x <= 3 gives 1, else 2, and it starts from a half.
SELECT predict_runtime.walk_trees('{1,0.5,11,1,3,9,0,1,0,2}'::float8[], '{2}'::float8[]) AS sums;

-- name: insert_version
INSERT INTO pgpredict.version (
    model, version, kind, description, signature, contract, label_type, probability_type, classes,
    form, sql_bytes, body_hash, metrics, source, model_file, model_format)
VALUES (
    %(model)s, %(version)s, %(kind)s, %(description)s, %(signature)s, %(contract)s, %(label_type)s,
    %(probability_type)s, %(classes)s, %(form)s, %(sql_bytes)s, %(body_hash)s, %(metrics)s,
    %(source)s, %(model_file)s, %(model_format)s);

-- name: copy_golden_rows
COPY pgpredict.golden_row (model, version, row_number, inputs, prediction, probability) FROM STDIN;

-- name: copy_baselines
COPY pgpredict.baseline (
    model, version, position, role, name, kind, edges, labels, shares, null_share, rows) FROM STDIN;

-- name: next_version
SELECT pgpredict.next_version(%(model)s) AS version;

-- name: check_source
SELECT pgpredict.check_source(%(source)s, %(signature)s) AS source;

-- name: inherited_source
SELECT pgpredict.inherited_source(%(model)s, %(signature)s) AS source;

-- name: pin_search_path
-- For the rest of the transaction, or until it is set back. What a new function says is bound to
-- what its words mean at that moment: not to a table of somebody's that is called float8.
SELECT current_setting('search_path') AS before,
       set_config('search_path', 'pg_catalog, pg_temp', true) AS now;

-- name: set_search_path
SELECT set_config('search_path', %(path)s, true);

-- name: label_frozen
SELECT pgpredict.label_frozen(%(model)s, %(version)s);

-- name: record
SELECT pgpredict.record(%(model)s, %(version)s, %(what)s, %(detail)s);

-- name: promote
SELECT pgpredict.promote(%(model)s, %(version)s) AS version;

-- name: lost_rows
-- What the last promotion said of rows that predict.<model> does not take any more.
SELECT e.detail ->> 'without_rows_of' AS source, e.detail ->> 'because' AS because
FROM pgpredict.event AS e
WHERE e.model = %(model)s AND e.what = 'promote'
ORDER BY e.id DESC
LIMIT 1;

-- name: rollback
SELECT pgpredict.rollback(%(model)s) AS version;

-- name: retire
SELECT pgpredict.retire(%(model)s, %(version)s) AS version;

-- name: drop
SELECT pgpredict.drop_model(%(model)s) AS versions;

-- name: usable_version
SELECT pgpredict.usable_version(%(model)s, %(version)s) AS version;

-- name: model_file
SELECT v.version, v.model_file AS content, v.model_format AS format
FROM pgpredict.version AS v
WHERE v.model = %(model)s
  AND v.version = coalesce(%(version)s::integer, pgpredict.live_version(%(model)s));

-- name: verify
SELECT pgpredict.usable_version(%(model)s, %(version)s) AS version, v.*
FROM pgpredict.verify(%(model)s, %(version)s) AS v;

-- name: worst_rows
SELECT * FROM pgpredict.worst_rows(%(model)s, %(version)s, %(at_most)s);

-- name: looked_at
-- What a caller wrote, as the database reads it, before anything is computed.
SELECT to_regclass(%(relation)s)::text AS relation,
       %(since)s::timestamptz AS since,
       %(until)s::timestamptz AS until;

-- name: drift
SELECT pgpredict.usable_version(%(model)s, %(version)s) AS version, d.*
FROM pgpredict.drift(
    %(model)s, %(relation)s::regclass, %(version)s, %(since)s::timestamptz,
    %(until)s::timestamptz, %(time_column)s, %(outputs)s, %(minimum)s) AS d;

-- name: record_drift
SELECT d.version, d.role, d.name, d.psi, d.threshold, d.drifted, d.rows, d.null_share,
       d.baseline_null_share, d.bins
FROM pgpredict.record_drift(
    %(model)s, %(relation)s::regclass, %(version)s, %(since)s::timestamptz,
    %(until)s::timestamptz, %(time_column)s, %(outputs)s, %(minimum)s) AS d
ORDER BY d.id;

-- name: models
SELECT * FROM pgpredict.models ORDER BY name;

-- name: versions
SELECT v.*,
       ARRAY(
           SELECT quote_ident(i.input ->> 'name')
           FROM jsonb_array_elements(v.signature) WITH ORDINALITY AS i (input, place)
           ORDER BY i.place) AS arguments
FROM pgpredict.versions AS v
WHERE v.model = %(model)s OR %(model)s IS NULL
ORDER BY v.model, v.version;

-- name: events
SELECT * FROM pgpredict.events
WHERE model = %(model)s OR %(model)s IS NULL;

-- name: arguments
-- The inputs of a version as one writes them in SQL, in the order of the arguments.
SELECT coalesce(array_agg(quote_ident(i.name) ORDER BY i.position), '{}') AS names
FROM pgpredict.versions AS v, pgpredict.inputs(v.signature) AS i
WHERE v.model = %(model)s AND v.version = %(version)s;
