-- What `pgpredict doctor` asks.

-- name: facts
-- Reads only the catalog and settings, so that it needs no right and no schema of ours.
SELECT current_setting('server_version') AS server_version,
       quote_ident(current_user) AS role,
       quote_ident(current_database()) AS database,
       pg_is_in_recovery() AS is_replica,
       current_setting('default_transaction_read_only')::boolean AS reads_only,
       current_setting('server_encoding') AS encoding,
       current_schema() AS current_schema,
       current_schema() IN ('pgpredict', 'predict', 'predict_versions', 'predict_runtime')
           AS creates_among_ours,
       -- Off where Postgres was built without it, whatever the setting says.
       current_setting('jit')::boolean AND pg_jit_available() AS jit,
       has_database_privilege(current_database(), 'CREATE') AS may_create;

-- name: stored_answers
-- What will stop the next promote: see sql/schema/54_stored.sql.
SELECT m.name AS model,
       string_agg(s, ', ' ORDER BY s) AS stored_by,
       pgpredict.frozen_name(m.name, pgpredict.live_version(m.name), '') AS frozen
FROM pgpredict.model AS m,
     pgpredict.stored_answers(ARRAY(SELECT pgpredict.live_functions(m.name))) AS s
GROUP BY m.name
ORDER BY m.name;

-- name: streams
-- A row that has waited so long waits for a worker that is not there.
SELECT count(*) AS streams,
       count(*) FILTER (WHERE s.state = 'paused') AS paused,
       coalesce(sum(s.depth), 0)::bigint AS waiting,
       coalesce(sum(s.dead_letters), 0)::bigint AS dead,
       coalesce(sum(s.failing), 0)::bigint AS failing,
       coalesce(bool_or(s.state = 'running' AND s.oldest_age > interval '1 minute'), false) AS late,
       array_agg(s.name ORDER BY s.name) FILTER (WHERE s.state = 'source gone') AS gone
FROM pgpredict.streams AS s;

-- name: triggers
-- Tables of streams whose triggers do not all fire, so that nobody notices what is written there.
SELECT s.name AS stream, m.relation::text AS relation, false AS disabled
FROM pgpredict.stream AS s, LATERAL pgpredict.missing_triggers(s.name) AS m
UNION
SELECT s.name, t.tgrelid::regclass::text, true
FROM pgpredict.stream AS s
JOIN pg_trigger AS t ON t.tgfoid = to_regproc(format('pgpredict.%I', s.name || '_capture'))
WHERE t.tgenabled = 'D'
ORDER BY 1, 2, 3;
