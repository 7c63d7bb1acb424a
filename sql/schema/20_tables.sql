-- What is deployed. Base tables have singular names; people read the views with the plural ones
-- (40_views.sql).
--
-- A change to a table is made twice: here, and as a migration for the databases that exist already
-- (sql/migrations/). New columns go last, as ALTER TABLE puts them. A test compares both ways.

CREATE TABLE IF NOT EXISTS pgpredict.model (
    name       text        PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,40}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL DEFAULT session_user
);

CREATE TABLE IF NOT EXISTS pgpredict.version (
    model            text        NOT NULL REFERENCES pgpredict.model (name),
    version          integer     NOT NULL CHECK (version > 0),
    kind             text        NOT NULL,      -- classifier, regressor
    description      text        NOT NULL,      -- 'gradient boosting, 100 trees'
    signature        jsonb       NOT NULL,      -- [{"name": "tenure", "type": "float8"}, …]
    contract         jsonb       NOT NULL,      -- what the sample held: ranges, categories, NULLs
    label_type       text        NOT NULL
        CHECK (label_type IN ('text', 'bigint', 'boolean', 'float8')),
    probability_type text                       -- NULL: no probabilities
        CHECK (probability_type IN ('float8', 'float8[]')),
    classes          jsonb       NOT NULL DEFAULT '[]',
    form             text        NOT NULL CHECK (form IN ('inline', 'block', 'nodes')),
    sql_bytes        integer     NOT NULL,
    body_hash        text        NOT NULL,      -- SHA-256 of the functions, names left out
    metrics          jsonb       NOT NULL DEFAULT '{}',
    source           text,                      -- qualified and quoted name of a table; text, for
                                                -- pg_upgrade refuses columns of type regclass
    live_since       timestamptz,               -- since then predict.<model> calls it
    model_file       bytea,
    model_format     text,                      -- 'skops', …; NULL: no file was kept
    created_at       timestamptz NOT NULL DEFAULT now(),
    created_by       text        NOT NULL DEFAULT session_user,
    retired_at       timestamptz,               -- since then the functions are gone
    retired_by       text,
    PRIMARY KEY (model, version),
    CHECK (live_since IS NULL OR retired_at IS NULL),
    CHECK ((model_file IS NULL) = (model_format IS NULL)),
    CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);

-- One version of a model is live at most.
CREATE UNIQUE INDEX IF NOT EXISTS version_live_idx
    ON pgpredict.version (model) WHERE live_since IS NOT NULL;

-- Rows of the sample with what Python said of them. Numbers are text, so that NaN, infinity and
-- the last bit survive.
CREATE TABLE IF NOT EXISTS pgpredict.golden_row (
    model       text     NOT NULL,
    version     integer  NOT NULL,
    row_number  integer  NOT NULL,
    inputs      jsonb    NOT NULL,  -- {"tenure": "12.5", "plan": "basic", "region": null}
    prediction  text,               -- NULL where Python raises, or answers NaN
    probability float8[],           -- in class order
    PRIMARY KEY (model, version, row_number),
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS pgpredict.event (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    who     text        NOT NULL DEFAULT session_user,
    model   text        NOT NULL,
    version integer,
    what    text        NOT NULL,   -- deploy, promote, rollback, retire, drop
    detail  jsonb       NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS event_model_id_idx ON pgpredict.event (model, id);
