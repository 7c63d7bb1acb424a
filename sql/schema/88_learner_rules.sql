-- Rules of the gate: what people say a row must be like to be learnt.
--
-- A rule is a condition on the columns of a row. learn() is SECURITY DEFINER, so that it runs with
-- the rights of the owner of the schema: who may add a rule may do what the owner may.

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
            PERFORM pgpredict.try_gate(learner);
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

-- Learns no rows any more in which a column is NULL, be it a feature or not. Returns the name of the
-- rule: <column>_null.
CREATE OR REPLACE FUNCTION pgpredict.add_null_rule(learner text, column_name text) RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.put_rule(
        learner, column_name || '_null', 'null', ARRAY[column_name],
        format('%I IS NOT NULL', column_name), 'a value')
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
        CASE WHEN feature IS NULL THEN 'it names no column'
            ELSE replace(pgpredict.why_not(source::regclass, feature, 'double precision'),
                         'the model takes', 'the rule needs') END, problem);
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
        CASE WHEN a.values <> '{}'
            THEN format('%I::text = ANY (%L::text[])', column_name, a.values) END,
        format('one of %s', array_to_string(a.values[: 10], ', ')
                            || CASE WHEN cardinality(a.values) > 10 THEN ', …' ELSE '' END))
    FROM array_remove(allowed, NULL) AS a (values)
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
