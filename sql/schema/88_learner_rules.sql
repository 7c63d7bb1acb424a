-- Rules of the gate: what people say a row must be like to be learnt.
--
-- A rule is a condition on the columns of a row. learn() is SECURITY DEFINER, so that it runs with
-- the rights of the owner of the schema: who may add a rule may do what the owner may.

-- A name in quotes, always: PL/pgSQL has words of its own that SQL does not reserve.
CREATE OR REPLACE FUNCTION pgpredict.in_quotes(name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN '"' || replace(name, '"', '""') || '"';

-- The columns of a table whose names stand in a condition, be it in a text or as a function's.
CREATE OR REPLACE FUNCTION pgpredict.columns_in(source regclass, condition text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM pg_attribute AS a
    WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
      AND (lower(a.attname::text) = ANY (regexp_split_to_array(
               lower(condition), '[]\s!"#%&''()*+,./:;<=>?@[\\^`{|}~-]+'))
           OR strpos(condition, pgpredict.in_quotes(a.attname::text)) > 0)
    $$;

-- One rule as a block of PL/pgSQL: the columns are variables, so that the condition is evaluated
-- without a query.
CREATE OR REPLACE FUNCTION pgpredict.rule_block(rule pgpredict.gate_rule) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        E'gate.rule := %L;\nDECLARE\n%s\nBEGIN\nIF NOT (%s\n) THEN\n'
        'gate.reasons := concat_ws(''; '', gate.reasons, concat(%s%L));\nEND IF;\nEND;\n',
        (rule).name,
        string_agg(
            format('%s CONSTANT %s%s := %s.r.%1$s;', pgpredict.in_quotes(a.attname::text),
                   format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attcollation <> t.typcollation
                       THEN format(' COLLATE %I.%I', n.nspname, c.collname) END,
                   pgpredict.in_quotes(l.name || '_gate')), E'\n' ORDER BY a.attnum)
            FILTER (WHERE a.attnum > 0),
        (rule).condition,
        string_agg(
            format('%L, coalesce(left(%s::text, 100), ''NULL''), ',
                   CASE WHEN a.place > 1 THEN ', ' ELSE '' END || a.attname || ' is ',
                   pgpredict.in_quotes(a.attname::text)), '' ORDER BY a.attnum)
            FILTER (WHERE a.attnum > 0),
        CASE WHEN count(a.attnum) > 0 THEN ': ' ELSE '' END
            || format('rule %s, %s', (rule).name, (rule).expects))
    FROM pgpredict.learner AS l
    LEFT JOIN (
        SELECT a.*, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
        FROM pg_attribute AS a
        WHERE a.attname = ANY ((rule).columns) AND NOT a.attisdropped
    ) AS a ON a.attrelid = to_regclass(l.source)
    LEFT JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
    LEFT JOIN pg_namespace AS n ON n.oid = c.collnamespace
    WHERE l.name = (rule).learner
    $$;

-- The body of pgpredict.<learner>_gate(row, released): what the estimator cannot learn, then the
-- rules.
CREATE OR REPLACE FUNCTION pgpredict.gate_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
<<gate>>
DECLARE
    reasons text := %s;
    rule text;
BEGIN
    IF released OR reasons IS NOT NULL THEN
        RETURN reasons;
    END IF;
    %s
    RETURN reasons;
EXCEPTION WHEN data_exception OR cardinality_violation OR raise_exception THEN
    RETURN concat_ws('; ', reasons, 'rule ' || rule || ' fails: ' || SQLERRM);
END
$body$;

-- Creates pgpredict.<learner>_gate(row, released). Without rules it is an expression that becomes
-- part of the statement that calls it. A row on which a rule fails is one that breaks it: it must
-- not keep the others from being learnt. What is wrong with the rule itself raises: then all wait.
CREATE OR REPLACE FUNCTION pgpredict.build_gate(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    blocks text := (
        SELECT string_agg(pgpredict.rule_block(g), '' ORDER BY g.created_at, g.name)
        FROM pgpredict.gate_rule AS g WHERE g.learner = build_gate.learner);
    gate regprocedure;
BEGIN
    IF blocks IS NULL THEN
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION pgpredict.%I(r %s, released boolean) RETURNS text'
            ' LANGUAGE sql STABLE RETURN %s',
            learner || '_gate', l.source, pgpredict.gate_expression(learner));
        gate := format('pgpredict.%I', learner || '_gate')::regproc::regprocedure;
        PERFORM pgpredict.hand_over(gate);
        PERFORM pgpredict.hide_function(gate);
    ELSE
        PERFORM pgpredict.define_stream_function(
            learner, '_gate', format('r %s, released boolean', l.source), 'text', 'STABLE',
            format(pgpredict.gate_template(), pgpredict.gate_expression(learner), blocks));
    END IF;
END
$$;

-- Raises unless a condition on the rows of a table can be asked. It stands alone first, so that
-- nothing can close the brackets around it; WHERE takes no aggregates.
CREATE OR REPLACE FUNCTION pgpredict.try_condition(source regclass, condition text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format(E'SELECT %s\n FROM (SELECT s.* FROM %s AS s) AS r LIMIT 0', condition, source);
    EXECUTE format(E'SELECT FROM (SELECT s.* FROM %s AS s) AS r WHERE NOT (%s\n) LIMIT 0',
                   source, condition);
END
$$;

-- Puts a rule in the gate. What cannot be raises, and changes nothing. Returns its name.
CREATE OR REPLACE FUNCTION pgpredict.put_rule(
    learner text, name text, kind text, columns text[], condition text, expects text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    problem text := CASE
        WHEN name IS NULL OR name !~ '\S' OR length(name) > 63
            THEN 'the name of a rule has 1 to 63 characters'
        WHEN condition IS NULL OR condition !~ '\S' THEN 'it has no condition'
        WHEN EXISTS (SELECT FROM pgpredict.gate_rule AS g
                     WHERE g.learner = put_rule.learner AND g.name = put_rule.name)
            THEN 'there is one already: drop it first'
    END;
BEGIN
    IF problem IS NULL THEN
        BEGIN
            PERFORM pgpredict.try_condition(l.source::regclass, condition);
            INSERT INTO pgpredict.gate_rule (learner, name, kind, columns, condition, expects)
            VALUES (learner, name, kind, coalesce(
                        columns, pgpredict.columns_in(l.source::regclass, condition)),
                    condition, expects);
            PERFORM pgpredict.build_gate(learner);
            EXECUTE format(
                'SELECT count(x.reason) FROM ('
                ' SELECT pgpredict.%I(s.*, false) AS reason FROM %s AS s LIMIT 10) AS x',
                learner || '_gate', l.source);
        EXCEPTION WHEN OTHERS THEN
            problem := SQLERRM;
        END;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot have the rule %: %',
                        learner, coalesce(name, 'NULL'), problem
        USING
            ERRCODE = 'PP011',
            DETAIL = format('condition: %s', coalesce(condition, 'NULL')),
            HINT = format('a rule is a boolean expression of the columns of %s; other functions,'
                          ' types and tables are written with their schema', l.source);
    END IF;
    PERFORM pgpredict.record(learner, NULL, 'add_rule', jsonb_build_object(
        'rule', name, 'kind', kind, 'condition', condition));
    RETURN name;
END
$$;

-- Learns no rows any more for which a condition is false; a row is learnt where it is true or NULL.
-- It is a boolean expression of the columns of the source, by their names, or as r.<column>.
CREATE OR REPLACE FUNCTION pgpredict.add_rule(learner text, name text, condition text) RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.put_rule(learner, name, 'condition', NULL, condition, condition)
    $$;

-- Raises unless a column holds numbers, and a rule about it makes sense.
CREATE OR REPLACE FUNCTION pgpredict.check_number_rule(
    learner text, feature text, problem text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    source text := (pgpredict.check_learner(learner)).source;
BEGIN
    problem := coalesce(
        replace(pgpredict.why_not(source::regclass, feature, 'double precision'),
                'the model takes', 'the rule needs'), problem);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot have this rule of %: %',
                        learner, coalesce(feature, 'NULL'), problem
        USING
            ERRCODE = 'PP011',
            HINT = format('name a column of %s that holds numbers, and numbers for it', source);
    END IF;
END
$$;

-- Learns no rows any more in which a number is below `low` or above `high`; NULL: no bound. Returns
-- the name of the rule: <feature>_range.
CREATE OR REPLACE FUNCTION pgpredict.add_range_rule(
    learner text, feature text, low float8, high float8) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pgpredict.check_number_rule(learner, feature, CASE
        WHEN low IS NULL AND high IS NULL THEN 'it has no bound'
        WHEN low = 'NaN' OR high = 'NaN' THEN 'a bound is NaN'
        WHEN low > high THEN format('%s is above %s', low, high) END);
    RETURN pgpredict.put_rule(
        learner, feature || '_range', 'range', ARRAY[feature],
        concat_ws(' AND ',
            format('%I >= ', feature) || quote_literal(low) || '::float8',
            format('%I <= ', feature) || quote_literal(high) || '::float8'),
        CASE WHEN low IS NULL THEN format('at most %s', high)
             WHEN high IS NULL THEN format('at least %s', low)
             ELSE format('range %s to %s', low, high) END);
END
$$;

-- Learns no rows any more in which a number is further than `at_most` robust deviations from the
-- median: |x - median| / (1.4826 * MAD). Both are those of the rows that the source holds now, and
-- stay so. Returns the name of the rule: <feature>_outlier.
CREATE OR REPLACE FUNCTION pgpredict.add_outlier_rule(
    learner text, feature text, at_most float8) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    source text := (pgpredict.lock_learner(learner)).source;
    middle float8;
    deviation float8;
BEGIN
    PERFORM pgpredict.check_number_rule(learner, feature, CASE
        WHEN at_most > 0 AND at_most < 'Infinity' THEN NULL
        ELSE format('%s is no number of deviations', coalesce(at_most::text, 'NULL')) END);
    EXECUTE format(
        'WITH x AS (SELECT x.x FROM (SELECT %s AS x FROM %s AS s) AS x'
        '     WHERE x.x > -1e300::float8 AND x.x < 1e300::float8),'
        ' m AS (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x.x) AS middle FROM x)'
        ' SELECT m.middle, (SELECT percentile_cont(0.5) WITHIN GROUP ('
        '     ORDER BY abs(x.x - m.middle)) FROM x) * 1.4826::float8 FROM m',
        pgpredict.passed(source::regclass, 's', feature, 'double precision'), source)
    INTO middle, deviation;
    PERFORM pgpredict.check_number_rule(learner, feature, CASE
        WHEN middle IS NULL THEN format('%s holds no numbers of it yet', source)
        WHEN deviation = 0 THEN format('half of %s or more have the same, %s', source, middle) END);
    RETURN pgpredict.put_rule(
        learner, feature || '_outlier', 'outlier', ARRAY[feature],
        format('abs(%I - %L::float8) <= %L::float8 * %L::float8',
               feature, middle, at_most, deviation),
        format('at most %s robust deviations of %s from the median %s',
               at_most, deviation, middle));
END
$$;

-- Learns no rows any more in which a column holds another value than these, compared as text; NULL
-- is learnt. Returns the name of the rule: <column>_category.
CREATE OR REPLACE FUNCTION pgpredict.add_category_rule(
    learner text, column_name text, allowed text[]) RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.put_rule(
        learner, column_name || '_category', 'category', ARRAY[column_name],
        format('%I::text = ANY (%L::text[])', column_name, nullif(allowed, '{}')),
        format('one of %s', array_to_string(allowed[: 10], ', ', 'NULL')
                            || CASE WHEN cardinality(allowed) > 10 THEN ', …' ELSE '' END))
    $$;

-- Takes a rule out of the gate. Rows in quarantine stay there: release_quarantine.
CREATE OR REPLACE FUNCTION pgpredict.drop_rule(learner text, name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pgpredict.lock_learner(learner);
    DELETE FROM pgpredict.gate_rule AS g
    WHERE g.learner = drop_rule.learner AND g.name = drop_rule.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'learner % has no rule %', learner, coalesce(name, 'NULL') USING
            ERRCODE = 'PP011',
            DETAIL = coalesce(
                (SELECT 'rules: ' || string_agg(g.name, ', ' ORDER BY g.name)
                 FROM pgpredict.gate_rule AS g WHERE g.learner = drop_rule.learner),
                'it has no rules'),
            HINT = 'SELECT * FROM pgpredict.rules';
    END IF;
    PERFORM pgpredict.build_gate(learner);
    PERFORM pgpredict.record(learner, NULL, 'drop_rule', jsonb_build_object('rule', name));
END
$$;

CREATE OR REPLACE VIEW pgpredict.rules AS
SELECT g.learner, g.name, g.kind, g.columns, g.condition, g.expects, g.created_at, g.created_by
FROM pgpredict.gate_rule AS g
ORDER BY g.learner, g.created_at, g.name;

COMMENT ON VIEW pgpredict.rules IS 'one row per rule: which rows a learner does not learn';
