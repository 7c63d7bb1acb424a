-- Learners whose errors are watched for drift, and how far that has come.
CREATE TABLE IF NOT EXISTS pgpredict.learner_detector (
    learner    text        PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    action     text        NOT NULL CHECK (action IN ('alert', 'pause', 'reset')),
    delta      float8      NOT NULL CHECK (delta > 0 AND delta < 1),
    fed_state  bigint      NOT NULL,        -- errors are fed up to the batch of this state
    fed_rows   bigint      NOT NULL DEFAULT 0,
    error      float8,                      -- mean error of the rows in its window
    width      bigint,                      -- how many rows those are
    detector   bytea,                       -- river's ADWIN; NULL: it begins anew
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL DEFAULT session_user
);
