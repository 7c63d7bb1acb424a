-- Learners whose errors are watched for drift.

CREATE TABLE pgpredict.learner_detector (
    learner    text        PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    action     text        NOT NULL CHECK (action IN ('alert', 'pause', 'reset')),
    delta      float8      NOT NULL CHECK (delta > 0 AND delta < 1),
    fed_state  bigint      NOT NULL,
    fed_rows   bigint      NOT NULL DEFAULT 0,
    error      float8,
    width      bigint,
    detector   bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL DEFAULT session_user
);

INSERT INTO pgpredict.schema_version (version) VALUES (9);
