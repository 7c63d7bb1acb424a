-- Unlearning: the numbers of a learner that never saw some rows.

-- Keys as the history writes them, whatever the caller's spelling: 017 is 17, and 1 is 1.00 where
-- the history has that. Raises where one is not of the key's type, or NULL, or lacks a column.
CREATE OR REPLACE FUNCTION pgpredict.key_texts(learner text, keys text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
    SET bytea_output = 'hex'
    SET intervalstyle = 'postgres'
    SET extra_float_digits = 1
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    typed CONSTANT text := CASE WHEN cardinality(l.key) = 1
        THEN pgpredict.each_learner_key(learner, 'g.given::%2$s AS key%4$s')
        ELSE pgpredict.each_learner_key(
            learner, '(g.given::jsonb ->> %1$L)::%2$s AS key%4$s') END;
    texts text[];
    has_null boolean;
BEGIN
    EXECUTE format(
        'SELECT array_agg(%s), bool_or(%s) FROM unnest($1) AS g (given),'
        ' LATERAL (SELECT %s) AS k', pgpredict.key_text(learner),
        pgpredict.each_learner_key(learner, 'k.key%4$s IS NULL', ' OR '), typed)
    INTO texts, has_null USING keys;
    IF has_null THEN
        RAISE null_value_not_allowed USING MESSAGE = 'one of them is NULL, or a part of it';
    END IF;
    IF pgpredict.has_spellings(l) THEN
        EXECUTE format(
            'WITH learnt AS ('
            '    SELECT g.given, k.* FROM ('
            '        SELECT DISTINCT key FROM pgpredict.learner_batch AS b, unnest(b.keys) AS key'
            '        WHERE b.learner = $2) AS g (given), LATERAL (SELECT %1$s) AS k)'
            ' SELECT array_agg(DISTINCT coalesce(h.given, g.given)) FROM unnest($1) AS g (given)'
            ' CROSS JOIN LATERAL (SELECT %1$s) AS k LEFT JOIN learnt AS h ON %2$s',
            typed, pgpredict.each_learner_key(learner, 'h.key%4$s = k.key%4$s', ' AND '))
        INTO texts USING texts, learner;
    END IF;
    RETURN coalesce(texts, '{}');
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'these are no keys of learner %', learner USING
        ERRCODE = 'PP011',
        DETAIL = SQLERRM,
        HINT = CASE WHEN cardinality(l.key) = 1
            THEN format('name values of %I', l.key[1])
            ELSE format('name each key as JSON: {%s}', (
                SELECT string_agg(format('%s: …', to_json(k.name)), ', ' ORDER BY k.place)
                FROM unnest(l.key) WITH ORDINALITY AS k (name, place))) END;
END
$$;

-- Whether equal keys of a learner may be written in several ways, as 1 and 1.00.
CREATE OR REPLACE FUNCTION pgpredict.has_spellings(learner pgpredict.learner) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT bool_or(k.type !~ '^(smallint|integer|bigint|text|character|uuid|date|boolean|timestamp)')
    FROM pgpredict.key_columns(to_regclass((learner).source), (learner).key) AS k
    $$;

-- Where to begin without some rows: the state before the first of them was learnt, and the way from
-- there to the current state. `first_state` is NULL where none of them was learnt. Raises where the
-- history does not tell that, or the state before is not kept.
CREATE OR REPLACE FUNCTION pgpredict.before_keys(
    learner text, wanted text[],
    OUT first_state bigint, OUT base bigint, OUT rows bigint, OUT ranges int8range[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    found text[];
BEGIN
    ranges := ARRAY(
        SELECT int8range(w.first_state, w.last_state, '[]')
        FROM pgpredict.learner_current AS c, pgpredict.lineage(learner, c.state) AS w
        WHERE c.learner = learner);
    SELECT min(b.state), array_agg(DISTINCT k.key) INTO first_state, found
    FROM unnest(ranges) AS r
    JOIN pgpredict.learner_batch AS b
        ON b.learner = learner AND b.state BETWEEN lower(r) AND upper(r) - 1
    CROSS JOIN unnest(b.keys) AS k (key)
    WHERE b.keys && wanted AND k.key = ANY (wanted);
    IF NOT wanted <@ coalesce(found, '{}') THEN
        PERFORM pgpredict.check_whole_history(learner, ranges);
    END IF;
    IF first_state IS NULL THEN
        RETURN;
    END IF;
    base := (SELECT f.came_from FROM pgpredict.learner_state AS f
             WHERE f.learner = learner AND f.state = first_state);
    rows := (pgpredict.check_state(learner, base)).rows;
END
$$;

-- What is left of a batch without some keys, and how many rows that are.
CREATE OR REPLACE FUNCTION pgpredict.without_keys(
    keys text[], features float8[], labels float8[], wanted text[],
    OUT rest text[], OUT features_left float8[], OUT labels_left float8[], OUT count integer)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    width CONSTANT integer := cardinality(features) / cardinality(keys);
    places integer[] := ARRAY(
        SELECT k.place FROM unnest(keys) WITH ORDINALITY AS k (key, place)
        WHERE k.key <> ALL (wanted) ORDER BY k.place);
BEGIN
    count := cardinality(places);
    rest := ARRAY(SELECT keys[p] FROM unnest(places) WITH ORDINALITY AS p (p, n) ORDER BY n);
    labels_left := ARRAY(
        SELECT labels[p] FROM unnest(places) WITH ORDINALITY AS p (p, n) ORDER BY n);
    features_left := ARRAY(
        SELECT features[(p - 1) * width + f]
        FROM unnest(places) WITH ORDINALITY AS p (p, n), generate_series(1, width) AS f
        ORDER BY n, f);
END
$$;

-- The batches from a state on, in order, without some keys; `taken` says how many rows that leaves
-- out of each.
CREATE OR REPLACE FUNCTION pgpredict.batches_without(
    learner text, ranges int8range[], first_state bigint, wanted text[])
    RETURNS TABLE (keys text[], features float8[], labels float8[], taken bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN h.has THEN k.rest ELSE b.keys END,
           CASE WHEN h.has THEN k.features_left ELSE b.features END,
           CASE WHEN h.has THEN k.labels_left ELSE b.labels END,
           CASE WHEN h.has THEN cardinality(b.keys) - k.count ELSE 0 END
    FROM unnest(ranges) AS r
    JOIN pgpredict.learner_batch AS b
        ON b.learner = batches_without.learner AND b.state BETWEEN lower(r) AND upper(r) - 1
    CROSS JOIN LATERAL (SELECT b.keys && wanted) AS h (has)
    LEFT JOIN LATERAL pgpredict.without_keys(b.keys, b.features, b.labels, wanted) AS k ON h.has
    WHERE b.state >= batches_without.first_state
    ORDER BY b.state
    $$;

-- Takes rows out of what a learner knows: goes back to the state before the first of them was
-- learnt, and learns all that came after again without them, in the same batches, here and now.
-- The numbers are those of a learner that never saw them. New states are added; those with the
-- rows stay in the history. Readers go on with the old state until the commit. `keys` are those of
-- the rows: {17,18}, or JSON objects where a key has several columns. Returns how many rows were
-- taken out.
CREATE OR REPLACE FUNCTION pgpredict.unlearn(learner text, keys text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    wanted CONSTANT text[] := pgpredict.key_texts(learner, keys);
    start record;
    batch record;
    taken bigint := 0;
BEGIN
    PERFORM pgpredict.check_learns_here(l, 'call db.unlearn, or pgpredict learner unlearn');
    IF l.updates = 'revise' THEN
        RETURN pgpredict.take_out(learner, keys);
    END IF;
    start := pgpredict.before_keys(l.name, wanted);
    IF start.first_state IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM pgpredict.add_state(
        l.name, start.base, 'unlearnt', start.rows, pgpredict.parameters_at(l.name, start.base));
    FOR batch IN
        SELECT b.*
        FROM pgpredict.batches_without(l.name, start.ranges, start.first_state, wanted) AS b
    LOOP
        taken := taken + batch.taken;
        IF cardinality(batch.keys) > 0 THEN
            EXECUTE format('SELECT pgpredict.%I($1, $2, $3, ''unlearnt'')', l.name || '_apply')
            USING batch.keys, batch.features, batch.labels;
        END IF;
    END LOOP;
    PERFORM pgpredict.note_unlearnt(l.name, taken, start.first_state);
    RETURN taken;
END
$$;

-- Writes the event of an unlearning.
CREATE OR REPLACE FUNCTION pgpredict.note_unlearnt(learner text, taken bigint, first_state bigint)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    SELECT pgpredict.record(learner, NULL, 'unlearn', jsonb_build_object(
        'rows', taken, 'since', first_state, 'state', c.state))
    FROM pgpredict.learner_current AS c
    WHERE c.learner = note_unlearnt.learner
    $$;

-- Raises where a learner has learnt more than its history still tells: then nobody can say that it
-- did not learn a row.
CREATE OR REPLACE FUNCTION pgpredict.check_whole_history(learner text, ranges int8range[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    told bigint;
    known bigint := (
        SELECT c.rows
        FROM pgpredict.learner_current AS c
        WHERE c.learner = check_whole_history.learner);
BEGIN
    SELECT coalesce(sum(cardinality(b.keys)), 0) INTO told
    FROM unnest(ranges) AS r
    JOIN pgpredict.learner_batch AS b
        ON b.learner = check_whole_history.learner AND b.state BETWEEN lower(r) AND upper(r) - 1;
    IF told < known THEN
        RAISE EXCEPTION 'the history of learner % does not tell which rows it learnt first', learner
        USING
            ERRCODE = 'PP011',
            DETAIL = format('it has learnt %s rows, the batches of %s are kept', known, told),
            HINT = 'roll back to a checkpoint, or keep more states next time:'
                   ' SELECT pgpredict.set_learner_retention(learner, states)';
    END IF;
END
$$;
