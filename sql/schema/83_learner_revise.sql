-- The bodies of what a worker calls for a learner that revises what it knows.

-- pgpredict.<learner>_apply(taken_features, taken_labels, keys, features, labels, fresh, predicted,
-- likely, how): takes rows out of the sums and adds others, solves them, and makes a state of that.
-- Of rows that are fresh, which the sums did not hold, it keeps what was predicted before. Where the
-- solution is beyond float8, it takes rows out first, then adds one half and the other, so that a row
-- which cannot be learnt goes to the quarantine alone. Returns how many rows were added; NULL: what
-- is left after taking rows out has no solution, and the parameters are those of before.
CREATE OR REPLACE FUNCTION pgpredict.apply_revision_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    n CONSTANT integer := cardinality(labels);
    gone CONSTANT integer := cardinality(taken_labels);
    half CONSTANT integer := n / 2;
    before bigint;
    added_up bigint;
    changed numeric[];
    learnt float8[];
    is_solved boolean;
BEGIN
    SELECT c.state, s.rows - gone + n,
           pgpredict.{name_change}(
               pgpredict.{name_change}(s.sums, taken_features, taken_labels, true),
               features, labels, false)
    INTO before, added_up, changed
    FROM pgpredict.learner_current AS c
    JOIN pgpredict.learner_sums AS s ON s.learner = c.learner
    WHERE c.learner = {literal};
    BEGIN
        learnt := pgpredict.{name_solve}(changed);
        is_solved := NOT {learnt_not_finite};
    EXCEPTION WHEN numeric_value_out_of_range THEN
        is_solved := false;
    END;
    IF is_solved OR n = 0 THEN
        UPDATE pgpredict.learner_sums AS s SET rows = added_up, sums = changed
        WHERE s.learner = {literal};
    END IF;
    IF is_solved THEN
        INSERT INTO pgpredict.learner_state (
            learner, state, came_from, made_by, rows, batch_rows, taken_back, parameters,
            log_loss, accuracy, mae, rmse)
        SELECT {literal}, before + 1, before,
               coalesce(how, CASE WHEN count(*) > 0 THEN 'learnt' ELSE 'revised' END),
               added_up, count(*), gone, learnt, {metrics}
        FROM unnest(labels, predicted, likely, fresh) AS a (label, predicted, likely, fresh)
        WHERE a.fresh;
        INSERT INTO pgpredict.learner_batch (learner, state, keys, features, labels, predicted)
        SELECT {literal}, before + 1, array_agg(a.key), '{}', array_agg(a.label),
               array_agg(a.predicted)
        FROM unnest(keys, labels, predicted, fresh) AS a (key, label, predicted, fresh)
        WHERE a.fresh
        HAVING count(*) > 0;
        UPDATE pgpredict.learner_current AS c
        SET state = before + 1, rows = added_up, parameters = learnt
        WHERE c.learner = {literal};
        RETURN n;
    ELSIF n = 0 THEN
        RETURN NULL;
    ELSIF n = 1 AND gone = 0 THEN
        PERFORM pgpredict.{name_quarantine}(
            keys, ARRAY['learning it fails: a parameter would not be finite']);
        UPDATE pgpredict.{name_rows} AS h SET counted = false
        FROM unnest(keys) AS k (key) WHERE {h_is_text};
        RETURN 0;
    ELSIF gone > 0 THEN
        RETURN pgpredict.{name_apply}(
                   taken_features, taken_labels, '{}', '{}', '{}', '{}', '{}', '{}', how)
               + pgpredict.{name_apply}(
                   '{}', '{}', keys, features, labels, fresh, predicted, likely, how);
    END IF;
    RETURN pgpredict.{name_apply}(
               '{}', '{}', keys[: half], features[: half * {feature_count}], labels[: half],
               fresh[: half], predicted[: half], likely[: half], how)
           + pgpredict.{name_apply}(
               '{}', '{}', keys[half + 1 :], features[half * {feature_count} + 1 :],
               labels[half + 1 :], fresh[half + 1 :], predicted[half + 1 :], likely[half + 1 :],
               how);
END
$body$;

-- pgpredict.<learner>_learn(batch): the next keys of the queue. Of each, what was learnt is compared
-- with what the source holds now; where both are the same nothing is done.
CREATE OR REPLACE FUNCTION pgpredict.learn_revisions_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    {labelled_declarations}
    done bigint;
    keys text[];
    features float8[];
    labels float8[];
    good boolean[];
    fresh boolean[];
    predicted float8[];
    likely float8[];
    taken_wide float8[];
    taken_labels float8[];
    stale text[];
    before bigint;
    held integer := 0;
    learnt bigint;
BEGIN
    {claim}
    IF done = 0 THEN
        RETURN 0;
    END IF;
    IF array_position(batch1, NULL) IS NOT NULL THEN
        PERFORM pgpredict.enqueue_differences({literal});
    END IF;
    SELECT c.state, c.parameters INTO before, now_at
    FROM pgpredict.learner_current AS c
    WHERE c.learner = {literal};
    WITH seen AS (
        SELECT {k_keys}, k.place, h.counted, h.features AS taken_features, h.label AS taken_label,
               x.*, CASE WHEN x.present THEN pgpredict.{name_gate}(s.*, k.released) END AS own
        FROM unnest({batch_names}, released) WITH ORDINALITY AS k ({key_columns}, released, place)
        LEFT JOIN pgpredict.{name_rows} AS h ON {h_is_k}
        LEFT JOIN {source} AS s ON {s_is_k} AND {s_labelled}
        CROSS JOIN LATERAL (
            SELECT NOT ({s_missing}) AS present, {read_features}, {read_label} AS label
            OFFSET 0) AS x
        WHERE CASE
            WHEN NOT x.present THEN h.counted IS NOT NULL
            ELSE h.counted IS NULL OR k.released AND NOT h.counted
                OR h.features IS DISTINCT FROM ARRAY[{row_of_features}]
                OR h.label IS DISTINCT FROM x.label
        END
    ),
    judged AS (
        SELECT x.*, f.features, x.present AND x.own IS NULL AND NOT {row_not_finite} AS accepted,
               CASE WHEN x.present AND x.counted IS NOT TRUE THEN {predicted} END AS predicted,
               CASE WHEN x.present AND x.counted IS NOT TRUE THEN {likely} END AS likely
        FROM seen AS x, LATERAL (SELECT ARRAY[{row_of_features}] AS features) AS f
    ),
    forgotten AS (
        DELETE FROM pgpredict.{name_rows} AS h
        USING judged AS k
        WHERE {h_is_k} AND NOT k.present
    ),
    kept AS (
        INSERT INTO pgpredict.{name_rows} ({key_columns}, features, label, counted)
        SELECT {k_keys}, k.features, k.label, k.accepted FROM judged AS k WHERE k.present
        ON CONFLICT ({key_columns}) DO UPDATE
        SET features = excluded.features, label = excluded.label, counted = excluded.counted
    )
    SELECT array_agg({key_text}) FILTER (WHERE k.present),
           array_agg(k.features) FILTER (WHERE k.present),
           array_agg(k.label) FILTER (WHERE k.present),
           array_agg(k.own) FILTER (WHERE k.present),
           array_agg(k.accepted) FILTER (WHERE k.present),
           array_agg(k.counted IS NOT TRUE) FILTER (WHERE k.present),
           array_agg(k.predicted) FILTER (WHERE k.present),
           array_agg(k.likely) FILTER (WHERE k.present),
           array_agg(k.taken_features) FILTER (WHERE k.counted),
           coalesce(array_agg(k.taken_label) FILTER (WHERE k.counted), '{}'),
           array_agg({key_text}) FILTER (WHERE NOT k.counted)
    INTO keys, wide, labels, own, good, fresh, predicted, likely, taken_wide, taken_labels, stale
    FROM (SELECT k.* FROM judged AS k ORDER BY k.place) AS k;
    IF stale IS NOT NULL THEN
        DELETE FROM pgpredict.quarantine AS q
        WHERE q.learner = {literal} AND q.key = ANY (stale);
    END IF;
    features := ARRAY(SELECT unnest(wide));
    IF false = ANY (good) THEN
        reasons := pgpredict.gate_reasons(
            pgpredict.check_learner({literal}), features, labels, own);
        held := pgpredict.{name_quarantine}(keys, reasons);
        SELECT array_agg(k.key), array_agg(k.label), array_agg(k.fresh), array_agg(k.predicted),
               array_agg(k.likely),
               ARRAY(SELECT f.value FROM unnest(features) WITH ORDINALITY AS f (value, place)
                     WHERE good[(f.place - 1) / {feature_count} + 1]
                     ORDER BY f.place)
        INTO keys, labels, fresh, predicted, likely, features
        FROM unnest(keys, labels, good, fresh, predicted, likely) WITH ORDINALITY
             AS k (key, label, accepted, fresh, predicted, likely, place)
        WHERE k.accepted;
    END IF;
    IF keys IS NOT NULL OR taken_labels <> '{}' THEN
        keys := coalesce(keys, '{}');
        learnt := pgpredict.{name_apply}(
            ARRAY(SELECT unnest(taken_wide)), taken_labels, keys, features,
            coalesce(labels, '{}'), coalesce(fresh, '{}'), predicted, likely, NULL);
        IF learnt IS DISTINCT FROM cardinality(keys) OR held > 0 THEN
            PERFORM pgpredict.note_revision({literal}, before, held, learnt, cardinality(keys));
        END IF;
    END IF;
    {prune}
    RETURN done;
END
$body$;

-- Notes with the state that a batch has led to how many of its rows were not learnt. Where the rows
-- that are there now have no solution, the learner stops: the parameters are not theirs.
CREATE OR REPLACE FUNCTION pgpredict.note_revision(
    learner text, before bigint, held integer, learnt bigint, tried integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    UPDATE pgpredict.learner_state AS s
    SET quarantined = held + coalesce(tried - learnt, 0)
    FROM pgpredict.learner_current AS c
    WHERE c.learner = note_revision.learner AND c.state > before
      AND s.learner = c.learner AND s.state = c.state;
    IF learnt IS NULL AND NOT pgpredict.settle_learner(learner) THEN
        UPDATE pgpredict.learner AS l
        SET status = 'stopped',
            why = 'the rows that are there now have no parameters that are finite numbers: change'
                  ' or unlearn those that are not like the others, and resume'
        WHERE l.name = note_revision.learner;
    END IF;
END
$$;

-- Makes the parameters of a learner those of its sums, if they are not. Returns whether there are
-- any. Callers hold the learner's lock.
CREATE OR REPLACE FUNCTION pgpredict.settle_learner(learner text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    solved float8[];
    known pgpredict.learner_sums;
    here pgpredict.learner_current;
BEGIN
    SELECT s.* INTO known FROM pgpredict.learner_sums AS s WHERE s.learner = settle_learner.learner;
    SELECT c.* INTO here FROM pgpredict.learner_current AS c
    WHERE c.learner = settle_learner.learner;
    EXECUTE format('SELECT pgpredict.%I($1)', learner || '_solve') INTO solved USING known.sums;
    IF solved <> here.parameters THEN
        PERFORM pgpredict.check_parameters(
            learner, (pgpredict.check_learner(learner)).blocks, solved);
        PERFORM pgpredict.add_state(learner, here.state, 'revised', known.rows, solved);
    END IF;
    RETURN true;
EXCEPTION WHEN data_exception OR SQLSTATE 'PP011' THEN
    RETURN false;
END
$$;

-- Creates the functions that learn for a learner that revises. `pieces` are what stands for the
-- names in the templates, `by_key` the options of what looks rows up.
CREATE OR REPLACE FUNCTION pgpredict.build_revising(learner text, pieces jsonb, by_key text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
BEGIN
    pieces := pieces || pgpredict.revision_pieces(learner) || jsonb_build_object(
        'row_not_finite', pgpredict.not_finite_expression('(f.features || x.label)'));
    PERFORM pgpredict.define_stream_function(
        learner, '_change', 'sums numeric[], features float8[], labels float8[], taken boolean',
        'numeric[]', 'IMMUTABLE SET extra_float_digits = 1', l.kernel);
    PERFORM pgpredict.define_stream_function(
        learner, '_solve', 'sums numeric[]', 'float8[]', 'IMMUTABLE', l.solve);
    PERFORM pgpredict.define_stream_function(
        learner, '_apply',
        'taken_features float8[], taken_labels float8[], keys text[], features float8[],'
        ' labels float8[], fresh boolean[], predicted float8[], likely float8[], how text',
        'integer', 'SET plan_cache_mode = force_generic_plan',
        pgpredict.fill(pgpredict.apply_revision_template(), pieces));
    PERFORM pgpredict.define_stream_function(
        learner, '_learn', 'batch integer', 'bigint', by_key,
        pgpredict.fill(pgpredict.learn_revisions_template(), pieces));
END
$$;
