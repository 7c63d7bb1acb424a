-- The way to a state of a learner is found without reading all states before it.

CREATE INDEX learner_state_turn_idx ON pgpredict.learner_state (learner, state)
    WHERE came_from IS DISTINCT FROM state - 1 OR made_by IN ('created', 'imported');

INSERT INTO pgpredict.schema_version (version) VALUES (11);
