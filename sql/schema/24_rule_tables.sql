-- Rules that people add to the gate of a learner: which rows it does not learn.
CREATE TABLE IF NOT EXISTS pgpredict.gate_rule (
    learner    text        NOT NULL REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    name       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN (
        'condition', 'null', 'range', 'outlier', 'category', 'distance', 'rate', 'flip')),
    columns    text[]      NOT NULL,        -- that it asks for: the reason tells their values
    condition  text        NOT NULL,        -- SQL: where it is false the row is not learnt
    expects    text        NOT NULL,        -- the same in words
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (learner, name)
);

-- What rules about rates have counted: rows by the value of a column and the window of time.
CREATE TABLE IF NOT EXISTS pgpredict.gate_rate (
    learner text        NOT NULL,
    rule    text        NOT NULL,
    value   text        NOT NULL,           -- of the column that the rule counts by
    starts  timestamptz NOT NULL,           -- of the window; it ends before `ends`
    ends    timestamptz NOT NULL,
    rows    bigint      NOT NULL,           -- that came to the rule, those too that it held
    PRIMARY KEY (learner, rule, value, starts),
    FOREIGN KEY (learner, rule)
        REFERENCES pgpredict.gate_rule (learner, name) ON DELETE CASCADE
);

-- What rules about flipped labels have counted: rows by the value of a column, and those of
-- everybody, in which older rows weigh less.
CREATE TABLE IF NOT EXISTS pgpredict.gate_source (
    learner   text        NOT NULL,
    rule      text        NOT NULL,
    everybody boolean     NOT NULL,
    value     text        NOT NULL,         -- '' for everybody
    rows      float8      NOT NULL,
    against   float8      NOT NULL,         -- of them, those whose label is not what was predicted
    suspicion float8      NOT NULL,         -- the CUSUM of the source; 0 for everybody
    held      boolean     NOT NULL,         -- its last row was not learnt
    at        timestamptz NOT NULL,         -- of its last row
    PRIMARY KEY (learner, rule, everybody, value),
    FOREIGN KEY (learner, rule)
        REFERENCES pgpredict.gate_rule (learner, name) ON DELETE CASCADE
) WITH (fillfactor = 50);
