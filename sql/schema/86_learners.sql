-- What people do with learners: create, learn, pause, resume, drop.

-- A model that learns from the labelled rows of a table, as they come.
--
-- The client makes the texts of an estimator with partial_fit: `kernel` is the body of a PL/pgSQL
-- function (parameters, features, labels) that returns the parameters after one batch, `prediction`
-- and `probability` are expressions of $1 (the parameters) and $2 … (the features); `blocks` name
-- the parts of the parameters, `accepts` is a condition that features must meet to be learnt, and
-- `expects` says it in words. `initial` is the vector before the first row. `classes` are in
-- scikit-learn's order, as text of the type `label_type`. `key` tells the rows apart; NULL is the
-- primary key. With `backfill` the labelled rows that are there already come first. The last
-- `retention` states are kept, NULL: all.
--
-- With `updates` 'revise' what was learnt of a row that changes or goes is taken back: then `kernel`
-- is the body of a function (sums, features, labels, taken) that adds rows to as many `sums`, or takes
-- them away, and `solve` of one that makes the parameters of the sums. It learns all rows that are
-- there.
--
-- `place` says who learns: the database, or a worker with scikit-learn itself. Then there is no
-- `kernel`, and `model` is the estimator, as skops writes it; `prediction` is NULL where nothing in
-- SQL answers as it does.
--
-- Returns the number of the first state, 0.
CREATE OR REPLACE FUNCTION pgpredict.create_learner(
    name text,
    source regclass,
    target name,
    features name[],
    estimator text,
    label_type text,
    classes text[],
    blocks jsonb,
    initial float8[],
    kernel text,
    prediction text,
    probability text DEFAULT NULL,
    accepts text DEFAULT NULL,
    expects text DEFAULT NULL,
    key name[] DEFAULT NULL,
    backfill boolean DEFAULT NULL,
    retention integer DEFAULT NULL,
    notify boolean DEFAULT true,
    level text DEFAULT 'statement',
    model_file bytea DEFAULT NULL,
    updates text DEFAULT 'ignore',
    solve text DEFAULT NULL,
    sums integer DEFAULT NULL,
    place text DEFAULT 'database',
    model bytea DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    wanted pgpredict.learner;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pgpredict.learner ' || name, 0));
    PERFORM pgpredict.lock_model(name);
    PERFORM pgpredict.check_new_learner(name);
    PERFORM pgpredict.check_stream_source(source);
    wanted.name := create_learner.name;
    wanted.estimator := create_learner.estimator;
    wanted.place := create_learner.place;
    wanted.source := (SELECT format('%I.%I', n.nspname, c.relname)
                      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                      WHERE c.oid = create_learner.source);
    wanted.key := pgpredict.check_key(source, create_learner.key::text[]);
    wanted.target := create_learner.target;
    wanted.features := create_learner.features::text[];
    wanted.classes := coalesce(create_learner.classes, '{}');
    wanted.label_type := create_learner.label_type::regtype::text;
    wanted.probability_type := CASE
        WHEN create_learner.probability IS NULL THEN NULL
        WHEN cardinality(wanted.classes) = 2 THEN 'double precision'
        ELSE 'double precision[]' END;
    wanted.blocks := create_learner.blocks;
    wanted.kernel := create_learner.kernel;
    wanted.prediction := create_learner.prediction;
    wanted.probability := create_learner.probability;
    wanted.accepts := create_learner.accepts;
    wanted.expects := create_learner.expects;
    wanted.model_file := create_learner.model_file;
    -- A row that an UPDATE moves to another partition shows to no trigger of a statement as a new one.
    wanted.level := CASE
        WHEN level = 'statement' AND updates = 'ignore'
            AND EXISTS (SELECT FROM pg_partitioned_table AS p WHERE p.partrelid = source)
        THEN 'row'
        ELSE level END;
    wanted.notify := coalesce(create_learner.notify, true);
    wanted.retention := create_learner.retention;
    wanted.updates := create_learner.updates;
    wanted.solve := create_learner.solve;
    wanted.status := 'learning';
    wanted.created_at := now();
    wanted.created_by := session_user;
    PERFORM pgpredict.check_learner_options(wanted);
    PERFORM pgpredict.check_revising(wanted, backfill, sums);
    PERFORM pgpredict.check_parameters(name, blocks, initial);
    IF place = 'worker' THEN
        PERFORM pgpredict.check_model_file(name, model);
    END IF;
    PERFORM pgpredict.check_learner_columns(
        source, wanted.key, wanted.target, wanted.features, wanted.label_type);
    PERFORM pgpredict.check_readable(source);
    PERFORM pgpredict.check_may_capture(source, wanted.level);
    INSERT INTO pgpredict.learner SELECT wanted.*;
    INSERT INTO pgpredict.learner_state (
        learner, state, made_by, rows, batch_rows, checkpoint, parameters, model)
    VALUES (name, 0, 'created', 0, 0, true, initial, model);
    INSERT INTO pgpredict.learner_current (learner, state, rows, parameters)
    VALUES (name, 0, 0, initial);
    PERFORM pgpredict.create_learner_queue(name);
    IF updates = 'revise' THEN
        PERFORM pgpredict.begin_sums(name, sums);
    END IF;
    PERFORM pgpredict.build_learner(name);
    PERFORM pgpredict.try_learner(name);
    PERFORM pgpredict.create_learner_triggers(name, t) FROM pgpredict.tables_to_learn(name) AS t;
    PERFORM pgpredict.note_learner_tables(name);
    IF updates = 'revise' THEN
        PERFORM pgpredict.enqueue_differences(name);
    ELSIF backfill THEN
        PERFORM pgpredict.enqueue_source(name);
    END IF;
    IF backfill OR updates = 'revise' THEN
        PERFORM pg_notify('pgpredict_work', name);
    END IF;
    PERFORM pgpredict.record(name, NULL, 'create_learner', jsonb_build_object(
        'source', source::text, 'key', wanted.key, 'estimator', estimator));
    RETURN 0;
END
$$;

-- Raises unless the kernel of a new learner gives the parameters back where there is no row, and
-- its functions answer.
CREATE OR REPLACE FUNCTION pgpredict.try_learner(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    unchanged boolean;
    zeros text := array_to_string(array_fill('0'::text, ARRAY[cardinality(l.features)]), ', ');
BEGIN
    IF l.place = 'database' THEN
        EXECUTE CASE l.updates
            WHEN 'revise' THEN format(
                'SELECT pgpredict.%I(k.sums, ''{}'', ''{}'', false) = k.sums'
                ' AND pgpredict.%I(k.sums) = s.parameters'
                ' FROM pgpredict.learner_sums AS k, pgpredict.learner_state AS s'
                ' WHERE k.learner = $1 AND s.learner = $1',
                learner || '_change', learner || '_solve')
            ELSE format(
                'SELECT pgpredict.%I(s.parameters, ''{}'', ''{}'')'
                ' IS NOT DISTINCT FROM s.parameters'
                ' FROM pgpredict.learner_state AS s WHERE s.learner = $1',
                learner || '_kernel') END
        INTO unchanged USING learner;
    END IF;
    IF l.prediction IS NOT NULL THEN
        EXECUTE format('SELECT predict.%I(%s)', learner, zeros);
    END IF;
    IF l.probability IS NOT NULL THEN
        EXECUTE format('SELECT predict.%I(%s)', learner || '_proba', zeros);
    END IF;
    IF unchanged IS NOT TRUE AND l.place = 'database' THEN
        RAISE EXCEPTION 'cannot create learner %: its kernel changes what it learnt nothing of',
                        learner
        USING
            ERRCODE = 'PP011',
            HINT = 'without a row it has to return the parameters as they are';
    END IF;
END
$$;

-- Learns the next rows, at most `batch`, in one transaction: claims them, gates them, predicts them
-- with the state before, learns them, and writes the new state. Returns how many it has done, those
-- in quarantine and those that are gone included; 0: nothing waits, or the learner is paused. Any
-- number of workers may call it at the same time, with no other right than to call it: one learns,
-- the others wait, since the steps of a learner are in an order.
CREATE OR REPLACE FUNCTION pgpredict.learn(learner text, batch integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    status text;
    place text;
    there boolean;
    done bigint;
BEGIN
    -- As lock_learner does, without the rest of the learner's row: it costs a small batch too much.
    PERFORM pg_advisory_xact_lock(hashtextextended('pgpredict.learner ' || learner, 0));
    SELECT l.status, l.place, EXISTS (
               SELECT FROM pg_trigger AS t
               WHERE t.tgrelid = to_regclass(l.source)
                 AND t.tgfoid = to_regproc(format('pgpredict.%I', l.name || '_capture')))
    INTO status, place, there
    FROM pgpredict.learner AS l
    WHERE l.name = learn.learner;
    IF status IS NULL THEN
        PERFORM pgpredict.check_learner(learner);
    END IF;
    PERFORM pgpredict.check_batch('learn', batch);
    IF place = 'worker' THEN
        PERFORM pgpredict.check_learns_here(
            pgpredict.check_learner(learner), 'run pgpredict worker, or db.learn in Python');
    END IF;
    IF status <> 'learning' THEN
        RETURN 0;
    END IF;
    IF NOT there THEN
        PERFORM pgpredict.find_learner_source(learner);
    END IF;
    EXECUTE format('SELECT pgpredict.%I($1)', learner || '_learn') INTO done USING batch;
    RETURN done;
END
$$;

-- Learns what waits, batch after batch, each in a transaction of its own: one call for all of them,
-- which counts where batches are small. Ends where nothing waits any more, the learner is paused,
-- or after so many `batches`. `done` returns how many rows it was. It commits, so that it cannot be
-- called inside a transaction; who calls it needs the right to pgpredict.learn too.
CREATE OR REPLACE PROCEDURE pgpredict.catch_up(
    learner text,
    batch integer DEFAULT 1000,
    batches bigint DEFAULT NULL,
    INOUT done bigint DEFAULT 0)
    LANGUAGE plpgsql
    AS $$
DECLARE
    rows bigint;
BEGIN
    IF batches < 1 THEN
        RAISE EXCEPTION 'there is at least one batch, not %', batches USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'NULL: until nothing waits';
    END IF;
    done := 0;
    LOOP
        rows := pgpredict.learn(learner, batch);
        COMMIT;
        done := done + rows;
        batches := batches - 1;
        EXIT WHEN rows = 0 OR batches = 0;
    END LOOP;
END
$$;

-- Lets rows wait: writers go on, predictions too, nothing is learnt. Returns whether the learner
-- learnt before.
CREATE OR REPLACE FUNCTION pgpredict.pause_learner(learner text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    was text := (pgpredict.lock_learner(learner)).status;
BEGIN
    IF was <> 'paused' THEN
        UPDATE pgpredict.learner AS l SET status = 'paused' WHERE l.name = learner;
        PERFORM pgpredict.record(learner, NULL, 'pause_learner');
    END IF;
    RETURN was = 'learning';
END
$$;

-- Goes on: what waited is next. A learner that revises predicts with what follows from its rows
-- again, if it was rolled back. Returns whether the learner was paused, or had stopped.
CREATE OR REPLACE FUNCTION pgpredict.resume_learner(learner text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    was text := (pgpredict.lock_learner(learner)).status;
BEGIN
    IF was <> 'learning' THEN
        UPDATE pgpredict.learner AS l SET status = 'learning', why = NULL WHERE l.name = learner;
        IF EXISTS (SELECT FROM pgpredict.learner_sums AS s
                   WHERE s.learner = resume_learner.learner)
        THEN
            PERFORM pgpredict.settle_learner(learner);
        END IF;
        PERFORM pgpredict.record(learner, NULL, 'resume_learner');
        PERFORM pg_notify('pgpredict_work', learner);
    END IF;
    RETURN was <> 'learning';
END
$$;

-- Removes a learner with its history and its quarantine, and what waits in its queue. Its events
-- stay. Returns how many rows waited.
CREATE OR REPLACE FUNCTION pgpredict.drop_learner(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET client_min_messages = warning
    AS $$
DECLARE
    queue CONSTANT regclass := to_regclass(format('pgpredict.%I', learner || '_queue'));
    waited bigint;
BEGIN
    PERFORM pgpredict.lock_learner(learner);
    PERFORM pgpredict.drop_stream_triggers(learner);
    SELECT coalesce(sum(q.rows), 0) INTO waited FROM pgpredict.queue AS q WHERE q.tableoid = queue;
    PERFORM pgpredict.drop_functions(
        ARRAY(SELECT pgpredict.functions_of_learner(learner)),
        cannot => format('cannot drop learner %s: something still uses its functions', learner),
        code => 'PP003',
        details => NULL,
        hint => 'drop these first');
    EXECUTE format('DROP TABLE IF EXISTS pgpredict.%I', learner || '_queue');
    EXECUTE format('DROP SEQUENCE IF EXISTS pgpredict.%I', learner || '_wake');
    EXECUTE format('DROP TABLE IF EXISTS pgpredict.%I', learner || '_rows');
    DELETE FROM pgpredict.learner AS l WHERE l.name = learner;
    PERFORM pgpredict.record(learner, NULL, 'drop_learner', jsonb_build_object('waited', waited));
    RETURN waited;
END
$$;
