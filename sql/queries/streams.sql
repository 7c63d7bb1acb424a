-- What `pgpredict.Database` asks about streams, by name.

-- name: source
-- A table by the name that a caller wrote, as the database reads it; NULL: there is none.
SELECT to_regclass(%(source)s::text)::oid AS source;

-- name: options
-- What a caller wrote, as the database reads it, before anything is done.
SELECT %(retention)s::interval AS retention, %(attempts)s::integer AS attempts;

-- name: create
SELECT pgpredict.create_stream(
    name      => %(name)s,
    model     => %(model)s,
    source    => %(source)s::oid::regclass,
    key       => %(key)s::name[],
    mode      => %(mode)s,
    backfill  => %(backfill)s,
    retention => %(retention)s::interval,
    attempts  => %(attempts)s::integer,
    notify    => %(notify)s,
    level     => %(level)s,
    publish   => %(publish)s);

-- name: check
SELECT (pgpredict.check_stream(%(name)s)).name;

-- name: streams
SELECT * FROM pgpredict.streams
WHERE name = %(name)s OR %(name)s::text IS NULL
ORDER BY name;

-- name: dead_letters
SELECT * FROM pgpredict.dead_letters
WHERE stream = %(name)s OR %(name)s::text IS NULL
ORDER BY stream, last_at, key;

-- name: pause
SELECT pgpredict.pause_stream(%(name)s) AS was_running;

-- name: resume
SELECT pgpredict.resume_stream(%(name)s) AS was_paused;

-- name: drop
SELECT pgpredict.drop_stream(%(name)s) AS waited;

-- name: retry_dead
SELECT pgpredict.retry_dead(%(name)s) AS tried;

-- name: backfill
SELECT pgpredict.backfill_stream(%(name)s);

-- name: set_retention
SELECT pgpredict.set_retention(%(name)s, %(retention)s::interval);

-- name: add_shadow
SELECT pgpredict.add_shadow(%(name)s, %(version)s) AS version;

-- name: drop_shadow
SELECT pgpredict.drop_shadow(%(name)s, %(version)s) AS was_there;

-- name: publish
SELECT pgpredict.publish_stream(%(name)s) AS publication;

-- name: unpublish
SELECT pgpredict.unpublish_stream(%(name)s) AS was_there;

-- name: work
SELECT pgpredict.work(%(name)s, %(batch)s::integer) AS rows;
