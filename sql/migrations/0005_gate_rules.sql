-- Rules that people add to the gate of a learner.

CREATE TABLE pgpredict.gate_rule (
    learner    text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    name       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('condition', 'range', 'outlier', 'category')),
    columns    text[]      NOT NULL,
    condition  text        NOT NULL,
    expects    text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (learner, name)
);

INSERT INTO pgpredict.schema_version (version) VALUES (5);
