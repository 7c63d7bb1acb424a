-- Streams: predictions for new rows.

CREATE TABLE pgpredict.stream (
    name       text        PRIMARY KEY,
    model      text        NOT NULL REFERENCES pgpredict.model (name),
    source     text        NOT NULL,
    key        text[]      NOT NULL,
    mode       text        NOT NULL CHECK (mode IN ('queue', 'transaction')),
    level      text        NOT NULL CHECK (level IN ('statement', 'row')),
    notify     boolean     NOT NULL,
    retention  interval    CHECK (retention >= '0'),
    attempts   integer     NOT NULL CHECK (attempts > 0),
    paused_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL DEFAULT session_user
);

CREATE SEQUENCE pgpredict.queue_id;

CREATE TABLE pgpredict.queue (
    id          bigint      NOT NULL DEFAULT nextval('pgpredict.queue_id'),
    rows        integer     NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE pgpredict.failure (
    stream     text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    key        jsonb       NOT NULL,
    attempts   integer     NOT NULL,
    error      text        NOT NULL,
    sqlstate   text        NOT NULL,
    first_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before timestamptz,
    PRIMARY KEY (stream, key)
);

CREATE INDEX failure_stream_not_before_idx
    ON pgpredict.failure (stream, not_before);

CREATE TABLE pgpredict.backfill (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream      text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    relation    text        NOT NULL,
    after       jsonb,
    rows        bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);

CREATE INDEX backfill_stream_idx
    ON pgpredict.backfill (stream) WHERE finished_at IS NULL;

CREATE TABLE pgpredict.shadow (
    stream   text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    version  integer     NOT NULL,
    error    text,
    error_at timestamptz,
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (stream, version)
);

CREATE TABLE pgpredict.worker (
    stream      text        NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    pid         integer     NOT NULL,
    rows        bigint      NOT NULL,
    batches     bigint      NOT NULL,
    lag         interval,
    since       timestamptz NOT NULL,
    at          timestamptz NOT NULL,
    minute      timestamptz NOT NULL,
    minute_rows bigint      NOT NULL,
    before_rows bigint      NOT NULL,
    PRIMARY KEY (stream, pid)
) WITH (fillfactor = 50);

INSERT INTO pgpredict.schema_version (version) VALUES (2);
