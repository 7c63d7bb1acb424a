-- Learners that revise know the tables of their source, to see when a partition was dropped.

ALTER TABLE pgpredict.learner_sums ADD COLUMN tables oid[] NOT NULL DEFAULT '{}';

INSERT INTO pgpredict.schema_version (version) VALUES (13);
