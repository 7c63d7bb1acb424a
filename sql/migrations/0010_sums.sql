-- Learners that take back what they learnt of rows that change or go.

ALTER TABLE pgpredict.learner ADD COLUMN updates text NOT NULL DEFAULT 'ignore'
    CHECK (updates IN ('ignore', 'revise'));
ALTER TABLE pgpredict.learner ADD COLUMN solve text;

ALTER TABLE pgpredict.learner_state DROP CONSTRAINT learner_state_made_by_check;
ALTER TABLE pgpredict.learner_state ADD CONSTRAINT learner_state_made_by_check CHECK (
    made_by IN ('created', 'imported', 'learnt', 'unlearnt', 'rolled back', 'revised'));
ALTER TABLE pgpredict.learner_state ADD COLUMN taken_back integer NOT NULL DEFAULT 0;

CREATE TABLE pgpredict.learner_sums (
    learner text      PRIMARY KEY REFERENCES pgpredict.learner (name) ON DELETE CASCADE,
    rows    bigint    NOT NULL,
    sums    numeric[] NOT NULL
) WITH (fillfactor = 10);

DROP FUNCTION IF EXISTS pgpredict.create_learner(
    text, regclass, name, name[], text, text, text[], jsonb, float8[], text, text, text, text, text,
    name[], boolean, integer, boolean, text, bytea);
DROP FUNCTION IF EXISTS pgpredict.enqueue_labelled(jsonb, text, text);

INSERT INTO pgpredict.schema_version (version) VALUES (10);
