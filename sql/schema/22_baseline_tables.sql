-- What the sample of a version looked like, and how later rows compared with it (67_drift.sql).

-- One row per input, and one for the prediction and one for the probability. The bins of a number
-- are parted by `edges`: bin 0 is below the first, bin n from the n-th on. The bins of a category
-- are its most frequent values, `labels`; bin 0 is all the others. `shares` begins with bin 0.
CREATE TABLE IF NOT EXISTS pgpredict.baseline (
    model      text     NOT NULL,
    version    integer  NOT NULL,
    position   integer  NOT NULL,   -- inputs first, in the order of the arguments
    role       text     NOT NULL CHECK (role IN ('input', 'output')),
    name       text     NOT NULL,   -- of an output: prediction, probability
    kind       text     NOT NULL CHECK (kind IN ('number', 'time', 'category')),
    edges      float8[],            -- of a time: seconds since 1970; NULL: a category
    labels     text[],              -- NULL: not a category
    shares     float8[] NOT NULL,   -- of all rows: with null_share they add up to 1
    null_share float8   NOT NULL,
    rows       bigint   NOT NULL,   -- of the sample, missing values too
    PRIMARY KEY (model, version, position),
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE,
    CHECK ((edges IS NULL) = (kind = 'category') AND (labels IS NULL) = (kind <> 'category'))
);

-- What pgpredict.record_drift found: a row per check and column.
CREATE TABLE IF NOT EXISTS pgpredict.drift_result (
    id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                  timestamptz NOT NULL DEFAULT now(),
    who                 text        NOT NULL DEFAULT session_user,
    model               text        NOT NULL,
    version             integer     NOT NULL,
    relation            text        NOT NULL,   -- qualified name of what was looked at
    since               timestamptz,            -- its window, as it was asked for
    until               timestamptz,
    role                text        NOT NULL,
    name                text        NOT NULL,
    psi                 float8,                 -- NULL: there were no rows
    threshold           float8,
    drifted             boolean     NOT NULL,
    rows                bigint      NOT NULL,
    null_share          float8,
    baseline_null_share float8      NOT NULL,
    bins                jsonb       NOT NULL,
    FOREIGN KEY (model, version)
        REFERENCES pgpredict.version (model, version) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS drift_result_model_at_idx ON pgpredict.drift_result (model, at);
