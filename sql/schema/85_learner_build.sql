-- Puts the functions of a learner in place, from the templates.

-- How the features and the label of a row `s` of the source are read, the label as a place among the
-- classes if there are any.
CREATE OR REPLACE FUNCTION pgpredict.reading_pieces(learner pgpredict.learner) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'read_features', (
            SELECT string_agg(
                       format('%s AS x%s', pgpredict.passed(
                           to_regclass((learner).source), 's', f.name, 'double precision'),
                           f.place),
                       ', ' ORDER BY f.place)
            FROM unnest((learner).features) WITH ORDINALITY AS f (name, place)),
        'read_label', CASE
            WHEN (learner).target IS NULL THEN 'NULL::float8'
            WHEN cardinality((learner).classes) = 0 THEN l.label
            ELSE format('(array_position(%L::%s[], %s) - 1)::float8',
                        (learner).classes, l.type, l.label)
        END)
    FROM (
        SELECT t.type,
               pgpredict.passed(
                   to_regclass((learner).source), 's', (learner).target, t.type) AS label
        FROM pgpredict.label_input((learner).label_type) AS t (type)
    ) AS l
    $$;

CREATE OR REPLACE FUNCTION pgpredict.build_learner(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    pieces jsonb := pgpredict.learner_pieces(learner) || pgpredict.reading_pieces(l)
        || pgpredict.answer_pieces(l);
    settings CONSTANT text := 'SET row_security = off ' || pgpredict.learner_settings(learner);
    -- A few keys are never a reason to read a whole table; plans are made once per session.
    by_key CONSTANT text := settings || ' SET enable_seqscan = off SET enable_hashjoin = off'
        ' SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan';
BEGIN
    PERFORM pgpredict.define_parameters(learner);
    PERFORM pgpredict.define_answers(learner);
    PERFORM pgpredict.build_gate(learner);
    pieces := pieces || jsonb_build_object(
        'claim', pgpredict.fill(pgpredict.claim_template(), pieces),
        -- Large parameters are kept for one state in a hundred: the others can be learnt again.
        'thin', CASE WHEN pgpredict.parameter_count(l.blocks) > 2000
            THEN pgpredict.fill(pgpredict.thin_template(), pieces) ELSE '' END,
        'prune', CASE WHEN l.retention IS NOT NULL
            THEN pgpredict.fill('PERFORM pgpredict.prune_learner({literal});', pieces) ELSE '' END,
        'learnt_not_finite', pgpredict.not_finite_expression('learnt'),
        'features_not_finite', pgpredict.not_finite_expression('features'),
        'labels_not_finite', CASE WHEN l.target IS NULL THEN 'false'
            ELSE pgpredict.not_finite_expression('labels') END,
        'labelled_declarations', (pieces ->> 'batch_declarations')
            || ' released boolean[]; entry record; take integer; finished bigint[];'
               ' now_at float8[]; tame boolean; large boolean; wide float8[]; own text[]; reasons text[];',
        'model', 'NULL',
        'answered', pgpredict.fill(pgpredict.answered_batch_template(), pieces));
    pieces := pieces || jsonb_build_object(
        'labelled', pgpredict.fill(
            pgpredict.labelled_template(), pgpredict.batch_pieces(l, pieces)),
        'keep', pgpredict.fill(pgpredict.keep_state_template(), pieces));
    PERFORM pgpredict.define_stream_function(
        learner, '_quarantine', 'keys text[], reasons text[]', 'integer', by_key,
        pgpredict.fill(pgpredict.quarantine_template(), pieces));
    IF l.place = 'worker' THEN
        PERFORM pgpredict.build_outside(l, pieces, by_key);
    ELSIF l.updates = 'revise' THEN
        PERFORM pgpredict.build_revising(learner, pieces, by_key);
    ELSE
        PERFORM pgpredict.define_stream_function(
            learner, '_kernel', 'parameters float8[], features float8[], labels float8[]',
            'float8[]', 'IMMUTABLE', l.kernel);
        PERFORM pgpredict.define_stream_function(
            learner, '_apply', 'keys text[], features float8[], labels float8[], how text,'
            ' predicted float8[] DEFAULT NULL, likely float8[] DEFAULT NULL', 'integer',
            'SET plan_cache_mode = force_generic_plan',
            pgpredict.fill(pgpredict.apply_learner_template(), pieces));
        PERFORM pgpredict.define_stream_function(
            learner, '_learn', 'batch integer', 'bigint', by_key,
            pgpredict.fill(pgpredict.learn_template(), pieces));
    END IF;
    PERFORM pgpredict.define_stream_function(
        learner, '_capture', '', 'trigger', 'SECURITY DEFINER ' || settings,
        pgpredict.learner_capture(learner));
    -- Those that stand in the schema pgpredict are for nobody else.
    PERFORM pgpredict.hand_over(f) FROM pgpredict.functions_of_learner(learner) AS f;
    PERFORM pgpredict.hide_function(f)
    FROM pgpredict.functions_of_learner(learner) AS f
    JOIN pg_proc AS p ON p.oid = f
    WHERE p.pronamespace = 'pgpredict'::regnamespace;
END
$$;

-- Takes the right that PUBLIC has to every new function.
CREATE OR REPLACE FUNCTION pgpredict.hide_function(function regprocedure) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
END
$$;

-- Notes where the source of a learner is now, if it was renamed: its triggers are on it. Returns
-- whether it was.
CREATE OR REPLACE FUNCTION pgpredict.follow_learner_source(learner text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    now text := (
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pgpredict.captured_tables(learner) AS t
        JOIN pg_class AS c ON c.oid = t
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE NOT c.relispartition OR NOT EXISTS (
            SELECT FROM pg_partition_ancestors(t) AS a
            WHERE a.relid <> t AND a.relid IN (SELECT pgpredict.captured_tables(learner)))
        ORDER BY c.relkind = 'p' DESC
        LIMIT 1);
BEGIN
    -- A partition that was detached has its triggers, but is not what its source is called now.
    IF NOT EXISTS (
        SELECT FROM pgpredict.learner AS l
        WHERE l.name = follow_learner_source.learner
          AND pgpredict.is_elsewhere(l.name, l.source))
    THEN
        RETURN false;
    END IF;
    UPDATE pgpredict.learner AS l
    SET source = now
    WHERE l.name = follow_learner_source.learner AND l.source <> now;
    RETURN FOUND;
END
$$;

-- The same before a batch, which reads the source by its name: another table may have that now.
CREATE OR REPLACE FUNCTION pgpredict.find_learner_source(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF pgpredict.follow_learner_source(learner) THEN
        PERFORM pgpredict.build_learner(learner);
    END IF;
END
$$;
