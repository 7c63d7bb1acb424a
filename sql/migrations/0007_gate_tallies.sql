-- More kinds of rules of a gate, and what two of them count.

ALTER TABLE pgpredict.gate_rule DROP CONSTRAINT gate_rule_kind_check;
ALTER TABLE pgpredict.gate_rule ADD CONSTRAINT gate_rule_kind_check CHECK (kind IN (
    'condition', 'null', 'range', 'outlier', 'category', 'distance', 'rate', 'flip'));

CREATE TABLE pgpredict.gate_rate (
    learner text        NOT NULL,
    rule    text        NOT NULL,
    value   text        NOT NULL,
    starts  timestamptz NOT NULL,
    ends    timestamptz NOT NULL,
    rows    bigint      NOT NULL,
    PRIMARY KEY (learner, rule, value, starts),
    FOREIGN KEY (learner, rule)
        REFERENCES pgpredict.gate_rule (learner, name) ON DELETE CASCADE
);

CREATE TABLE pgpredict.gate_source (
    learner   text        NOT NULL,
    rule      text        NOT NULL,
    everybody boolean     NOT NULL,
    value     text        NOT NULL,
    rows      float8      NOT NULL,
    against   float8      NOT NULL,
    suspicion float8      NOT NULL,
    held      boolean     NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (learner, rule, everybody, value),
    FOREIGN KEY (learner, rule)
        REFERENCES pgpredict.gate_rule (learner, name) ON DELETE CASCADE
) WITH (fillfactor = 50);

INSERT INTO pgpredict.schema_version (version) VALUES (7);
