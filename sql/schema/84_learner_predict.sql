-- How a learner answers: predict.<learner>(…) with the current state, predict.<learner>_at(state,
-- …) with any.
--
-- The functions read the parameters as the owner of the schema: whoever may predict need not read
-- the tables. They are of PL/pgSQL, which reads them once per call, and is parsed once per session.

-- The functions that answer: their names, and the expression for what they return, from `answer`,
-- which is written with $1 for the parameters and $2 … for the features.
CREATE OR REPLACE FUNCTION pgpredict.learner_answers(learner text)
    RETURNS TABLE (suffix text, result text, wrapped text, answer text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT a.suffix, a.result, a.wrapped, a.answer
    FROM pgpredict.learner AS l,
         LATERAL (VALUES
             ('', l.label_type,
              CASE WHEN cardinality(l.classes) > 0
                  THEN replace(format('(%L::%s[])', l.classes, l.label_type), '%', '%%')
                       || '[(%s)::integer + 1]'
                  ELSE format('(%%s)::%s', l.label_type) END,
              l.prediction),
             ('_proba', l.probability_type, '%s', l.probability)
         ) AS a (suffix, result, wrapped, answer)
    WHERE l.name = learner_answers.learner AND a.answer IS NOT NULL
    $$;

-- An expression as statements of PL/pgSQL that return it. A CASE whose branches begin lines that
-- are two spaces in becomes a statement per branch: then a call pays for those alone that it
-- meets, and most of an expression is for rows that are not usual. `wrapped` is what to return of
-- a branch, with %s for it.
CREATE OR REPLACE FUNCTION pgpredict.as_statements(expression text, wrapped text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN expression !~ '^CASE WHEN ' OR expression !~ ' END$' OR expression ~ '\n {0,2}ELSE '
            OR bool_or(b.branch !~ ' THEN[ \n]'
                       OR cardinality(regexp_split_to_array(b.branch, '\mCASE\M'))
                          <> cardinality(regexp_split_to_array(b.branch, '\mEND\M')))
        THEN format('RETURN %s;', format(wrapped, expression))
        ELSE string_agg(
                 format('IF %s THEN RETURN %s; END IF;',
                        left(b.branch, greatest(b.place - 1, 0)),
                        format(wrapped, substr(b.branch, b.place + 6))),
                 E'\n' ORDER BY b.number) || E'\nRETURN NULL;'
    END
    FROM (
        SELECT t.branch, t.number, strpos(translate(t.branch, E'\n', ' '), ' THEN ') AS place
        FROM regexp_split_to_table(
                 regexp_replace(regexp_replace(expression, '^CASE WHEN ', ''), ' END$', ''),
                 E'\n  WHEN ') WITH ORDINALITY AS t (branch, number)
    ) AS b
    $$;

-- The columns of a row of the source as arguments; NULL: a column is gone.
CREATE OR REPLACE FUNCTION pgpredict.passed_features(learner text, alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(pgpredict.passed(to_regclass(l.source), alias, f.name, 'double precision'),
                      ', ' ORDER BY f.place)
    FROM pgpredict.learner AS l, unnest(l.features) WITH ORDINALITY AS f (name, place)
    WHERE l.name = passed_features.learner
    $$;

-- Puts texts for the numbered arguments of an expression: the first for $1, and so on.
CREATE OR REPLACE FUNCTION pgpredict.substituted(expression text, arguments text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(t.part || coalesce(arguments[n.found[1]::integer], ''), '' ORDER BY t.place)
    FROM regexp_split_to_table(expression, '\$\d+') WITH ORDINALITY AS t (part, place)
    LEFT JOIN regexp_matches(expression, '\$(\d+)', 'g') WITH ORDINALITY AS n (found, place)
        ON n.place = t.place
    $$;

-- pgpredict.<learner>_gate(row, released): what is said against learning a row whose features are
-- finite; NULL: nothing. `r` is the row; `released` says whether somebody released it from the
-- quarantine. This is what its estimator cannot learn; build_gate puts the rules behind it.
CREATE OR REPLACE FUNCTION pgpredict.gate_expression(learner text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN l.accepts IS NULL THEN 'NULL::text'
        ELSE format('CASE WHEN NOT (%s) THEN %L::text END',
                    pgpredict.substituted(l.accepts, ARRAY[NULL] || f.passed),
                    coalesce(l.expects, 'its estimator does not learn such rows')) END
    FROM pgpredict.learner AS l,
         LATERAL (
             SELECT array_agg('(' || pgpredict.passed(
                        to_regclass(l.source), 'r', f.name, 'double precision') || ')'
                        ORDER BY f.place)
             FROM unnest(l.features) WITH ORDINALITY AS f (name, place)
         ) AS f (passed)
    WHERE l.name = gate_expression.learner
    $$;

-- Creates a function in the schema predict, or replaces it.
CREATE OR REPLACE FUNCTION pgpredict.define_answer(
    name text, arguments text, result text, body text, comment text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION predict.%I(%s) RETURNS %s %s',
                   name, arguments, result, body);
    EXECUTE format('COMMENT ON FUNCTION predict.%I(%s) IS %L', name, arguments, comment);
END
$$;

-- Creates predict.<learner>_state() and predict.<learner>_parameters().
CREATE OR REPLACE FUNCTION pgpredict.define_parameters(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    reads CONSTANT text :=
        'LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER'
        ' SET search_path = pg_catalog, pg_temp AS %L';
BEGIN
    PERFORM pgpredict.define_answer(
        learner || '_state', '', 'bigint',
        format(reads, format(
            'BEGIN RETURN (SELECT c.state FROM pgpredict.learner_current AS c'
            ' WHERE c.learner = %L); END', learner)),
        format('learner %s: the number of the state that predicts now', learner));
    IF (pgpredict.check_learner(learner)).prediction IS NULL THEN
        RETURN;
    END IF;
    PERFORM pgpredict.define_answer(
        learner || '_parameters', '', 'double precision[]',
        format(reads, format(
            'BEGIN RETURN (SELECT c.parameters FROM pgpredict.learner_current AS c'
            ' WHERE c.learner = %L); END', learner)),
        format('learner %s: the parameters that predict now', learner));
    PERFORM pgpredict.define_answer(
        learner || '_parameters', 'state bigint', 'double precision[]',
        format(reads, format(
            'BEGIN RETURN pgpredict.parameters_at(%L, state); END', learner)),
        format('learner %s: the parameters of a state', learner));
END
$$;

-- Creates the functions of a learner that predict.
CREATE OR REPLACE FUNCTION pgpredict.define_answers(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    arguments text := (
        SELECT string_agg(format('%I double precision', f.name), ', ' ORDER BY f.place)
        FROM unnest(l.features) WITH ORDINALITY AS f (name, place));
    numbers text[] := ARRAY(
        SELECT '$' || f FROM generate_series(1, cardinality(l.features)) AS f ORDER BY f);
    after_state text[] := numbers[2 :] || format('$%s', cardinality(l.features) + 1);
    state_name CONSTANT text :=
        CASE WHEN 'state' = ANY (l.features) THEN 'at_state' ELSE 'state' END;
    row_name CONSTANT text := CASE WHEN 'c' = ANY (l.features) THEN 'source_row' ELSE 'c' END;
    of_row text := pgpredict.passed_features(learner, row_name);
    -- What answers for a learner in the worker stands in the schema pgpredict.
    as_owner CONSTANT text := CASE l.place WHEN 'worker'
        THEN 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp' ELSE '' END;
    is_number boolean;
    one record;
BEGIN
    FOR one IN SELECT a.* FROM pgpredict.learner_answers(learner) AS a LOOP
        is_number := one.suffix = '' AND l.label_type <> 'double precision[]';
        PERFORM pgpredict.define_answer(
            learner || one.suffix, arguments, one.result,
            format('LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER'
                   ' SET search_path = pg_catalog, pg_temp AS %L', format(
                E'DECLARE p CONSTANT float8[] := (SELECT c.parameters'
                ' FROM pgpredict.learner_current AS c WHERE c.learner = %L);\nBEGIN\n%s\nEND',
                learner, pgpredict.substituted(
                    pgpredict.as_statements(one.answer, one.wrapped), ARRAY['p'] || numbers))),
            format('learner %s, its current state: %s', learner, l.estimator));
        PERFORM pgpredict.define_answer(
            learner || one.suffix || '_at', format('%I bigint, %s', state_name, arguments),
            one.result,
            format('LANGUAGE plpgsql STABLE PARALLEL SAFE %s AS %L', as_owner, format(
                E'DECLARE p CONSTANT float8[] := predict.%I($1);\nBEGIN\n%s\nEND',
                learner || '_parameters', pgpredict.substituted(
                    pgpredict.as_statements(one.answer, one.wrapped), ARRAY['p'] || after_state))),
            format('learner %s, any of its states: %s', learner, l.estimator));
        PERFORM pgpredict.define_answer(
            learner || one.suffix, format('%I %s', row_name, l.source), one.result,
            format('LANGUAGE sql STABLE PARALLEL SAFE RETURN predict.%I(%s)',
                   learner || one.suffix, of_row),
            format('learner %s, its current state: %s', learner, l.estimator));
        PERFORM pgpredict.define_answer(
            learner || one.suffix || '_at',
            format('%I bigint, %I %s', state_name, row_name, l.source), one.result,
            format('LANGUAGE sql STABLE PARALLEL SAFE RETURN predict.%I($1, %s)',
                   learner || one.suffix || '_at', of_row),
            format('learner %s, any of its states: %s', learner, l.estimator));
        -- What is asked of many rows with parameters that are read already: _answer gives the place
        -- of the class for the metrics, _label the class for whole tables.
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION pgpredict.%I(parameters float8[], %s) RETURNS %s'
            ' LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %s',
            learner || '_answer' || one.suffix, arguments,
            CASE WHEN is_number THEN 'float8' ELSE one.result END,
            CASE WHEN is_number THEN format('(%s)::float8', one.answer) ELSE one.answer END);
        IF one.suffix = '' THEN
            EXECUTE format(
                'CREATE OR REPLACE FUNCTION pgpredict.%I(parameters float8[], %s) RETURNS %s'
                ' LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %s',
                learner || '_label', arguments, one.result, format(one.wrapped, one.answer));
        END IF;
    END LOOP;
END
$$;
