-- Learners that run in the worker have no kernel; some have nothing that answers in SQL.

ALTER TABLE pgpredict.learner ALTER COLUMN kernel DROP NOT NULL;
ALTER TABLE pgpredict.learner ALTER COLUMN prediction DROP NOT NULL;

DROP FUNCTION IF EXISTS pgpredict.create_learner(
    text, regclass, name, name[], text, text, text[], jsonb, float8[], text, text, text, text, text,
    name[], boolean, integer, boolean, text, bytea, text, text, integer);

INSERT INTO pgpredict.schema_version (version) VALUES (12);
