-- The rows of a learner that revises, as they were learnt, and what people do with them.

-- Creates pgpredict.<learner>_rows where it is missing. A row that is not counted is in no sum: it is
-- in quarantine, or was unlearnt, and stays out until it changes.
CREATE OR REPLACE FUNCTION pgpredict.create_learner_rows(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET client_min_messages = warning
    AS $$
DECLARE
    rows_table text := format('pgpredict.%I', learner || '_rows');
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %s (%s, features float8[] NOT NULL, label float8,'
        ' counted boolean NOT NULL, PRIMARY KEY (%s)) WITH (fillfactor = 85)',
        rows_table,
        pgpredict.each_learner_key(learner, 'key%4$s %2$s %5$s NOT NULL'),
        pgpredict.each_learner_key(learner, 'key%4$s'));
    PERFORM pgpredict.hand_over_table(rows_table::regclass);
END
$$;

-- Raises unless the options of a new learner that have to do with sums fit each other.
CREATE OR REPLACE FUNCTION pgpredict.check_revising(
    wanted pgpredict.learner, backfill boolean, sums integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    revises CONSTANT boolean := wanted.updates = 'revise';
    problem text := CASE
        WHEN revises AND (wanted.solve IS NULL OR sums IS NULL OR sums < 1)
            THEN 'to revise what it knows it needs sums, and what solves them'
        WHEN NOT revises AND (wanted.solve IS NOT NULL OR sums IS NOT NULL)
            THEN 'what keeps sums revises what it knows'
        WHEN revises AND wanted.target IS NULL THEN 'what revises has a target'
        WHEN revises AND NOT backfill
            THEN 'it always knows all rows that are there, so that backfill cannot be false'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot be so: %', wanted.name, problem USING
            ERRCODE = 'PP011',
            HINT = 'docs/learners.md says what updates => ''revise'' means';
    END IF;
END
$$;

-- Begins the sums of a learner, of no rows.
CREATE OR REPLACE FUNCTION pgpredict.begin_sums(learner text, sums integer) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.create_learner_rows(learner);
    INSERT INTO pgpredict.learner_sums AS s (learner, rows, sums)
    VALUES (learner, 0, array_fill(0::numeric, ARRAY[begin_sums.sums]))
    ON CONFLICT ON CONSTRAINT learner_sums_pkey DO UPDATE
    SET rows = excluded.rows, sums = excluded.sums
    $$;

-- Learns all rows of the source anew where somebody dropped the table of those that are learnt.
-- Returns what it found.
CREATE OR REPLACE FUNCTION pgpredict.mend_learner_rows(learner text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF to_regclass(format('pgpredict.%I', learner || '_rows')) IS NULL THEN
        PERFORM pgpredict.begin_sums(
            learner, (SELECT cardinality(s.sums) FROM pgpredict.learner_sums AS s
                      WHERE s.learner = mend_learner_rows.learner));
        PERFORM pgpredict.enqueue_differences(learner);
        RETURN NEXT 'the rows that were learnt were gone: all are learnt again';
    END IF;
END
$$;

-- Raises unless a learner revises what it knows. Returns its row, locked.
CREATE OR REPLACE FUNCTION pgpredict.check_revises(learner text) RETURNS pgpredict.learner
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
BEGIN
    IF l.updates <> 'revise' THEN
        RAISE EXCEPTION 'learner % does not go after rows that it has learnt', learner USING
            ERRCODE = 'PP011',
            DETAIL = 'it was created with updates => ''ignore''',
            HINT = 'take rows out of it: SELECT pgpredict.unlearn(learner, keys)';
    END IF;
    RETURN l;
END
$$;

-- Compares what a learner knows with its source, and puts what differs in the queue: for rows that
-- were written while the triggers were off. Returns how many rows that are.
CREATE OR REPLACE FUNCTION pgpredict.reconcile_learner(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_revises(learner);
    found bigint := pgpredict.enqueue_differences(l.name);
BEGIN
    IF found > 0 THEN
        PERFORM pg_notify('pgpredict_work', l.name);
    END IF;
    PERFORM pgpredict.record(l.name, NULL, 'reconcile_learner', jsonb_build_object('rows', found));
    RETURN found;
END
$$;

-- Unlearning where there are sums: takes rows out of them, at once. They go to quarantine, and are
-- not learnt again until they change, or are released. Returns how many rows that are.
CREATE OR REPLACE FUNCTION pgpredict.take_out(learner text, keys text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
    SET bytea_output = 'hex'
    SET intervalstyle = 'postgres'
    SET extra_float_digits = 1
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_revises(learner);
    pieces CONSTANT jsonb := pgpredict.learner_pieces(learner)
        || pgpredict.revision_pieces(learner);
    before CONSTANT bigint := (
        SELECT c.state FROM pgpredict.learner_current AS c WHERE c.learner = l.name);
    taken text[];
    features float8[];
    labels float8[];
BEGIN
    EXECUTE pgpredict.fill(
        'WITH taken AS ('
        '     UPDATE pgpredict.{name_rows} AS h SET counted = false'
        '     FROM (SELECT g.key, min(g.place) AS place'
        '           FROM unnest($1) WITH ORDINALITY AS g (key, place) GROUP BY g.key) AS k'
        '     WHERE {h_is_text} AND h.counted'
        '     RETURNING k.key, k.place, h.features, h.label)'
        ' SELECT array_agg(t.key ORDER BY t.place), array_agg(t.features ORDER BY t.place),'
        '        array_agg(t.label ORDER BY t.place) FROM taken AS t',
        pieces)
    INTO taken, features, labels USING pgpredict.key_texts(learner, keys);
    IF taken IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT pgpredict.%I($1, array_fill(''unlearnt''::text, ARRAY[$2]))',
                   learner || '_quarantine')
    USING taken, cardinality(taken);
    EXECUTE format('SELECT pgpredict.%I(ARRAY(SELECT unnest($1)), $2, ''{}'', ''{}'', ''{}'','
                   ' ''{}'', ''{}'', ''{}'', ''unlearnt'')', learner || '_apply')
    USING features, labels;
    PERFORM pgpredict.record(l.name, NULL, 'unlearn', jsonb_build_object(
        'rows', cardinality(taken), 'since', before, 'state', before + 1));
    RETURN cardinality(taken);
END
$$;
