-- Unlearning: the numbers of a learner that never saw some rows.

-- Keys as the history writes them, whatever the caller's spelling: 017 is 17. Raises where one is
-- not of the key's type.
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
    texts text[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(%s) FROM unnest($1) AS g (given),'
        ' LATERAL (SELECT %s) AS k', pgpredict.key_text(learner),
        CASE WHEN cardinality(l.key) = 1
            THEN pgpredict.each_learner_key(learner, 'g.given::%2$s AS key%4$s')
            ELSE pgpredict.each_learner_key(
                learner, '(g.given::jsonb ->> %1$L)::%2$s AS key%4$s') END)
    INTO texts USING keys;
    RETURN coalesce(texts, '{}');
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'these are no keys of learner %', learner USING
        ERRCODE = 'PP011',
        DETAIL = SQLERRM,
        HINT = CASE WHEN cardinality(l.key) = 1
            THEN format('name values of %I', l.key[1])
            ELSE format('name each key as JSON: {%s}', (
                SELECT string_agg(format('"%s": …', k.name), ', ' ORDER BY k.place)
                FROM unnest(l.key) WITH ORDINALITY AS k (name, place))) END;
END
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
    now_at CONSTANT bigint := (
        SELECT c.state FROM pgpredict.learner_current AS c WHERE c.learner = l.name);
    ranges CONSTANT int8range[] := ARRAY(
        SELECT int8range(w.first_state, w.last_state, '[]')
        FROM pgpredict.lineage(l.name, now_at) AS w);
    first_state bigint;
    base pgpredict.learner_state;
    batch record;
    taken bigint := 0;
BEGIN
    IF l.updates = 'revise' THEN
        RETURN pgpredict.take_out(learner, keys);
    END IF;
    first_state := (
        SELECT min(b.state)
        FROM unnest(ranges) AS r
        JOIN pgpredict.learner_batch AS b
            ON b.learner = l.name AND b.state BETWEEN lower(r) AND upper(r) - 1
        WHERE b.keys && wanted);
    IF first_state IS NULL THEN
        PERFORM pgpredict.check_whole_history(l.name, ranges);
        RETURN 0;
    END IF;
    SELECT s.* INTO base
    FROM pgpredict.learner_state AS f
    JOIN pgpredict.learner_state AS s ON s.learner = f.learner AND s.state = f.came_from
    WHERE f.learner = l.name AND f.state = first_state;
    IF base.state IS NULL THEN
        PERFORM pgpredict.check_state(l.name, (
            SELECT f.came_from FROM pgpredict.learner_state AS f
            WHERE f.learner = l.name AND f.state = first_state));
    END IF;
    PERFORM pgpredict.add_state(
        l.name, base.state, 'unlearnt', base.rows, pgpredict.parameters_at(l.name, base.state));
    FOR batch IN
        SELECT b.keys, b.features, b.labels
        FROM unnest(ranges) AS r
        JOIN pgpredict.learner_batch AS b
            ON b.learner = l.name AND b.state BETWEEN lower(r) AND upper(r) - 1
        WHERE b.state >= first_state
        ORDER BY b.state
    LOOP
        IF batch.keys && wanted THEN
            SELECT k.rest, k.features_left, k.labels_left, taken + cardinality(batch.keys) - k.count
            INTO batch.keys, batch.features, batch.labels, taken
            FROM pgpredict.without_keys(
                batch.keys, batch.features, batch.labels, wanted) AS k;
        END IF;
        IF cardinality(batch.keys) > 0 THEN
            EXECUTE format('SELECT pgpredict.%I($1, $2, $3, ''unlearnt'')', l.name || '_apply')
            USING batch.keys, batch.features, batch.labels;
        END IF;
    END LOOP;
    PERFORM pgpredict.record(l.name, NULL, 'unlearn', jsonb_build_object(
        'rows', taken, 'since', first_state, 'state', (
            SELECT c.state FROM pgpredict.learner_current AS c WHERE c.learner = l.name)));
    RETURN taken;
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
