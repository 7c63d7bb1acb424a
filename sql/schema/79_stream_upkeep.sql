-- What a stream needs from time to time: partitions of its log, triggers on new partitions of its
-- source, a small queue.

-- Makes the partitions of the log for today and the next three days, and drops those that are past
-- their time. Rows of a day without a partition are in the default one: they are moved, or are past
-- their time, too. A reader of the log is not waited for: that is done another time.
CREATE OR REPLACE FUNCTION pgpredict.keep_log(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    log text := format('predict.%I', stream || '_log');
    log_default text := format('predict.%I', stream || '_log_default');
    day date;
    old regclass;
BEGIN
    IF s.retention > '0' THEN
        EXECUTE format('DELETE FROM %s AS d WHERE d.at::date + 1 < now() - $1', log_default)
        USING s.retention;
    END IF;
    FOR day IN
        EXECUTE format(
            'SELECT w.day FROM (SELECT d.at::date AS day FROM %s AS d'
            ' UNION SELECT current_date + n FROM generate_series(0, 3) AS n) AS w'
            ' WHERE to_regclass(pgpredict.log_partition($1, w.day)) IS NULL ORDER BY w.day',
            log_default)
        USING stream
    LOOP
        PERFORM pgpredict.add_log_partition(stream, day);
    END LOOP;
    FOR old IN
        SELECT i.inhrelid::regclass
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = log::regclass AND c.relname ~ '_[0-9]{8}$'
          AND s.retention > '0'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 < now() - s.retention
    LOOP
        EXECUTE format('DROP TABLE %s', old);
    END LOOP;
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$$;

CREATE OR REPLACE FUNCTION pgpredict.log_partition(stream text, day date) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT format('predict.%I', stream || '_log_' || to_char(day, 'YYYYMMDD')) $$;

CREATE OR REPLACE FUNCTION pgpredict.add_log_partition(stream text, day date) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    log text := format('predict.%I', stream || '_log');
    partition text := pgpredict.log_partition(stream, day);
BEGIN
    -- Nobody may put more rows of that day there, after those that are there were moved.
    EXECUTE format('LOCK TABLE predict.%I IN ACCESS EXCLUSIVE MODE', stream || '_log_default');
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                   partition, log);
    PERFORM pgpredict.hand_over_table(partition::regclass);
    EXECUTE format(
        'WITH moved AS (DELETE FROM predict.%I AS d WHERE d.at >= %L AND d.at < %L RETURNING d.*)'
        ' INSERT INTO %s SELECT * FROM moved',
        stream || '_log_default', day::timestamptz, (day + 1)::timestamptz, partition);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                   log, partition, day::timestamptz, (day + 1)::timestamptz);
END
$$;

-- Keeps the log for another time from now on: NULL is for ever, 0 writes none and keeps what is
-- there until somebody drops it.
CREATE OR REPLACE FUNCTION pgpredict.set_retention(stream text, retention interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
BEGIN
    PERFORM pgpredict.check_stream_options(s.mode, s.level, retention, s.attempts);
    UPDATE pgpredict.stream AS c SET retention = set_retention.retention WHERE c.name = stream;
    PERFORM pgpredict.build_stream(stream);
    PERFORM pgpredict.keep_log(stream);
END
$$;

-- Everything that a stream, or a learner, needs from time to time; the worker calls it once a
-- minute, and after a burst. Returns what was wrong and is mended now, or what could not be. It
-- waits for nobody long, such as a deploy of the model, since the worker's rows wait meanwhile. What
-- fails undoes nothing of the rest.
CREATE OR REPLACE FUNCTION pgpredict.maintain(stream text) RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    part text;
BEGIN
    IF pgpredict.is_learner(stream) THEN
        RETURN QUERY SELECT pgpredict.maintain_learner(stream);
        RETURN;
    END IF;
    BEGIN
        PERFORM pgpredict.lock_model((pgpredict.check_stream(stream)).model);
    EXCEPTION WHEN lock_not_available THEN
        RETURN NEXT format('put off, since somebody else holds a lock: %s', SQLERRM);
        RETURN;
    END;
    FOREACH part IN ARRAY ARRAY['source', 'queue', 'log', 'workers', 'tables', 'space'] LOOP
        BEGIN
            RETURN QUERY SELECT pgpredict.maintain_part(stream, part);
        EXCEPTION
            WHEN lock_not_available THEN
                RETURN NEXT format('put off, since somebody else holds a lock: %s', SQLERRM);
            WHEN OTHERS THEN
                RETURN NEXT SQLERRM;
        END;
    END LOOP;
END
$$;

-- A part of it.
CREATE OR REPLACE FUNCTION pgpredict.maintain_part(stream text, part text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
BEGIN
    CASE part
        WHEN 'source' THEN
            IF pgpredict.source_now(stream) IS NULL THEN
                RETURN NEXT format('the source %s is gone', s.source);
            ELSIF pgpredict.follow_stream_source(stream) THEN
                PERFORM pgpredict.build_stream(stream);
                RETURN NEXT format('the source is called %s now',
                                   (pgpredict.check_stream(stream)).source);
            END IF;
        WHEN 'queue' THEN
            IF to_regclass(format('pgpredict.%I', stream || '_queue')) IS NULL
                OR to_regclass(format('pgpredict.%I', stream || '_wake')) IS NULL
            THEN
                PERFORM pgpredict.create_queue(stream);
                RETURN NEXT 'the queue was gone, and is made anew';
            END IF;
        WHEN 'log' THEN
            PERFORM pgpredict.keep_log(stream);
        WHEN 'workers' THEN
            DELETE FROM pgpredict.worker AS w
            WHERE w.stream = s.name AND w.at < clock_timestamp() - interval '1 day';
        WHEN 'tables' THEN
            RETURN QUERY SELECT pgpredict.adopt_tables(stream);
        WHEN 'space' THEN  -- last: it may lock the queue until all of this is committed
            PERFORM pgpredict.shrink_queue(stream);
    END CASE;
END
$$;
