-- A batch of a learner looks nothing up in the tables that it writes its history to.

ALTER TABLE pgpredict.learner_state DROP CONSTRAINT learner_state_learner_fkey;
ALTER TABLE pgpredict.learner_batch DROP CONSTRAINT learner_batch_learner_state_fkey;

INSERT INTO pgpredict.schema_version (version) VALUES (8);
