-- What `pgpredict worker` runs, by name. Parameters are psycopg's: %(name)s.
--
-- docs/worker.md lists the rights that these need.

-- name: missing_rights
-- What an administrator has to say before this role can work. Reads only the catalog.
SELECT format('GRANT %s TO %I', n.needed, current_user) AS missing
FROM (
    SELECT 1, 'USAGE ON SCHEMA pgpredict', has_schema_privilege(s.oid, 'USAGE')
    FROM pg_namespace AS s
    WHERE s.nspname = 'pgpredict'
    UNION ALL
    SELECT 2, format('SELECT ON pgpredict.%I', c.relname), has_table_privilege(c.oid, 'SELECT')
    FROM pg_class AS c
    JOIN pg_namespace AS s ON s.oid = c.relnamespace
    WHERE s.nspname = 'pgpredict' AND c.relname IN ('schema_version', 'streams', 'learners')
    UNION ALL
    SELECT 3, format('EXECUTE ON FUNCTION pgpredict.%I(%s)', p.proname,
                     pg_get_function_identity_arguments(p.oid)),
           has_function_privilege(p.oid, 'EXECUTE')
    FROM pg_proc AS p
    JOIN pg_namespace AS s ON s.oid = p.pronamespace
    WHERE s.nspname = 'pgpredict' AND p.proname IN (
        'work', 'ready_streams', 'maintain', 'learners_to_watch', 'errors_to_watch', 'note_drift')
) AS n (place, needed, given)
WHERE NOT n.given
ORDER BY n.place, n.needed;

-- name: server
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS reads_only;

-- name: isolation
SELECT current_setting('transaction_isolation') AS level;

-- name: listen
LISTEN pgpredict_work;

-- name: listen_for_probe
LISTEN pgpredict_probe;

-- name: probe
SELECT pg_notify('pgpredict_probe', %(token)s);

-- name: stop_probe
UNLISTEN pgpredict_probe;

-- name: look
-- The streams and learners, and which have something to do now. The planner leaves out what else the
-- views hold.
SELECT s.name, s.paused, s.outside, r.name IS NOT NULL AS ready, w.name IS NOT NULL AS to_watch
FROM (
    SELECT s.name, s.state = 'paused' AS paused, false AS outside FROM pgpredict.streams AS s
    UNION ALL
    SELECT l.name, l.status <> 'learning', l.place = 'worker' FROM pgpredict.learners AS l
) AS s
LEFT JOIN pgpredict.ready_streams() AS r (name) ON r.name = s.name
LEFT JOIN pgpredict.learners_to_watch() AS w (name) ON w.name = s.name
ORDER BY s.name;

-- name: work
-- Its commit does not wait for the disk: a crash that loses it loses the claim with the prediction,
-- so that the rows are in the queue again.
SELECT pgpredict.work(%(stream)s, %(batch)s) AS rows
FROM set_config('synchronous_commit', 'off', true);

-- name: maintain
SELECT m.note FROM pgpredict.maintain(%(stream)s) AS m (note);

-- name: figures
SELECT s.name, s.state, s.depth, s.dead_letters, 0 AS quarantined, s.failing, s.last_error,
       extract(epoch FROM s.oldest_age)::float8 AS oldest_seconds,
       extract(epoch FROM s.lag)::float8 AS lag_seconds
FROM pgpredict.streams AS s
UNION ALL
SELECT l.name, CASE l.status WHEN 'learning' THEN 'running' ELSE l.status END, l.depth,
       0, l.quarantined, 0, NULL, extract(epoch FROM l.oldest_age)::float8, NULL
FROM pgpredict.learners AS l
ORDER BY name;
