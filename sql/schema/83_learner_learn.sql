-- The bodies of what a worker calls: claim, gate, predict, learn, write, in one transaction.

-- pgpredict.<learner>_apply(keys, features, labels, how, predicted, likely): learns one batch, after
-- it was predicted with the state before; NULL: it has not been, and is now. Where learning fails,
-- it learns one half and then the other, so that a row that cannot be learnt goes to the quarantine
-- alone. Each part is a batch and a state of its own: whoever learns them again finds the same
-- boundaries. Returns how many rows were learnt.
CREATE OR REPLACE FUNCTION pgpredict.apply_learner_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    n CONSTANT integer := cardinality(labels);
    half CONSTANT integer := n / 2;
    before bigint;
    rows_before bigint;
    now_at float8[];
    learnt float8[];
    problem text;
BEGIN
    SELECT c.state, c.rows, c.parameters INTO before, rows_before, now_at
    FROM pgpredict.learner_current AS c
    WHERE c.learner = {literal};
    BEGIN
        learnt := pgpredict.{name_kernel}(now_at, features, labels);
        IF {learnt_not_finite} THEN
            problem := 'a parameter would not be finite';
        END IF;
    EXCEPTION WHEN data_exception THEN
        problem := SQLERRM;
    END;
    IF problem IS NULL THEN
        IF predicted IS NULL THEN
            {answered}
        END IF;
        {keep}
        {thin}
        RETURN n;
    ELSIF n = 1 THEN
        PERFORM pgpredict.{name_quarantine}(keys, ARRAY['learning it fails: ' || problem]);
        RETURN 0;
    END IF;
    RETURN pgpredict.{name_apply}(
               keys[: half], features[: half * {feature_count}], labels[: half], how)
           + pgpredict.{name_apply}(
               keys[half + 1 :], features[half * {feature_count} + 1 :], labels[half + 1 :], how);
END
$body$;

-- What a batch is answered with, before it is learnt.
CREATE OR REPLACE FUNCTION pgpredict.answered_batch_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$SELECT array_agg({predicted}), array_agg({likely}) INTO predicted, likely
            FROM (SELECT labels[r.i] AS label, {unfolded}
                  FROM generate_series(1, n) AS r (i) OFFSET 0) AS x;$body$;

-- Writes a state with the batch that has led to it, and predicts with it from now on.
CREATE OR REPLACE FUNCTION pgpredict.keep_state_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$INSERT INTO pgpredict.learner_state (
            learner, state, came_from, made_by, rows, batch_rows, parameters, model,
            log_loss, accuracy, mae, rmse)
        SELECT {literal}, before + 1, before, how, rows_before + n, n, learnt, {model}, {metrics}
        FROM (SELECT unnest(labels) AS label, unnest(predicted) AS predicted,
                     unnest(likely) AS likely) AS a  -- faster than from a function of all
        GROUP BY ();  -- a clusterer has no metrics that would make one row of all
        INSERT INTO pgpredict.learner_batch (learner, state, keys, features, labels, predicted)
        VALUES ({literal}, before + 1, keys, features, labels, predicted);
        UPDATE pgpredict.learner_current AS c
        SET state = before + 1, rows = rows_before + n, parameters = learnt
        WHERE c.learner = {literal};$body$;

-- Forgets the parameters of the state before, which can be learnt again from those before it.
CREATE OR REPLACE FUNCTION pgpredict.thin_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$UPDATE pgpredict.learner_state AS s
        SET parameters = NULL
        WHERE s.learner = {literal} AND s.state = before AND s.state % 100 <> 0
          AND NOT s.checkpoint AND s.batch_rows > 0;$body$;

-- How far two numbers are apart; cut where the square would leave the range of float8.
CREATE OR REPLACE FUNCTION pgpredict.size_of_error(expected float8, actual float8) RETURNS float8
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN CASE
        WHEN greatest(abs(expected), abs(actual)) > 1e70 THEN 1e70
        WHEN abs(expected - actual) < 1e-70 THEN 0
        ELSE abs(expected - actual)
    END;

-- What a learner predicts.
CREATE OR REPLACE FUNCTION pgpredict.learner_kind(learner pgpredict.learner) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN (learner).target IS NULL THEN 'cluster'
        WHEN cardinality((learner).classes) = 0 THEN 'number'
        WHEN (learner).probability IS NULL THEN 'classes'
        WHEN cardinality((learner).classes) = 2 THEN 'two classes'
        ELSE 'more classes'
    END
    $$;

-- What is asked of each row x before it is learnt, and what is made of the answers. `predicted` is
-- the number that says most: the probability of the second class, else the place of the class, or
-- the number; `likely` is the probability of the row's own class, if that is another.
CREATE OR REPLACE FUNCTION pgpredict.answer_pieces(learner pgpredict.learner) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'feature_count', cardinality((learner).features),
        'unfolded', (
            SELECT string_agg(
                       format('features[(r.i - 1) * %s + %s] AS x%s', p.count, f, f), ', '
                       ORDER BY f)
            FROM generate_series(1, p.count) AS f),
        'row_of_features', (
            SELECT string_agg('x.x' || f, ', ' ORDER BY f) FROM generate_series(1, p.count) AS f),
        'predicted', CASE k.kind WHEN 'two classes' THEN p.proba ELSE p.answer END,
        'likely', CASE k.kind
            WHEN 'more classes' THEN format('(%s)[x.label::integer + 1]', p.proba)
            ELSE 'NULL::float8' END,
        'metrics', CASE k.kind
            WHEN 'two classes' THEN
                '-avg(ln(greatest(CASE a.label WHEN 1 THEN a.predicted ELSE 1 - a.predicted END,'
                ' 2.220446049250313e-16::float8))) FILTER (WHERE a.predicted IS NOT NULL),'
                ' avg(((a.predicted > 0.5) = (a.label = 1))::integer::float8), NULL, NULL'
            WHEN 'more classes' THEN
                '-avg(ln(greatest(a.likely, 2.220446049250313e-16::float8)))'
                ' FILTER (WHERE a.likely IS NOT NULL),'
                ' avg((a.predicted = a.label)::integer::float8), NULL, NULL'
            WHEN 'classes' THEN
                'NULL, avg((a.predicted = a.label)::integer::float8), NULL, NULL'
            WHEN 'number' THEN
                'NULL, NULL, avg(pgpredict.size_of_error(a.label, a.predicted)),'
                ' sqrt(avg(pgpredict.size_of_error(a.label, a.predicted) ^ 2))'
            ELSE 'NULL, NULL, NULL, NULL'
        END)
    FROM pgpredict.learner_kind(learner) AS k (kind),
         LATERAL (
             SELECT cardinality((learner).features) AS count,
                    format('pgpredict.%I(now_at, %s)::float8',
                           (learner).name || '_answer', x.passed) AS answer,
                    format('pgpredict.%I(now_at, %s)',
                           (learner).name || '_answer_proba', x.passed) AS proba
             FROM (SELECT string_agg('x.x' || f, ', ' ORDER BY f) AS passed
                   FROM generate_series(1, cardinality((learner).features)) AS f) AS x
         ) AS p
    $$;

-- Takes the next keys out of the queue of a learner, in the order in which they came. A row that was
-- written by several statements is one row.
CREATE OR REPLACE FUNCTION pgpredict.claim_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$done := 0;
    FOR entry IN SELECT q.* FROM pgpredict.{name_queue} AS q ORDER BY q.id LIMIT batch LOOP
        take := least(entry.rows, batch - done);
        {take_keys}
        released := released || array_fill(entry.released, ARRAY[take]);
        done := done + take;
        IF take < entry.rows THEN
            UPDATE pgpredict.{name_queue} AS q
            SET rows = entry.rows - take, {key_rest}
            WHERE q.id = entry.id;
        ELSE
            finished := finished || entry.id;
        END IF;
        EXIT WHEN done = batch;
    END LOOP;
    IF finished IS NOT NULL THEN
        DELETE FROM pgpredict.{name_queue} AS q WHERE q.id = ANY (finished);
    END IF;
    -- What one statement wrote is not twice in its entry.
    IF done > take OR true = ANY (released) THEN
        IF done > (SELECT count(DISTINCT ({k_keys}))
                   FROM unnest({batch_names}) AS k ({key_columns})) THEN
            SELECT {k_arrays}, array_agg(k.released), count(*)
            INTO {batch_names}, released, done
            FROM (SELECT {k_keys}, bool_or(k.released) AS released
                  FROM unnest({batch_names}, released) WITH ORDINALITY
                      AS k ({key_columns}, released, place)
                  GROUP BY {k_keys}
                  ORDER BY min(k.place)) AS k;
        END IF;
    END IF;$body$;

-- What pgpredict.<learner>_learn and <learner>_claim begin with: the next rows of the queue, in the
-- order in which they came. `done` says how many it takes out of it, `held` how many of them go to
-- the quarantine; keys, features, labels and what was predicted for them are of those that are to be
-- learnt, NULL where none is.
--
-- An entry may hold more keys than are still wanted: the rest of it stays. Rows are read as they
-- are now: those that are gone, or have lost their label, are nobody's business any more. They are
-- predicted as they are read, which is cheaper than from arrays; but not with parameters that may
-- be beyond repair: then they are learnt first, and predicted if that works.
CREATE OR REPLACE FUNCTION pgpredict.labelled_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body${claim}
    held := 0;
    IF done > 0 THEN
        SELECT c.parameters INTO now_at
        FROM pgpredict.learner_current AS c
        WHERE c.learner = {literal};
        tame := {parameters_tame};
        {read_batch}
    END IF;
    IF keys IS NOT NULL THEN
        -- Takes the numbers in their order, whatever the dimensions, which is faster than unnest.
        features := '{}';
        features[1 : cardinality(wide)] := wide;
        large := '1e100'::float8 < ANY (features) OR '-1e100'::float8 > ANY (features);
        IF array_position(features, NULL) IS NOT NULL OR large AND {features_not_finite} OR {labels_not_finite} OR num_nonnulls(VARIADIC own) > 0 THEN
            reasons := pgpredict.gate_reasons(
                pgpredict.check_learner({literal}), features, labels, own);
            held := pgpredict.{name_quarantine}(keys, reasons);
            SELECT array_agg(k.key), array_agg(k.label), array_agg(k.predicted),
                   array_agg(k.likely),
                   ARRAY(SELECT f.value FROM unnest(features) WITH ORDINALITY AS f (value, place)
                         WHERE reasons[(f.place - 1) / {feature_count} + 1] IS NULL
                         ORDER BY f.place)
            INTO keys, labels, predicted, likely, features
            FROM unnest(keys, labels, predicted, likely, reasons) WITH ORDINALITY
                AS k (key, label, predicted, likely, reason, place)
            WHERE k.reason IS NULL;
        END IF;
        IF NOT tame OR large AND {never_large} THEN
            predicted := NULL;
        END IF;
    END IF;$body$;

-- pgpredict.<learner>_learn(batch): claims the next rows and learns them. Returns how many it has
-- done.
CREATE OR REPLACE FUNCTION pgpredict.learn_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    {labelled_declarations}
    done bigint;
    held integer;
    keys text[];
    features float8[];
    labels float8[];
    predicted float8[];
    likely float8[];
    learnt bigint;
BEGIN
    {labelled}
    IF keys IS NOT NULL THEN
        learnt := pgpredict.{name_apply}(keys, features, labels, 'learnt', predicted, likely);
        held := held + cardinality(keys) - learnt;
        IF held > 0 THEN
            PERFORM pgpredict.note_quarantined({literal}, held, learnt, cardinality(keys));
        END IF;
        {prune}
    END IF;
    RETURN done;
END
$body$;

-- Notes with the state that a batch has led to how many of its rows were not learnt. Where none of
-- ten rows and more could be, because the parameters are so large already, more rows would only
-- fill the quarantine: the learner stops.
CREATE OR REPLACE FUNCTION pgpredict.note_quarantined(
    learner text, held integer, learnt bigint, tried integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF learnt > 0 THEN
        UPDATE pgpredict.learner_state AS s
        SET quarantined = held
        FROM pgpredict.learner_current AS c
        WHERE c.learner = note_quarantined.learner
          AND s.learner = c.learner AND s.state = c.state;
    ELSIF tried >= 10 AND EXISTS (
        SELECT
        FROM pgpredict.learner_current AS c
        WHERE c.learner = note_quarantined.learner
          AND (1e100 < ANY (c.parameters) OR -1e100 > ANY (c.parameters)))
    THEN
        UPDATE pgpredict.learner AS l
        SET status = 'stopped',
            why = format('none of %s rows could be learnt, since the parameters are beyond 1e100:'
                         ' unlearn what made them so, or roll back, and resume', tried)
        WHERE l.name = note_quarantined.learner;
    END IF;
END
$$;
