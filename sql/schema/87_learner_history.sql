-- The history of a learner: any state again, and what it would be without some rows.
--
-- A state comes from another one, most of them from the one before. Numbers only grow along the
-- way, so that the way to a state is a few ranges of numbers: a new one begins wherever somebody
-- rolled back or unlearnt.

-- The way to a state, latest range first. It ends where the parameters came from elsewhere, or
-- where the history is not kept any more.
CREATE OR REPLACE FUNCTION pgpredict.lineage(learner text, state bigint)
    RETURNS TABLE (first_state bigint, last_state bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    came_from bigint;
    ended boolean := false;
BEGIN
    last_state := state;
    FOR first_state, came_from, ended IN
        SELECT s.state, s.came_from, s.made_by IN ('created', 'imported')
        FROM pgpredict.learner_state AS s
        WHERE s.learner = learner AND s.state <= state
          AND (s.came_from IS DISTINCT FROM s.state - 1 OR s.made_by IN ('created', 'imported'))
        ORDER BY s.state DESC
    LOOP
        CONTINUE WHEN first_state > last_state;
        RETURN NEXT;
        EXIT WHEN ended;
        last_state := came_from;
    END LOOP;
    IF NOT coalesce(ended, false) THEN
        first_state := (SELECT min(s.state) FROM pgpredict.learner_state AS s
                        WHERE s.learner = learner AND s.state <= last_state);
        IF first_state IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END IF;
END
$$;

-- Raises unless there is such a state of a learner. Returns its row.
CREATE OR REPLACE FUNCTION pgpredict.check_state(learner text, state bigint)
    RETURNS pgpredict.learner_state
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found pgpredict.learner_state;
BEGIN
    SELECT s.* INTO found
    FROM pgpredict.learner_state AS s
    WHERE s.learner = check_state.learner AND s.state = check_state.state;
    IF found.learner IS NULL THEN
        RAISE EXCEPTION 'learner % has no state %', learner, coalesce(state::text, 'NULL') USING
            ERRCODE = 'PP011',
            DETAIL = (SELECT format('kept are %s of those from %s to %s',
                                    count(*), min(s.state), max(s.state))
                      FROM pgpredict.learner_state AS s WHERE s.learner = check_state.learner),
            HINT = 'SELECT * FROM pgpredict.learner_states';
    END IF;
    RETURN found;
END
$$;

-- The parameters of a state: as they are kept, or learnt again from the nearest state before it
-- whose are. Raises where neither can be.
CREATE OR REPLACE FUNCTION pgpredict.parameters_at(learner text, state bigint) RETURNS float8[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    here pgpredict.learner_state := pgpredict.check_state(learner, state);
    learnt float8[] := here.parameters;
    base bigint;
    rows_there bigint;
    batch record;
BEGIN
    IF learnt IS NOT NULL THEN
        RETURN learnt;
    END IF;
    PERFORM pgpredict.check_learns_here(
        pgpredict.check_learner(here.learner),
        format('state %s is large, and not kept: db.export_learner learns it again,'
               ' db.rollback_learner goes back to it', here.state));
    SELECT s.state, s.rows, s.parameters INTO base, rows_there, learnt
    FROM pgpredict.lineage(here.learner, here.state) AS w
    JOIN pgpredict.learner_state AS s
        ON s.learner = here.learner AND s.state BETWEEN w.first_state AND w.last_state
    WHERE s.parameters IS NOT NULL
    ORDER BY s.state DESC
    LIMIT 1;
    FOR batch IN
        SELECT b.features, b.labels
        FROM pgpredict.lineage(here.learner, here.state) AS w
        JOIN pgpredict.learner_batch AS b
            ON b.learner = here.learner AND b.state BETWEEN w.first_state AND w.last_state
        WHERE b.state > base
        ORDER BY b.state
    LOOP
        EXECUTE format('SELECT pgpredict.%I($1, $2, $3)', here.learner || '_kernel')
        INTO learnt USING learnt, batch.features, batch.labels;
        rows_there := rows_there + cardinality(batch.labels);
    END LOOP;
    IF rows_there IS DISTINCT FROM here.rows THEN
        RAISE EXCEPTION 'the parameters of state % of learner % are not kept, nor the way to them',
                        here.state, here.learner
        USING
            ERRCODE = 'PP011',
            HINT = 'keep more states: SELECT pgpredict.set_learner_retention(learner, states)';
    END IF;
    RETURN learnt;
END
$$;

-- Adds a state that was not learnt, and predicts with it from now on. Callers hold the learner's
-- lock. Returns its number.
CREATE OR REPLACE FUNCTION pgpredict.add_state(
    learner text, came_from bigint, made_by text, rows bigint, parameters float8[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    number bigint;
BEGIN
    UPDATE pgpredict.learner_current AS c
    SET state = c.state + 1, rows = add_state.rows, parameters = add_state.parameters
    WHERE c.learner = add_state.learner
    RETURNING c.state INTO number;
    INSERT INTO pgpredict.learner_state (
        learner, state, came_from, made_by, rows, batch_rows, parameters)
    VALUES (learner, number, came_from, made_by, rows, 0, parameters);
    RETURN number;
END
$$;

-- Predicts and learns on with what a learner knew at a state. What it has learnt since is kept in
-- the history, and not learnt again. A learner that revises would come back to its rows with the next
-- batch: it is paused. Returns the number of the new state.
CREATE OR REPLACE FUNCTION pgpredict.rollback_learner(learner text, state bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    target pgpredict.learner_state := pgpredict.check_state(learner, state);
    made bigint;
BEGIN
    made := pgpredict.add_model(
        l.name, target.state, 'rolled back', target.rows,
        pgpredict.parameters_at(l.name, target.state), target.model);
    IF l.updates = 'revise' THEN
        PERFORM pgpredict.pause_learner(l.name);
    END IF;
    PERFORM pgpredict.record(
        l.name, NULL, 'rollback_learner', jsonb_build_object('to', target.state, 'state', made));
    RETURN made;
END
$$;

-- Predicts and learns on with parameters from elsewhere, such as those of an estimator that was
-- trained outside. Returns the number of the new state.
CREATE OR REPLACE FUNCTION pgpredict.import_parameters(learner text, parameters float8[])
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    made bigint;
BEGIN
    PERFORM pgpredict.check_learns_here(l, 'db.import_learner, or pgpredict.import_model');
    IF l.updates = 'revise' THEN
        RAISE EXCEPTION 'learner % takes no parameters from elsewhere', l.name USING
            ERRCODE = 'PP011',
            DETAIL = format('they follow from the rows of %s, and would be back with the next batch',
                            l.source),
            HINT = 'put the rows in the table; or create a learner with updates => ''ignore''';
    END IF;
    PERFORM pgpredict.check_parameters(learner, l.blocks, parameters);
    made := pgpredict.add_state(
        l.name, (SELECT c.state FROM pgpredict.learner_current AS c WHERE c.learner = l.name),
        'imported', 0, parameters);
    PERFORM pgpredict.record(l.name, NULL, 'import_learner', jsonb_build_object('state', made));
    RETURN made;
END
$$;

-- Keeps the current state, whatever the retention. Returns its number.
CREATE OR REPLACE FUNCTION pgpredict.checkpoint(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    kept bigint;
BEGIN
    UPDATE pgpredict.learner_state AS s
    SET checkpoint = true
    FROM pgpredict.learner_current AS c
    WHERE c.learner = l.name AND s.learner = c.learner AND s.state = c.state
    RETURNING s.state INTO kept;
    PERFORM pgpredict.record(l.name, NULL, 'checkpoint', jsonb_build_object('state', kept));
    RETURN kept;
END
$$;

-- Keeps so many states of a learner from now on, besides its checkpoints; NULL: all of them.
-- Returns how many go now.
CREATE OR REPLACE FUNCTION pgpredict.set_learner_retention(learner text, states integer)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    l.retention := states;
    PERFORM pgpredict.check_learner_options(l);
    UPDATE pgpredict.learner AS c SET retention = states WHERE c.name = l.name;
    PERFORM pgpredict.build_learner(l.name);
    RETURN pgpredict.prune_learner(l.name);
END
$$;

-- Forgets states and batches that are past the retention of a learner. The parameters of a large
-- learner are not kept for each state: those stay from which the ones that are kept can be learnt.
-- Returns how many states it were.
CREATE OR REPLACE FUNCTION pgpredict.prune_learner(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    pruned bigint;
    oldest CONSTANT bigint := (
        SELECT c.state - l.retention + 1
        FROM pgpredict.learner_current AS c
        JOIN pgpredict.learner AS l ON l.name = c.learner
        WHERE c.learner = prune_learner.learner);
    base CONSTANT bigint := (
        SELECT s.state
        FROM pgpredict.learner_state AS s
        WHERE s.learner = prune_learner.learner AND s.state <= oldest AND s.parameters IS NOT NULL
        ORDER BY s.state DESC
        LIMIT 1);
BEGIN
    DELETE FROM pgpredict.learner_batch AS b
    WHERE b.learner = prune_learner.learner AND b.state <= base;
    DELETE FROM pgpredict.learner_state AS s
    WHERE s.learner = prune_learner.learner AND s.state < base AND NOT s.checkpoint;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$$;

-- The history of a learner goes with it.
CREATE OR REPLACE FUNCTION pgpredict.forget_history() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    DELETE FROM pgpredict.learner_batch AS b WHERE b.learner = OLD.name;
    DELETE FROM pgpredict.learner_state AS s WHERE s.learner = OLD.name;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER forget_history AFTER DELETE ON pgpredict.learner
    FOR EACH ROW EXECUTE FUNCTION pgpredict.forget_history();

-- A state of a learner as `db.score` takes a version of a model: its functions, and the parameters
-- as a constant. NULL is the current state. No row: there is no such learner.
CREATE OR REPLACE FUNCTION pgpredict.scored_learner(learner text, state bigint)
    RETURNS TABLE (
        version bigint, kind text, signature jsonb, form text, label_type text,
        probability_type text, has_probability boolean, classes text[], label_function text,
        probability_function text, parameters text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET extra_float_digits = 1
    AS $$
    SELECT s.number,
           CASE WHEN cardinality(l.classes) > 0 THEN 'classifier' ELSE 'regressor' END,
           (SELECT jsonb_agg(jsonb_build_object('name', f.name, 'type', 'float8') ORDER BY f.place)
            FROM unnest(l.features) WITH ORDINALITY AS f (name, place)),
           'inline',
           l.label_type,
           coalesce(l.probability_type, 'double precision'),
           l.probability_type IS NOT NULL,
           l.classes,
           format('pgpredict.%I', pgpredict.check_answers(l) || '_label'),
           format('pgpredict.%I', l.name || '_answer_proba'),
           format('%L::float8[]', pgpredict.parameters_at(l.name, s.number))
    FROM pgpredict.learner AS l
    JOIN pgpredict.learner_current AS c ON c.learner = l.name,
         LATERAL (SELECT coalesce(scored_learner.state, c.state)) AS s (number)
    WHERE l.name = scored_learner.learner
    $$;
