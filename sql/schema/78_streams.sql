-- What people do with streams: create, pause, resume, drop.

-- Predictions for the rows of a table, kept up to date while the table changes.
--
-- In the mode `queue` a writer leaves the keys of the rows, and a worker (pgpredict.work) predicts;
-- in the mode `transaction` the prediction commits with the row. `key` tells the rows apart; NULL
-- is the primary key. With `backfill` the rows that are there already come next. The log keeps
-- predictions as long as `retention` says: NULL is for ever, 0 writes none. A row that cannot be
-- predicted is tried `attempts` times. Without `notify` writers wake nobody, and the worker polls:
-- for those who PREPARE TRANSACTION, which does not go with NOTIFY. The `level` is row where
-- logical replication fills the table.
--
-- Returns the table of the latest predictions.
CREATE OR REPLACE FUNCTION pgpredict.create_stream(
    name text,
    model text,
    source regclass,
    key name[] DEFAULT NULL,
    mode text DEFAULT 'queue',
    backfill boolean DEFAULT false,
    retention interval DEFAULT '30 days',
    attempts integer DEFAULT 5,
    notify boolean DEFAULT true,
    level text DEFAULT 'statement',
    publish boolean DEFAULT false) RETURNS regclass
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    cannot CONSTANT text := format('cannot create stream %s', name);
    live integer;
    chosen_key text[];
BEGIN
    PERFORM pgpredict.lock_model(model);
    PERFORM pgpredict.check_new_stream(name);
    PERFORM pgpredict.check_stream_options(mode, level, retention, attempts);
    live := pgpredict.usable_version(model, NULL);
    PERFORM pgpredict.check_stream_source(source);
    chosen_key := pgpredict.check_key(source, key::text[]);
    PERFORM pgpredict.check_stream_version(source, model, live, cannot);
    PERFORM pgpredict.check_readable(source);
    PERFORM pgpredict.check_may_capture(source, level);
    INSERT INTO pgpredict.stream (
        name, model, source, key, mode, level, notify, retention, attempts)
    SELECT create_stream.name, create_stream.model, format('%I.%I', n.nspname, c.relname),
           chosen_key, create_stream.mode, create_stream.level,
           coalesce(create_stream.notify, true), create_stream.retention, create_stream.attempts
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = create_stream.source;
    PERFORM pgpredict.create_stream_tables(name);
    PERFORM pgpredict.build_stream(name);
    PERFORM pgpredict.put_stream_triggers(name);
    PERFORM pgpredict.note_tables(name);
    PERFORM pgpredict.keep_log(name);
    IF backfill THEN
        PERFORM pgpredict.backfill_stream(name);
    END IF;
    IF publish THEN
        PERFORM pgpredict.publish_stream(name);
    END IF;
    PERFORM pgpredict.record(model, live, 'create_stream', jsonb_build_object(
        'stream', name, 'source', source::text, 'key', chosen_key, 'mode', mode));
    RETURN format('predict.%I', name || '_live')::regclass;
END
$$;

-- Raises where an option of a stream has no meaning.
CREATE OR REPLACE FUNCTION pgpredict.check_stream_options(
    mode text, level text, retention interval, attempts integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problem text := CASE
        WHEN mode IS NULL OR mode NOT IN ('queue', 'transaction')
            THEN format('mode is %s: it is queue or transaction',
                        coalesce(quote_literal(mode), 'NULL'))
        WHEN level IS NULL OR level NOT IN ('statement', 'row')
            THEN format('level is %s: it is statement or row',
                        coalesce(quote_literal(level), 'NULL'))
        WHEN retention NOT BETWEEN '0' AND '1000 years'
            THEN format('retention is %s: it is 0 to 1000 years, or NULL for ever', retention)
        WHEN attempts IS NULL OR attempts < 1
            THEN format('attempts is %s: it is at least 1', coalesce(attempts::text, 'NULL'))
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING
            ERRCODE = 'PP007',
            HINT = 'see docs/streams.md for what each option means';
    END IF;
END
$$;

-- Removes a stream with its predictions, its log, and what waits in its queue. Its events stay.
-- Returns how many rows waited, for their first attempt or for another.
CREATE OR REPLACE FUNCTION pgpredict.drop_stream(stream text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
    queue CONSTANT regclass := to_regclass(format('pgpredict.%I', stream || '_queue'));
    waited bigint;
BEGIN
    PERFORM pgpredict.drop_stream_triggers(stream);
    SELECT (SELECT coalesce(sum(q.rows), 0) FROM pgpredict.queue AS q WHERE q.tableoid = queue)
           + (SELECT count(f.not_before) FROM pgpredict.failure AS f WHERE f.stream = s.name)
    INTO waited;
    PERFORM pgpredict.unpublish_stream(stream);
    PERFORM pgpredict.drop_stream_relations(stream);
    EXECUTE (
        SELECT format('DROP FUNCTION %s', string_agg(p.oid::regprocedure::text, ', '))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pgpredict'::regnamespace
          AND p.proname IN (SELECT drop_stream.stream || f FROM pgpredict.stream_functions() AS f)
        HAVING count(*) > 0);
    DELETE FROM pgpredict.stream AS d WHERE d.name = stream;
    PERFORM pgpredict.record(s.model, NULL, 'drop_stream', jsonb_build_object(
        'stream', stream, 'waited', waited));
    RETURN waited;
END
$$;

-- The tables of a stream go; a view that somebody built on one of them is in the way.
CREATE OR REPLACE FUNCTION pgpredict.drop_stream_relations(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET client_min_messages = warning
    AS $$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS predict.%I', stream || '_shadows');
    EXECUTE format('DROP TABLE IF EXISTS predict.%I, predict.%I, pgpredict.%I',
                   stream || '_live', stream || '_log', stream || '_queue');
    EXECUTE format('DROP SEQUENCE IF EXISTS pgpredict.%I', stream || '_wake');
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE EXCEPTION 'cannot drop stream %: something still uses its tables', stream USING
        ERRCODE = 'PP003',
        DETAIL = (
            SELECT 'in use by: ' || string_agg(DISTINCT
                       pg_describe_object('pg_class'::regclass, r.ev_class, 0), ', ')
            FROM pg_depend AS d
            JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
            WHERE d.refclassid = 'pg_class'::regclass AND r.ev_class <> d.refobjid
              AND d.refobjid IN (to_regclass(format('predict.%I', stream || '_live')),
                                 to_regclass(format('predict.%I', stream || '_log')))
              AND r.ev_class IS DISTINCT FROM
                  to_regclass(format('predict.%I', stream || '_shadows'))),
        HINT = 'drop these first';
END
$$;

-- The row of a stream, with the lock of its model held until the transaction ends.
CREATE OR REPLACE FUNCTION pgpredict.lock_stream(stream text) RETURNS pgpredict.stream
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
BEGIN
    PERFORM pgpredict.lock_model(s.model);
    PERFORM pgpredict.follow_stream_source(stream);
    RETURN pgpredict.check_stream(stream);
END
$$;

-- Lets rows wait: writers go on and leave the keys of what they write, nobody predicts. Returns
-- whether the stream ran before.
CREATE OR REPLACE FUNCTION pgpredict.pause_stream(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
BEGIN
    IF s.paused_at IS NULL THEN
        UPDATE pgpredict.stream AS p SET paused_at = clock_timestamp() WHERE p.name = stream;
        PERFORM pgpredict.build_stream(stream);
        PERFORM pgpredict.record(
            s.model, NULL, 'pause_stream', jsonb_build_object('stream', stream));
    END IF;
    RETURN s.paused_at IS NULL;
END
$$;

-- Goes on. What waited is next for the worker; in the mode `transaction` it is predicted here, and
-- so is what those leave who are writing meanwhile, whose triggers do not know of it: they are
-- waited for, up to five seconds. Returns whether the stream was paused.
CREATE OR REPLACE FUNCTION pgpredict.resume_stream(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
BEGIN
    IF s.paused_at IS NOT NULL THEN
        UPDATE pgpredict.stream AS p SET paused_at = NULL WHERE p.name = stream;
        PERFORM pgpredict.build_stream(stream);
        PERFORM pgpredict.record(
            s.model, NULL, 'resume_stream', jsonb_build_object('stream', stream));
        PERFORM pgpredict.begin_work(stream);
        IF s.mode = 'transaction' THEN
            BEGIN
                PERFORM pgpredict.put_stream_triggers(stream);
                PERFORM pgpredict.begin_work(stream);
            EXCEPTION WHEN lock_not_available OR insufficient_privilege THEN
                RAISE WARNING 'stream %: rows of transactions that are writing to % now wait for a'
                              ' worker: %', stream, s.source, SQLERRM
                USING HINT = format('when they have ended: SELECT pgpredict.work(%L)', stream);
            END;
        END IF;
    END IF;
    RETURN s.paused_at IS NOT NULL;
END
$$;

-- Something waits that no writer tells of: wakes the worker, or works here in the mode
-- `transaction`, where there need not be one.
CREATE OR REPLACE FUNCTION pgpredict.begin_work(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pg_notify('pgpredict_work', stream);
    IF (pgpredict.check_stream(stream)).mode = 'transaction' THEN
        WHILE pgpredict.work(stream, 1000) > 0 LOOP
            NULL;
        END LOOP;
    END IF;
END
$$;

-- Tries the dead letters of a stream again. Those that do not name the row any more, since a column
-- of the key is gone, stay. Returns how many are tried.
CREATE OR REPLACE FUNCTION pgpredict.retry_dead(stream text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
    tried bigint;
BEGIN
    UPDATE pgpredict.failure AS f
    SET attempts = 0, not_before = clock_timestamp()
    WHERE f.stream = s.name AND f.not_before IS NULL AND f.key ?& s.key;
    GET DIAGNOSTICS tried = ROW_COUNT;
    IF tried > 0 THEN
        PERFORM pgpredict.begin_work(stream);
    END IF;
    RETURN tried;
END
$$;

-- Predicts every row of the source again, in the order of the key, whenever nothing else waits; then
-- forgets the predictions of rows that are not there any more. Writers are not kept waiting. A
-- backfill that is not finished yet begins anew.
CREATE OR REPLACE FUNCTION pgpredict.backfill_stream(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
    live text := format('predict.%I', stream || '_live');
    has_predictions boolean;
BEGIN
    PERFORM pgpredict.stream_with_source(stream);
    DELETE FROM pgpredict.backfill AS b WHERE b.stream = s.name;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', live) INTO has_predictions;
    INSERT INTO pgpredict.backfill (stream, relation) VALUES (stream, s.source);
    IF has_predictions THEN
        INSERT INTO pgpredict.backfill (stream, relation) VALUES (stream, live);
    END IF;
    PERFORM pg_notify('pgpredict_work', stream);
END
$$;
