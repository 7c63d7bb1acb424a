-- Rules that count: how many rows come of one key, and whose labels are not what is predicted.
--
-- What they count is written in the transaction that learns, so that a row is counted once.

-- Raises unless a column can be counted by. `problem` is what else is wrong with the rule.
CREATE OR REPLACE FUNCTION pgpredict.check_counting_rule(
    learner text, by text, problem text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    source text := (pgpredict.check_learner(learner)).source;
BEGIN
    problem := coalesce(
        CASE WHEN NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = source::regclass AND a.attname = by AND a.attnum > 0
              AND NOT a.attisdropped)
        THEN format('%s has no such column', source) END, problem);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot have this rule by %: %',
                        learner, coalesce(by, 'NULL'), problem
        USING
            ERRCODE = 'PP011',
            HINT = format('name a column of %s that says whom a row is from', source);
    END IF;
END
$$;

-- Counts a row of a value in its window of time. Returns whether the rule lets it pass; NULL where
-- it cannot be counted.
CREATE OR REPLACE FUNCTION pgpredict.count_row(
    learner text, rule text, value text, at timestamptz, at_most bigint, within interval)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    starts CONSTANT timestamptz := date_bin(within, at, '2000-01-01 00:00+00');
    passes boolean;
BEGIN
    IF value IS NOT NULL AND starts IS NOT NULL THEN
        INSERT INTO pgpredict.gate_rate AS g (learner, rule, value, starts, ends, rows)
        VALUES (learner, rule, value, starts, starts + within, 1)
        ON CONFLICT ON CONSTRAINT gate_rate_pkey DO UPDATE SET rows = g.rows + 1
        RETURNING g.rows <= at_most INTO passes;
    END IF;
    RETURN passes;
END
$$;

-- Learns at most so many rows with the same value of a column in each window of time: each hour,
-- where `within` is one hour. `at` is the column that says when a row was; NULL: it is when it is
-- learnt. Windows are counted from midnight UTC of a Saturday, 2000-01-01. Returns the name of the
-- rule: <by>_rate.
CREATE OR REPLACE FUNCTION pgpredict.add_rate_rule(
    learner text, by text, at_most bigint, within interval, at text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    type_of_at regtype := (
        SELECT a.atttypid FROM pg_attribute AS a
        WHERE a.attrelid = l.source::regclass AND a.attname = at AND NOT a.attisdropped);
BEGIN
    PERFORM pgpredict.check_counting_rule(learner, by, CASE
        WHEN coalesce(at_most, 0) < 1
            THEN format('%s is no number of rows', coalesce(at_most::text, 'NULL'))
        WHEN within IS NULL OR within <= '0' THEN 'there is no time within which to count'
        WHEN date_trunc('month', within) <> '0' THEN 'months are not equally long: name days'
        WHEN at IS NOT NULL AND type_of_at IS NULL THEN format('there is no column %I', at)
        WHEN type_of_at NOT IN ('timestamptz', 'timestamp', 'date')
            THEN format('%I is %s, not a time', at, type_of_at) END);
    RETURN pgpredict.put_rule(
        learner, by || '_rate', 'rate', array_remove(ARRAY[by, at], NULL),
        format('pgpredict.count_row(%L, %L, %I::text, %s, %L::bigint, %L::interval)',
               learner, by || '_rate', by,
               CASE
                   WHEN at IS NULL THEN 'clock_timestamp()'
                   WHEN type_of_at = 'timestamptz'::regtype THEN quote_ident(at)
                   ELSE format('%I::timestamp AT TIME ZONE ''UTC''', at) END,
               at_most, within),
        format('at most %s rows of one %s within %s', at_most, by, within));
END
$$;

-- Counts whether the label of a row is what was predicted. Returns whether the rule lets it pass;
-- NULL where there is nothing to count.
--
-- Each source has Page's CUSUM (Biometrika 41, 1954): the sum of the logarithms of how much likelier
-- each of its rows is where the odds of being wrong are at_most^2 times the usual ones than where
-- they are at_most times, begun anew at 0 whenever it falls below. At ln 1e6 the source is held:
-- after a million rows on average, at least, of one that is as bad as it may be (Lorden, Annals of
-- Mathematical Statistics 42, 1971). At 0 it is free again.
CREATE OR REPLACE FUNCTION pgpredict.count_label(
    learner text, rule text, value text, label text, predicted text,
    at_most float8, memory integer, after bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    enough CONSTANT float8 := ln(1e6::float8);
    weight CONSTANT float8 := 1 - 1 / memory::float8;
    wrong CONSTANT integer := (label <> predicted)::integer;
    odds float8;
    gain float8;
    is_held boolean;
BEGIN
    IF value IS NULL OR wrong IS NULL OR NOT EXISTS (
        SELECT FROM pgpredict.learner_current AS c
        WHERE c.learner = count_label.learner AND c.rows >= after)
    THEN
        RETURN NULL;
    END IF;
    odds := at_most * coalesce(
        (SELECT (g.against + 1) / (g.rows - g.against + 1)
         FROM pgpredict.gate_source AS g
         WHERE g.learner = count_label.learner AND g.rule = count_label.rule
           AND g.everybody AND g.value = ''), 1);
    gain := ln((1 + odds) / (1 + at_most * odds)) + wrong * ln(at_most);
    INSERT INTO pgpredict.gate_source AS g (
        learner, rule, everybody, value, rows, against, suspicion, held, at)
    VALUES (learner, rule, true, '', 1, wrong, 0, false, clock_timestamp())
    ON CONFLICT ON CONSTRAINT gate_source_pkey DO UPDATE
    SET rows = g.rows * weight + 1,
        against = greatest(g.against, 1e-100) * weight + wrong,  -- far from an underflow
        at = clock_timestamp();
    INSERT INTO pgpredict.gate_source AS g (
        learner, rule, everybody, value, rows, against, suspicion, held, at)
    VALUES (learner, rule, false, value, 1, wrong, greatest(gain, 0), false, clock_timestamp())
    ON CONFLICT ON CONSTRAINT gate_source_pkey DO UPDATE
    SET rows = g.rows + 1,
        against = g.against + wrong,
        suspicion = least(greatest(g.suspicion + gain, 0), enough),
        held = CASE WHEN g.held THEN g.suspicion + gain > 0
            ELSE g.suspicion + gain >= enough END,
        at = clock_timestamp()
    RETURNING g.held INTO is_held;
    RETURN NOT is_held;
END
$$;

-- Learns no rows any more of a source, told by a column, whose labels are not what is predicted far
-- more often than everybody's: with more than `at_most` times the odds, by more than chance. What is
-- usual is counted over the last `memory` rows of all sources, or so. Nothing is counted before the
-- learner has learnt `after` rows. Rows that are held are counted too: once its labels agree again,
-- or everybody's disagree, the source is learnt from. Returns the name of the rule: <by>_flip.
CREATE OR REPLACE FUNCTION pgpredict.add_flip_rule(
    learner text, by text, at_most float8 DEFAULT 3, memory integer DEFAULT 500,
    after bigint DEFAULT 1000) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    PERFORM pgpredict.check_counting_rule(learner, by, CASE
        WHEN l.classes = '{}' THEN 'it is no classifier'
        WHEN NOT coalesce(at_most > 1 AND at_most <= 1000, false)
            THEN format('%s times the odds: it is above 1, and 1000 at most',
                        coalesce(at_most::text, 'NULL'))
        WHEN NOT coalesce(memory BETWEEN 20 AND 1000000, false)
            THEN format('a memory of %s rows: it is 20 to 1000000', coalesce(memory::text, 'NULL'))
        WHEN coalesce(after, -1) < 0
            THEN format('%s is no number of rows', coalesce(after::text, 'NULL')) END);
    RETURN pgpredict.put_rule(
        learner, by || '_flip', 'flip', ARRAY[by, l.target] || l.features,
        format('pgpredict.count_label(%L, %L, %I::text, %I::%s::text, predict.%I(%s)::text,'
               ' %L::float8, %L::integer, %L::bigint)',
               learner, by || '_flip', by, l.target, l.label_type, learner,
               (SELECT string_agg(format('%I::float8', f.name), ', ' ORDER BY f.place)
                FROM unnest(l.features) WITH ORDINALITY AS f (name, place)),
               at_most, memory, after),
        format('labels of one %s are not what is predicted with at most %s times the usual odds',
               by, at_most));
END
$$;

-- Forgets windows of rules about rates that are long past, by the clock of the rows. Returns how
-- many.
CREATE OR REPLACE FUNCTION pgpredict.forget_rates(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    forgotten bigint;
BEGIN
    DELETE FROM pgpredict.gate_rate AS g
    USING (SELECT r.rule, max(r.starts) AS last FROM pgpredict.gate_rate AS r
           WHERE r.learner = forget_rates.learner GROUP BY r.rule) AS n
    WHERE g.learner = forget_rates.learner AND g.rule = n.rule
      AND g.starts < n.last - 10 * (g.ends - g.starts);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
