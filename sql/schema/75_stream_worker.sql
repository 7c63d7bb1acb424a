-- What a worker calls, and what it leaves behind.

-- Makes dead letters of keys that cannot be read any more, since the key of the source was of
-- another type when the stream was made. Looks at the next `batch` that would be tried again.
-- Returns how many they were.
CREATE OR REPLACE FUNCTION pgpredict.bury_keys(stream text, batch integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    read_key CONSTANT text := 'SELECT ' || pgpredict.each_key(stream, '($1 ->> %1$L)::%2$s');
    failed pgpredict.failure;
    buried bigint := 0;
    code text;
    message text;
BEGIN
    FOR failed IN
        SELECT f.*
        FROM pgpredict.failure AS f
        WHERE f.stream = bury_keys.stream AND f.not_before <= clock_timestamp()
        ORDER BY f.not_before
        LIMIT batch
        FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            EXECUTE read_key USING failed.key;
        EXCEPTION WHEN data_exception THEN
            code := SQLSTATE;
            message := SQLERRM;
            UPDATE pgpredict.failure AS f
            SET error = message, sqlstate = code, last_at = clock_timestamp(), not_before = NULL
            WHERE f.stream = failed.stream AND f.key = failed.key;
            buried := buried + 1;
        END;
    END LOOP;
    RETURN buried;
END
$$;

-- Notes what a worker did. Each backend has a row of its own.
CREATE OR REPLACE FUNCTION pgpredict.tally(stream text, done bigint, lag interval) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO pgpredict.worker AS w
        (stream, pid, rows, batches, lag, since, at, minute, minute_rows, before_rows)
    SELECT stream, pg_backend_pid(), done, 1, lag, t.now, t.now, date_trunc('minute', t.now),
           done, 0
    FROM clock_timestamp() AS t (now)
    ON CONFLICT (stream, pid) DO UPDATE
    SET rows = w.rows + excluded.rows, batches = w.batches + 1, lag = excluded.lag,
        at = excluded.at, minute = excluded.minute,
        minute_rows = excluded.minute_rows
            + CASE WHEN w.minute = excluded.minute THEN w.minute_rows ELSE 0 END,
        before_rows = CASE
            WHEN w.minute = excluded.minute THEN w.before_rows
            WHEN w.minute = excluded.minute - interval '1 minute' THEN w.minute_rows
            ELSE 0 END
    $$;

-- Gives the disk of an empty queue back. Truncating needs the table for itself: where somebody has
-- it, nothing is done, and nobody waits.
CREATE OR REPLACE FUNCTION pgpredict.shrink_queue(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    queue text := format('pgpredict.%I', stream || '_queue');
    waits boolean;
BEGIN
    IF pg_relation_size(queue::regclass) < 1 << 20 THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', queue);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', queue) INTO waits;
    IF NOT waits THEN
        EXECUTE format('TRUNCATE %s', queue);
    END IF;
    RETURN NOT waits;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;

-- Raises unless a batch can be done here: it has a size, and each statement of it sees what was
-- committed before. `caller` is who was asked for it.
CREATE OR REPLACE FUNCTION pgpredict.check_batch(caller text, batch integer) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF batch IS NULL OR batch < 1 THEN
        RAISE EXCEPTION 'a batch has at least one row, not %', coalesce(batch::text, 'NULL') USING
            ERRCODE = 'invalid_parameter_value',
            HINT = '1000 is a good size';
    ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'pgpredict.% needs the isolation level read committed, not %',
                        caller, current_setting('transaction_isolation')
        USING
            ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED';
    END IF;
END
$$;

-- Does the next rows of a stream, at most `batch`, in one transaction: claims them, predicts,
-- writes; or of a learner, as pgpredict.learn does. Returns how many; 0: nothing waits, it is
-- paused, or its source is gone. Any number of workers may call it at the same time, with no other
-- right than to call it.
CREATE OR REPLACE FUNCTION pgpredict.work(stream text, batch integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream;
    done bigint;
    was_there boolean := true;
BEGIN
    IF pgpredict.is_learner(stream) THEN
        RETURN pgpredict.learn(stream, batch);
    END IF;
    s := pgpredict.check_stream(stream);
    PERFORM pgpredict.check_batch('work', batch);
    IF s.paused_at IS NOT NULL THEN
        RETURN 0;
    END IF;
    IF pgpredict.is_elsewhere(stream, s.source) THEN
        IF NOT pgpredict.find_source(stream) THEN
            RETURN 0;
        END IF;
        s := pgpredict.check_stream(stream);
        was_there := NOT pgpredict.is_elsewhere(stream, s.source);
    END IF;
    EXECUTE format('SELECT pgpredict.%I($1)', stream || '_work') INTO done USING batch;
    -- What was read has that name until this transaction ends.
    IF done > 0 AND was_there AND pgpredict.is_elsewhere(stream, s.source) THEN
        RAISE EXCEPTION 'the source of stream % got another name meanwhile', stream USING
            ERRCODE = 'serialization_failure',
            HINT = 'try again';
    END IF;
    RETURN done;
END
$$;

-- Whether keys wait in a queue. One that is dropped meanwhile, or was by somebody, is none of the
-- others' business: maintain mends it.
CREATE OR REPLACE FUNCTION pgpredict.has_waiting(stream text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM pgpredict.%I)', stream || '_queue') INTO found;
    RETURN found;
EXCEPTION WHEN undefined_table THEN
    RETURN false;
END
$$;

-- Streams and learners that have something to do now.
CREATE OR REPLACE FUNCTION pgpredict.ready_streams() RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT s.name
    FROM pgpredict.stream AS s
    WHERE s.paused_at IS NULL
      AND (EXISTS (SELECT FROM pgpredict.failure AS f
                   WHERE f.stream = s.name AND f.not_before <= clock_timestamp())
           OR EXISTS (SELECT FROM pgpredict.backfill AS b
                      WHERE b.stream = s.name AND b.finished_at IS NULL)
           OR pgpredict.has_waiting(s.name))
    ORDER BY s.name;
    RETURN QUERY SELECT pgpredict.ready_learners();
END
$$;
