-- The tables of the first release. Each migration ends by recording its number.

CREATE SCHEMA pgpredict;

CREATE TABLE pgpredict.schema_version (
    version      integer     PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT now(),
    installed_by text        NOT NULL DEFAULT session_user
);

CREATE TABLE pgpredict.model (
    name       text        PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,40}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text        NOT NULL DEFAULT session_user
);

CREATE TABLE pgpredict.version (
    model            text        NOT NULL REFERENCES pgpredict.model (name),
    version          integer     NOT NULL CHECK (version > 0),
    kind             text        NOT NULL,
    description      text        NOT NULL,
    signature        jsonb       NOT NULL,
    contract         jsonb       NOT NULL,
    label_type       text        NOT NULL
        CHECK (label_type IN ('text', 'bigint', 'boolean', 'float8')),
    probability_type text
        CHECK (probability_type IN ('float8', 'float8[]')),
    classes          jsonb       NOT NULL DEFAULT '[]',
    form             text        NOT NULL CHECK (form IN ('inline', 'block', 'nodes')),
    sql_bytes        integer     NOT NULL,
    body_hash        text        NOT NULL,
    metrics          jsonb       NOT NULL DEFAULT '{}',
    source           text,

    live_since       timestamptz,
    model_file       bytea,
    model_format     text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    created_by       text        NOT NULL DEFAULT session_user,
    retired_at       timestamptz,
    retired_by       text,
    PRIMARY KEY (model, version),
    CHECK (live_since IS NULL OR retired_at IS NULL),
    CHECK ((model_file IS NULL) = (model_format IS NULL)),
    CHECK ((retired_at IS NULL) = (retired_by IS NULL))
);

CREATE UNIQUE INDEX version_live_idx
    ON pgpredict.version (model) WHERE live_since IS NOT NULL;

CREATE TABLE pgpredict.golden_row (
    model       text     NOT NULL,
    version     integer  NOT NULL,
    row_number  integer  NOT NULL,
    inputs      jsonb    NOT NULL,
    prediction  text,
    probability float8[],
    PRIMARY KEY (model, version, row_number),
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE
);

CREATE TABLE pgpredict.event (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    who     text        NOT NULL DEFAULT session_user,
    model   text        NOT NULL,
    version integer,
    what    text        NOT NULL,
    detail  jsonb       NOT NULL DEFAULT '{}'
);

CREATE INDEX event_model_id_idx ON pgpredict.event (model, id);

INSERT INTO pgpredict.schema_version (version) VALUES (1);
