-- Streams: which there are, what waits, and what failed.
--
-- Each stream has tables of its own besides: pgpredict.<stream>_queue, predict.<stream>_live and
-- predict.<stream>_log (72_stream_tables.sql).

CREATE TABLE IF NOT EXISTS pgpredict.stream (
    name       text        PRIMARY KEY,
    model      text        NOT NULL REFERENCES pgpredict.model (name),
    source     text        NOT NULL,            -- qualified and quoted name of a table
    key        text[]      NOT NULL,            -- names of the columns that tell its rows apart
    mode       text        NOT NULL CHECK (mode IN ('queue', 'transaction')),
    level      text        NOT NULL CHECK (level IN ('statement', 'row')),
    notify     boolean     NOT NULL,            -- whether writers wake the worker
    retention  interval    CHECK (retention >= '0'),    -- of the log; NULL: for ever; 0: no log
    attempts   integer     NOT NULL CHECK (attempts > 0),
    paused_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL DEFAULT session_user
);

-- Numbers the entries of all queues.
CREATE SEQUENCE IF NOT EXISTS pgpredict.queue_id;

-- The parent of the queues: reading it reads them all. An entry holds the keys of up to 100 rows
-- that one statement wrote: ten entries for 1,000 rows cost the writer far less than 1,000.
CREATE TABLE IF NOT EXISTS pgpredict.queue (
    id          bigint      NOT NULL DEFAULT nextval('pgpredict.queue_id'),
    rows        integer     NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Keys whose prediction failed: those that will be tried again, and dead letters.
CREATE TABLE IF NOT EXISTS pgpredict.failure (
    stream     text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    key        jsonb       NOT NULL,            -- {"id": 17}
    attempts   integer     NOT NULL,
    error      text        NOT NULL,
    sqlstate   text        NOT NULL,
    first_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before timestamptz,                     -- the next attempt; NULL: a dead letter
    PRIMARY KEY (stream, key)
);

CREATE INDEX IF NOT EXISTS failure_stream_not_before_idx
    ON pgpredict.failure (stream, not_before);

-- Rows that were there before the stream saw them, and how far it has come.
CREATE TABLE IF NOT EXISTS pgpredict.backfill (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream      text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    relation    text        NOT NULL,           -- the source, or a partition of it
    after       jsonb,                          -- the last key that was done
    rows        bigint      NOT NULL DEFAULT 0, -- how many were done
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

CREATE INDEX IF NOT EXISTS backfill_stream_idx
    ON pgpredict.backfill (stream) WHERE finished_at IS NULL;

-- Versions that are scored beside the live one, into the log only.
CREATE TABLE IF NOT EXISTS pgpredict.shadow (
    stream   text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    version  integer     NOT NULL,
    error    text,                              -- why it could not be scored the last time
    error_at timestamptz,
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (stream, version)
);

-- What each worker did. A row is written by one backend alone, so that nobody waits for another.
CREATE TABLE IF NOT EXISTS pgpredict.worker (
    stream      text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    pid         integer     NOT NULL,
    rows        bigint      NOT NULL,
    batches     bigint      NOT NULL,
    lag         interval,                       -- the oldest row of the last batch waited so long
    since       timestamptz NOT NULL,
    at          timestamptz NOT NULL,
    minute      timestamptz NOT NULL,           -- the minute of `at`
    minute_rows bigint      NOT NULL,           -- rows in that minute
    before_rows bigint      NOT NULL,           -- rows in the minute before
    PRIMARY KEY (stream, pid)
) WITH (fillfactor = 50);

-- The tables that have the triggers of a stream: its source, and the partitions of that.
CREATE TABLE IF NOT EXISTS pgpredict.stream_table (
    stream   text   NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    relation oid    NOT NULL,
    attached bigint,                            -- by which transaction; NULL: it is the source
    place    text   NOT NULL,                   -- the database in which these numbers hold
    PRIMARY KEY (stream, relation)
);
