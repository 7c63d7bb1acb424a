-- Learners: models whose parameters are rows, which new labelled rows change.
--
-- Each learner has a queue of its own besides, pgpredict.<learner>_queue, and functions that are
-- made for it (85_learner_build.sql).

CREATE TABLE IF NOT EXISTS pgpredict.learner (
    name             text        PRIMARY KEY,
    estimator        text        NOT NULL,  -- for people: SGDClassifier(loss='log_loss')
    place            text        NOT NULL CHECK (place IN ('database', 'worker')),
    source           text        NOT NULL,  -- qualified and quoted name of a table
    key              text[]      NOT NULL,  -- names of the columns that tell its rows apart
    target           text,                  -- the column of the label; NULL: none is needed
    features         text[]      NOT NULL,
    classes          text[]      NOT NULL,  -- in scikit-learn's order; empty: no classifier
    label_type       text        NOT NULL,  -- of what predict.<learner> returns
    probability_type text,                  -- NULL: there are no probabilities
    blocks           jsonb       NOT NULL,  -- [{"name": "coef", "shape": [1, 20]}, …]
    kernel           text,                  -- PL/pgSQL: parameters, features, labels -> parameters
    prediction       text,                  -- SQL: $1 are the parameters, $2 … the features
    probability      text,
    accepts          text,                  -- SQL: $2 … are features that may be learnt
    expects          text,                  -- what that asks for, in words
    model_file       bytea,                 -- the estimator as it was given, as skops writes it
    level            text        NOT NULL CHECK (level IN ('statement', 'row')),
    notify           boolean     NOT NULL,
    retention        integer     CHECK (retention > 0),  -- how many states are kept; NULL: all
    status           text        NOT NULL DEFAULT 'learning'
                                 CHECK (status IN ('learning', 'paused', 'stopped')),
    why              text,                  -- why it was stopped
    created_at       timestamptz NOT NULL DEFAULT now(),
    created_by       text        NOT NULL DEFAULT session_user,
    updates          text        NOT NULL DEFAULT 'ignore'  -- of rows that were learnt, deletes too
                                 CHECK (updates IN ('ignore', 'revise')),
    solve            text                   -- PL/pgSQL: sums -> parameters; then kernel: sums,
                                            -- features, labels, taken -> sums
);

-- What a learner knew at a time, and how it came to that. States are numbered from 0, and never
-- change; a roll back and an unlearning add new ones. Neither states nor batches have foreign keys:
-- their checks cost a small batch a tenth of its time. Only functions that hold the learner's lock
-- write here, and a trigger forgets what belongs to a learner that is gone.
CREATE TABLE IF NOT EXISTS pgpredict.learner_state (
    learner     text        NOT NULL,
    state       bigint      NOT NULL,
    came_from   bigint,                     -- the state before it; NULL: the first
    made_by     text        NOT NULL CHECK (
        made_by IN ('created', 'imported', 'learnt', 'unlearnt', 'rolled back', 'revised')),
    rows        bigint      NOT NULL,       -- learnt on the way here
    batch_rows  integer     NOT NULL,       -- of them, those that the state before did not know
    quarantined integer     NOT NULL DEFAULT 0,  -- rows of the same batch that were not learnt
    log_loss    float8,                     -- of the batch, before it was learnt
    accuracy    float8,
    mae         float8,
    rmse        float8,
    checkpoint  boolean     NOT NULL DEFAULT false,  -- it is kept whatever the retention
    parameters  float8[],                   -- NULL: to be had by learning the batches again
    model       bytea,                      -- the same of a learner that runs in the worker
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_back  integer     NOT NULL DEFAULT 0,  -- rows that the state before knew as they were
    PRIMARY KEY (learner, state)
);

-- Where the way to a state is not from number to number: few, among many states.
CREATE INDEX IF NOT EXISTS learner_state_turn_idx ON pgpredict.learner_state (learner, state)
    WHERE came_from IS DISTINCT FROM state - 1 OR made_by IN ('created', 'imported');

-- What was learnt between a state and the one that it came from, as it was learnt: enough to do so
-- again. Numbers that are not compressed are read and written faster.
CREATE TABLE IF NOT EXISTS pgpredict.learner_batch (
    learner   text     NOT NULL,
    state     bigint   NOT NULL,
    keys      text[]   NOT NULL,            -- of the rows: 17, or {"shop": 1, "nr": 17}
    features  float8[] NOT NULL,            -- row by row
    labels    float8[] NOT NULL,            -- places in the classes, from 0; or numbers
    predicted float8[],                     -- P(second class), the place of the class, the number
    PRIMARY KEY (learner, state)
);

ALTER TABLE pgpredict.learner_state ALTER COLUMN parameters SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN features SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN labels SET STORAGE EXTERNAL;
ALTER TABLE pgpredict.learner_batch ALTER COLUMN predicted SET STORAGE EXTERNAL;

-- The state that predictions are made with, once more: a prediction looks into one small table. It
-- changes with every batch, so that its rows find room on their page.
CREATE TABLE IF NOT EXISTS pgpredict.learner_current (
    learner    text     PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    state      bigint   NOT NULL,
    rows       bigint   NOT NULL,
    parameters float8[] NOT NULL
) WITH (fillfactor = 10);

ALTER TABLE pgpredict.learner_current ALTER COLUMN parameters SET STORAGE EXTERNAL;

-- What a learner that revises has added up over its rows. These are in pgpredict.<learner>_rows, as
-- they were learnt: what is added is taken away again when a row changes or goes.
CREATE TABLE IF NOT EXISTS pgpredict.learner_sums (
    learner text      PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    rows    bigint    NOT NULL,
    sums    numeric[] NOT NULL,
    tables  oid[]     NOT NULL DEFAULT '{}' -- those of the source when it was looked at last
) WITH (fillfactor = 10);

-- Rows that were not learnt, and why.
CREATE TABLE IF NOT EXISTS pgpredict.quarantine (
    learner text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    id      bigint      GENERATED ALWAYS AS IDENTITY,
    key     text        NOT NULL,
    content jsonb,                          -- as it was then; NULL: it was gone already
    reason  text        NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (learner, id)
);
