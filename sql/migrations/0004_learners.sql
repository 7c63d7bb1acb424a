-- Learners: models whose parameters are rows.

CREATE TABLE pgpredict.learner (
    name             text        PRIMARY KEY,
    estimator        text        NOT NULL,
    place            text        NOT NULL CHECK (place IN ('database', 'worker')),
    source           text        NOT NULL,
    key              text[]      NOT NULL,
    target           text,
    features         text[]      NOT NULL,
    classes          text[]      NOT NULL,
    label_type       text        NOT NULL,
    probability_type text,
    blocks           jsonb       NOT NULL,
    kernel           text        NOT NULL,
    prediction       text        NOT NULL,
    probability      text,
    accepts          text,
    expects          text,
    model_file       bytea,
    level            text        NOT NULL CHECK (level IN ('statement', 'row')),
    notify           boolean     NOT NULL,
    retention        integer     CHECK (retention > 0),
    status           text        NOT NULL DEFAULT 'learning'
                                 CHECK (status IN ('learning', 'paused', 'stopped')),
    why              text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    created_by       text        NOT NULL DEFAULT session_user
);

CREATE TABLE pgpredict.learner_state (
    learner     text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    state       bigint      NOT NULL,
    came_from   bigint,
    made_by     text        NOT NULL CHECK (
        made_by IN ('created', 'imported', 'learnt', 'unlearnt', 'rolled back')),
    rows        bigint      NOT NULL,
    batch_rows  integer     NOT NULL,
    quarantined integer     NOT NULL DEFAULT 0,
    log_loss    float8,
    accuracy    float8,
    mae         float8,
    rmse        float8,
    checkpoint  boolean     NOT NULL DEFAULT false,
    parameters  float8[],
    model       bytea,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (learner, state)
);

CREATE TABLE pgpredict.learner_batch (
    learner   text     NOT NULL,
    state     bigint   NOT NULL,
    keys      text[]   NOT NULL,
    features  float8[] NOT NULL,
    labels    float8[] NOT NULL,
    predicted float8[],
    PRIMARY KEY (learner, state),
    FOREIGN KEY (learner, state)
        REFERENCES pgpredict.learner_state (learner, state) ON DELETE CASCADE
);

ALTER TABLE pgpredict.learner_state ALTER COLUMN parameters SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN features SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN labels SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN predicted SET STORAGE EXTERNAL;

CREATE TABLE pgpredict.learner_current (
    learner    text     PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    state      bigint   NOT NULL,
    rows       bigint   NOT NULL,
    parameters float8[] NOT NULL
) WITH (fillfactor = 10);

ALTER TABLE pgpredict.learner_current ALTER COLUMN parameters SET STORAGE EXTERNAL;

CREATE TABLE pgpredict.quarantine (
    learner text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    id      bigint      GENERATED ALWAYS AS IDENTITY,
    key     text        NOT NULL,
    content jsonb,
    reason  text        NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (learner, id)
);

INSERT INTO pgpredict.schema_version (version) VALUES (4);
