-- Rules that people add to the gate of a learner: which rows it does not learn.
CREATE TABLE IF NOT EXISTS pgpredict.gate_rule (
    learner    text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    name       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('condition', 'range', 'outlier', 'category')),
    columns    text[]      NOT NULL,        -- that it asks for: the reason tells their values
    condition  text        NOT NULL,        -- SQL: where it is false the row is not learnt
    expects    text        NOT NULL,        -- the same in words
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (learner, name)
);
