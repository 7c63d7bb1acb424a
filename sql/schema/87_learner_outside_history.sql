-- The history of learners that run in the worker: their models, and the way from one to another.

-- Adds a state that was not learnt, with its model, and predicts with it from now on. Callers hold
-- the learner's lock. Returns its number.
CREATE OR REPLACE FUNCTION pgpredict.add_model(
    learner text, came_from bigint, made_by text, rows bigint, parameters float8[], model bytea)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    made bigint := pgpredict.add_state(learner, came_from, made_by, rows, parameters);
BEGIN
    UPDATE pgpredict.learner_state AS s
    SET model = add_model.model
    WHERE s.learner = add_model.learner AND s.state = made;
    RETURN made;
END
$$;

-- Predicts and learns on with a model from elsewhere, and the parameters that answer for it.
-- Returns the number of the new state.
CREATE OR REPLACE FUNCTION pgpredict.import_model(
    learner text, parameters float8[], model bytea) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    made bigint;
BEGIN
    PERFORM pgpredict.check_learns_outside(l);
    PERFORM pgpredict.check_model_file(l.name, model);
    PERFORM pgpredict.check_parameters(l.name, l.blocks, parameters);
    made := pgpredict.add_model(
        l.name, (SELECT c.state FROM pgpredict.learner_current AS c WHERE c.learner = l.name),
        'imported', 0, parameters, model);
    PERFORM pgpredict.record(l.name, NULL, 'import_learner', jsonb_build_object('state', made));
    RETURN made;
END
$$;

-- Puts the model and the parameters of a state back that were forgotten, and learnt again.
CREATE OR REPLACE FUNCTION pgpredict.restore_model(
    learner text, state bigint, parameters float8[], model bytea) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE pgpredict.learner_state AS s
    SET parameters = restore_model.parameters, model = restore_model.model
    WHERE s.learner = restore_model.learner AND s.state = restore_model.state
    $$;

-- The state nearest before one, or itself, whose model is kept.
CREATE OR REPLACE FUNCTION pgpredict.kept_before(learner text, state bigint) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT max(s.state)
    FROM pgpredict.lineage(kept_before.learner, kept_before.state) AS w
    JOIN pgpredict.learner_state AS s
        ON s.learner = kept_before.learner AND s.state BETWEEN w.first_state AND w.last_state
    WHERE s.model IS NOT NULL
    $$;

-- The batches on the way from one state to another, in order.
CREATE OR REPLACE FUNCTION pgpredict.batches_between(learner text, base bigint, state bigint)
    RETURNS TABLE (keys text[], features float8[], labels float8[])
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT b.keys, b.features, b.labels
    FROM pgpredict.lineage(batches_between.learner, batches_between.state) AS w
    JOIN pgpredict.learner_batch AS b
        ON b.learner = batches_between.learner AND b.state BETWEEN w.first_state AND w.last_state
    WHERE b.state > base
    ORDER BY b.state
    $$;
