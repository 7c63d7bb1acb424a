-- What people read of streams.

CREATE OR REPLACE VIEW pgpredict.streams AS
WITH waiting AS (
    SELECT q.tableoid, sum(q.rows) AS rows, min(q.enqueued_at) AS since
    FROM pgpredict.queue AS q
    GROUP BY q.tableoid
),
failed AS (
    SELECT f.stream,
           count(*) FILTER (WHERE f.not_before IS NULL) AS dead,
           count(f.not_before) AS again,
           (array_agg(f.error ORDER BY f.last_at DESC) FILTER (WHERE f.not_before IS NOT NULL))[1]
               AS error,
           min(f.first_at) FILTER (WHERE f.not_before IS NOT NULL) AS since
    FROM pgpredict.failure AS f
    GROUP BY f.stream
),
worked AS (
    -- Rows of this minute and the one before, by the time that is meant.
    SELECT w.stream, max(w.at) AS at, sum(w.rows) AS rows,
           sum(CASE date_trunc('minute', statement_timestamp()) - w.minute
                   WHEN '0' THEN w.minute_rows + w.before_rows
                   WHEN '1 minute' THEN w.minute_rows
                   ELSE 0 END)
               / (60 + extract(second FROM statement_timestamp())) AS rate,
           (array_agg(w.lag ORDER BY w.at DESC) FILTER (WHERE w.lag IS NOT NULL))[1] AS lag
    FROM pgpredict.worker AS w
    GROUP BY w.stream
)
SELECT s.name,
       s.model,
       v.version,
       s.source,
       s.key,
       s.mode,
       -- Of catalogs alone: who reads this need not know the schema of the source.
       CASE
           WHEN s.paused_at IS NOT NULL THEN 'paused'
           WHEN EXISTS (
               SELECT FROM pg_trigger AS t
               WHERE t.tgfoid = to_regproc(format('pgpredict.%I', s.name || '_capture')))
               THEN 'running'
           WHEN EXISTS (
               SELECT FROM pg_class AS c
               JOIN pgpredict.stream_table AS o ON o.relation = c.oid
               WHERE o.stream = s.name AND o.attached IS NULL)
               THEN 'running'
           ELSE 'source gone'
       END AS state,
       (coalesce(q.rows, 0) + coalesce(f.again, 0))::bigint AS depth,
       statement_timestamp() - least(q.since, f.since) AS oldest_age,
       round(coalesce(w.rate, 0)::numeric, 1)::float8 AS rate,
       coalesce(f.dead, 0) AS dead_letters,
       w.lag,
       w.at AS last_at,
       coalesce(w.rows, 0)::bigint AS rows,
       (SELECT CASE bool_and(b.finished_at IS NOT NULL) WHEN true THEN 'finished'
                    WHEN false THEN 'running' END
        FROM pgpredict.backfill AS b WHERE b.stream = s.name) AS backfill,
       (SELECT coalesce(sum(b.rows), 0)::bigint
        FROM pgpredict.backfill AS b WHERE b.stream = s.name) AS backfill_rows,
       ARRAY(SELECT h.version FROM pgpredict.shadow AS h
             WHERE h.stream = s.name ORDER BY h.version) AS shadows,
       s.level,
       s.notify,
       s.retention,
       s.attempts,
       s.created_at,
       s.created_by,
       (SELECT string_agg(format('v%s: %s', h.version, h.error), '; ' ORDER BY h.version)
        FROM pgpredict.shadow AS h
        WHERE h.stream = s.name AND h.error IS NOT NULL) AS shadow_error,
       coalesce(f.again, 0) AS failing,
       f.error AS last_error
FROM pgpredict.stream AS s
LEFT JOIN pgpredict.version AS v ON v.model = s.model AND v.live_since IS NOT NULL
LEFT JOIN waiting AS q ON q.tableoid = to_regclass(format('pgpredict.%I', s.name || '_queue'))
LEFT JOIN failed AS f ON f.stream = s.name
LEFT JOIN worked AS w ON w.stream = s.name
ORDER BY s.name;

CREATE OR REPLACE VIEW pgpredict.dead_letters AS
SELECT f.stream, f.key, f.error, f.sqlstate, f.attempts, f.first_at, f.last_at
FROM pgpredict.failure AS f
WHERE f.not_before IS NULL
ORDER BY f.stream, f.last_at, f.key;

COMMENT ON VIEW pgpredict.streams IS 'one row per stream: what waits, how fast it goes, what failed';
COMMENT ON VIEW pgpredict.dead_letters IS
    'rows that could not be predicted, with the error; pgpredict.retry_dead(stream) tries again';
