-- Baselines of versions, and what later rows were found to be beside them.

CREATE TABLE pgpredict.baseline (
    model      text     NOT NULL,
    version    integer  NOT NULL,
    position   integer  NOT NULL,
    role       text     NOT NULL CHECK (role IN ('input', 'output')),
    name       text     NOT NULL,
    kind       text     NOT NULL CHECK (kind IN ('number', 'time', 'category')),
    edges      float8[],
    labels     text[],
    shares     float8[] NOT NULL,
    null_share float8   NOT NULL,
    rows       bigint   NOT NULL,
    PRIMARY KEY (model, version, position),
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE,
    CHECK ((edges IS NULL) = (kind = 'category') AND (labels IS NULL) = (kind <> 'category'))
);

CREATE TABLE pgpredict.drift_result (
    id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                  timestamptz NOT NULL DEFAULT now(),
    who                 text        NOT NULL DEFAULT session_user,
    model               text        NOT NULL,
    version             integer     NOT NULL,
    relation            text        NOT NULL,
    since               timestamptz,
    until               timestamptz,
    role                text        NOT NULL,
    name                text        NOT NULL,
    psi                 float8,
    threshold           float8,
    drifted             boolean     NOT NULL,
    rows                bigint      NOT NULL,
    null_share          float8,
    baseline_null_share float8      NOT NULL,
    bins                jsonb       NOT NULL,
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE
);

CREATE INDEX drift_result_model_at_idx ON pgpredict.drift_result (model, at);

INSERT INTO pgpredict.schema_version (version) VALUES (3);
