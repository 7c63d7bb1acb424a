-- Learners that run in the worker: the database claims, gates and keeps what is learnt there with
-- scikit-learn itself, in one transaction.
--
-- A worker calls claim_batch, learns, and then keep_batch for each part that it has learnt and
-- hold_batch for rows that cannot be. It needs no other right than to call these and model_at.

-- Raises for a learner that the database cannot teach itself.
CREATE OR REPLACE FUNCTION pgpredict.check_learns_here(
    learner pgpredict.learner, instead text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF (learner).place = 'worker' THEN
        RAISE EXCEPTION 'learner % learns with scikit-learn, outside of the database',
                        (learner).name
        USING ERRCODE = 'PP011', HINT = instead;
    END IF;
END
$$;

-- Raises for a learner that the database teaches itself.
CREATE OR REPLACE FUNCTION pgpredict.check_learns_outside(learner pgpredict.learner) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF (learner).place <> 'worker' THEN
        RAISE EXCEPTION 'learner % learns in the database', (learner).name USING
            ERRCODE = 'PP011',
            HINT = 'SELECT pgpredict.learn(learner)';
    END IF;
END
$$;

-- Claims the next rows of a learner, which nobody else teaches until the transaction ends: `done`
-- are taken out of its queue, `held` of them went to the quarantine; keys, features (row after row)
-- and labels are to be learnt, NULL where none is. `state` is the current one, of the time
-- `state_at`: no other state of the learner has that.
CREATE OR REPLACE FUNCTION pgpredict.claim_batch(
    learner text, batch integer,
    OUT done bigint, OUT held integer, OUT keys text[], OUT features float8[], OUT labels float8[],
    OUT state bigint, OUT state_at timestamptz)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    PERFORM pgpredict.check_learns_outside(l);
    PERFORM pgpredict.check_batch('learn', batch);
    done := 0;
    IF l.status = 'learning' THEN
        PERFORM pgpredict.find_learner_source(l.name);
        EXECUTE format('SELECT * FROM pgpredict.%I($1)', l.name || '_claim')
        INTO done, held, keys, features, labels USING batch;
    END IF;
    SELECT s.state, s.at INTO state, state_at
    FROM pgpredict.learner_current AS c
    JOIN pgpredict.learner_state AS s ON s.learner = c.learner AND s.state = c.state
    WHERE c.learner = l.name;
END
$$;

-- What a learner is made of: whoever teaches it needs no right on the table.
CREATE OR REPLACE FUNCTION pgpredict.taught_outside(
    learner text,
    OUT features text[], OUT classes text[], OUT label_type text, OUT answers boolean,
    OUT has_target boolean, OUT place text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    SELECT l.features, l.classes, l.label_type, l.prediction IS NOT NULL, l.target IS NOT NULL,
           l.place
    FROM pgpredict.check_learner(learner) AS l
    $$;

-- The model file of a state, as skops writes it; NULL where it is not kept.
CREATE OR REPLACE FUNCTION pgpredict.model_at(learner text, state bigint) RETURNS bytea
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$ SELECT s.model FROM pgpredict.check_state(learner, state) AS s $$;

-- Keeps what was learnt of a batch, or of a part of one, as the next state: the parameters that
-- answer, and the model file that goes on. `predicted` and `likely` are what was said of each row
-- before, as pgpredict.answer_pieces describes it. Returns the number of the state and its time.
CREATE OR REPLACE FUNCTION pgpredict.keep_batch(
    learner text, how text, keys text[], features float8[], labels float8[], predicted float8[],
    likely float8[], parameters float8[], model bytea, OUT state bigint, OUT state_at timestamptz)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    PERFORM pgpredict.check_learns_outside(l);
    PERFORM pgpredict.check_model_file(l.name, model);
    PERFORM pgpredict.check_parameters(l.name, l.blocks, parameters);
    EXECUTE format('SELECT pgpredict.%I($1, $2, $3, $4, $5, $6, $7, $8)', l.name || '_keep')
    USING keys, features, labels, how, predicted, likely, parameters, model;
    SELECT s.state, s.at INTO state, state_at
    FROM pgpredict.learner_current AS c
    JOIN pgpredict.learner_state AS s ON s.learner = c.learner AND s.state = c.state
    WHERE c.learner = l.name;
END
$$;

-- pgpredict.<learner>_claim(batch): what pgpredict.<learner>_learn begins with, and no more.
CREATE OR REPLACE FUNCTION pgpredict.claim_outside_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    {labelled_declarations}
    predicted float8[];
    likely float8[];
BEGIN
    {labelled}
END
$body$;

-- pgpredict.<learner>_keep(keys, features, labels, how, predicted, likely, parameters, model)
CREATE OR REPLACE FUNCTION pgpredict.keep_outside_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    n CONSTANT integer := cardinality(labels);
    before bigint;
    rows_before bigint;
BEGIN
    SELECT c.state, c.rows INTO before, rows_before
    FROM pgpredict.learner_current AS c
    WHERE c.learner = {literal};
    {keep}
    {thin}
    IF how = 'learnt' THEN
        NULL;
        {prune}
    END IF;
END
$body$;

-- Forgets the model of the state before, if it is large: it can be learnt again.
CREATE OR REPLACE FUNCTION pgpredict.thin_outside_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$UPDATE pgpredict.learner_state AS s
        SET parameters = NULL, model = NULL
        WHERE s.learner = {literal} AND s.state = before AND s.state % 100 <> 0
          AND NOT s.checkpoint AND s.batch_rows > 0 AND octet_length(s.model) > 100000;$body$;

-- Keeps rows that could not be learnt in the quarantine, the reason of each beside its key; `held`
-- are those of the same batch that the gate kept. `learnt` of `tried` rows were learnt; `beyond`
-- says whether parameters are so large already that none can be. Does nothing where no row is held.
CREATE OR REPLACE FUNCTION pgpredict.hold_batch(
    learner text, keys text[], reasons text[], held integer, learnt bigint, tried integer,
    beyond boolean) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    PERFORM pgpredict.check_learns_outside(l);
    IF cardinality(keys) > 0 THEN
        EXECUTE format('SELECT pgpredict.%I($1, $2)', l.name || '_quarantine')
        USING keys, reasons;
    END IF;
    IF held + cardinality(keys) > 0 THEN
        PERFORM pgpredict.note_quarantined(l.name, held + cardinality(keys), learnt, tried);
    END IF;
    IF beyond AND learnt = 0 AND tried >= 10 THEN
        UPDATE pgpredict.learner AS s
        SET status = 'stopped',
            why = format('none of %s rows could be learnt, since the parameters are beyond 1e100:'
                         ' unlearn what made them so, or roll back, and resume', tried)
        WHERE s.name = l.name;
    END IF;
END
$$;

-- Raises unless this can be the model file of a learner.
CREATE OR REPLACE FUNCTION pgpredict.check_model_file(learner text, model bytea) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF coalesce(octet_length(model), 0) = 0 THEN
        RAISE EXCEPTION 'a state of learner % needs the model that goes on from it', learner USING
            ERRCODE = 'PP011',
            HINT = 'the client makes it of an estimator: db.create_learner, db.import_learner';
    END IF;
END
$$;

-- Puts the functions of a learner in place that runs in the worker.
CREATE OR REPLACE FUNCTION pgpredict.build_outside(
    learner pgpredict.learner, pieces jsonb, by_key text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    name CONSTANT text := (learner).name;
    -- Whoever learns the batch predicts it, too.
    filled jsonb := pieces || jsonb_build_object(
        'predicted', 'NULL::float8',
        'likely', 'NULL::float8',
        'model', 'learnt_model',
        'thin', pgpredict.fill(pgpredict.thin_outside_template(), pieces));
BEGIN
    filled := filled || jsonb_build_object(
        'labelled', pgpredict.fill(
            pgpredict.labelled_template(), pgpredict.batch_pieces(learner, filled)),
        'keep', pgpredict.fill(pgpredict.keep_state_template(), filled));
    PERFORM pgpredict.define_stream_function(
        name, '_claim',
        'batch integer, OUT done bigint, OUT held integer, OUT keys text[], OUT features float8[],'
        ' OUT labels float8[]', 'record', by_key,
        pgpredict.fill(pgpredict.claim_outside_template(), filled));
    PERFORM pgpredict.define_stream_function(
        name, '_keep',
        'keys text[], features float8[], labels float8[], how text, predicted float8[],'
        ' likely float8[], learnt float8[], learnt_model bytea', 'void', '',
        pgpredict.fill(pgpredict.keep_outside_template(), filled));
END
$$;
