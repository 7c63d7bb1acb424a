-- What a stream needs from time to time: partitions of its log, triggers on new partitions of its
-- source. And its log and its live table for others: shadows, a publication.

-- Makes the partitions of the log for today and the next three days, and drops those that are past
-- their time. Rows of a day without a partition are in the default one: they are moved. A reader
-- of the log is not waited for: it is dropped another time.
CREATE OR REPLACE FUNCTION pgpredict.keep_log(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    log text := format('predict.%I', stream || '_log');
    day date;
    old regclass;
BEGIN
    FOR day IN
        SELECT d::date
        FROM generate_series(current_date, current_date + 3, interval '1 day') AS d
        WHERE to_regclass(pgpredict.log_partition(stream, d::date)) IS NULL
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

-- Puts triggers on partitions that the source has got since, and predicts their rows, which came
-- with nobody watching. Returns how many partitions are new.
CREATE OR REPLACE FUNCTION pgpredict.adopt_partitions(stream text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    new_one regclass;
    adopted integer := 0;
BEGIN
    FOR new_one IN
        SELECT t FROM pgpredict.tables_to_capture(stream) AS t
        EXCEPT
        SELECT t FROM pgpredict.captured_tables(stream) AS t
    LOOP
        PERFORM pgpredict.create_stream_triggers(stream, new_one);
        INSERT INTO pgpredict.backfill (stream, relation)
        SELECT adopt_partitions.stream, format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = new_one;
        adopted := adopted + 1;
    END LOOP;
    RETURN adopted;
END
$$;

-- Everything that a stream, or a learner, needs from time to time; the worker calls it once a
-- minute. Returns what was wrong and is mended now, or what could not be. It waits for nobody long,
-- such as a deploy of the model, since the worker's rows wait meanwhile.
CREATE OR REPLACE FUNCTION pgpredict.maintain(stream text) RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    s pgpredict.stream;
    adopted integer;
BEGIN
    IF pgpredict.is_learner(stream) THEN
        RETURN QUERY SELECT pgpredict.maintain_learner(stream);
        RETURN;
    END IF;
    s := pgpredict.check_stream(stream);
    PERFORM pgpredict.lock_model(s.model);
    IF pgpredict.follow_stream_source(stream) THEN
        PERFORM pgpredict.build_stream(stream);
        RETURN NEXT format('the source is called %s now',
                           (SELECT n.source FROM pgpredict.stream AS n WHERE n.name = stream));
    END IF;
    IF to_regclass(format('pgpredict.%I', stream || '_queue')) IS NULL
        OR to_regclass(format('pgpredict.%I', stream || '_wake')) IS NULL
    THEN
        PERFORM pgpredict.create_queue(stream);
        RETURN NEXT 'the queue was gone, and is made anew';
    END IF;
    PERFORM pgpredict.keep_log(stream);
    DELETE FROM pgpredict.worker AS w
    WHERE w.stream = s.name AND w.at < clock_timestamp() - interval '1 day';
    IF NOT EXISTS (SELECT FROM pgpredict.captured_tables(stream)) THEN
        RETURN NEXT format('the source %s is gone, or its triggers are', s.source);
    ELSE
        adopted := pgpredict.adopt_partitions(stream);
        IF adopted > 0 THEN
            RETURN NEXT format('%s new partitions of %s', adopted, s.source);
        END IF;
    END IF;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NEXT format('put off, since somebody else holds a lock: %s', SQLERRM);
    WHEN insufficient_privilege THEN
        RETURN NEXT SQLERRM;
END
$$;

-- Scores a version beside the live one: into the log, marked as `shadow`, and never in its way.
-- predict.<stream>_shadows compares them. Returns the version.
CREATE OR REPLACE FUNCTION pgpredict.add_shadow(stream text, version integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
    cannot text := format('cannot score v%s in the shadow of stream %s', version, stream);
BEGIN
    PERFORM pgpredict.usable_version(s.model, coalesce(version, 0));
    PERFORM pgpredict.check_streams(s.model, version, cannot);
    IF s.retention = interval '0' THEN
        RAISE EXCEPTION '%: the stream keeps no log', cannot USING
            ERRCODE = 'PP007',
            HINT = format('SELECT pgpredict.set_retention(%L, ''30 days'')', stream);
    END IF;
    INSERT INTO pgpredict.shadow (stream, version) VALUES (stream, version) ON CONFLICT DO NOTHING;
    PERFORM pgpredict.build_stream(stream);
    PERFORM pgpredict.create_shadow_view(stream);
    PERFORM pgpredict.record(s.model, version, 'add_shadow', jsonb_build_object('stream', stream));
    RETURN version;
END
$$;

-- Scores a version no longer; what is in the log stays. Returns whether it was scored.
CREATE OR REPLACE FUNCTION pgpredict.drop_shadow(stream text, version integer) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.lock_stream(stream);
    was_there boolean;
BEGIN
    DELETE FROM pgpredict.shadow AS h
    WHERE h.stream = s.name AND h.version = drop_shadow.version;
    was_there := FOUND;
    IF was_there THEN
        PERFORM pgpredict.build_stream(stream);
        PERFORM pgpredict.record(
            s.model, version, 'drop_shadow', jsonb_build_object('stream', stream));
    END IF;
    RETURN was_there;
END
$$;

-- predict.<stream>_shadows: what the live version said of a row, beside what another one said of
-- the same row at the same moment.
CREATE OR REPLACE FUNCTION pgpredict.create_shadow_view(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    view text := format('predict.%I', stream || '_shadows');
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE VIEW %1$s AS'
        ' SELECT %2$s, l.at, l.version, l.prediction, l.probability,'
        ' h.version AS shadow_version, h.prediction AS shadow_prediction,'
        ' h.probability AS shadow_probability,'
        ' l.prediction IS NOT DISTINCT FROM h.prediction AS agree'
        ' FROM predict.%4$I AS l JOIN predict.%4$I AS h ON %3$s AND l.at = h.at'
        ' WHERE NOT l.shadow AND h.shadow',
        view, pgpredict.each_key(stream, 'l.%1$I'),
        pgpredict.each_key(stream, 'l.%1$I = h.%1$I', ' AND '), stream || '_log');
    PERFORM pgpredict.hand_over_table(view::regclass);
    EXECUTE format('COMMENT ON VIEW %s IS %L', view,
                   format('stream %s: the live version beside the versions in its shadow', stream));
END
$$;

-- Publishes the live table, so that logical replication can carry predictions on: to another
-- database, or with Debezium to Kafka. The publication is called pgpredict_<stream>. Returns that.
CREATE OR REPLACE FUNCTION pgpredict.publish_stream(stream text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    publication text := 'pgpredict_' || (pgpredict.lock_stream(stream)).name;
    owner name := (
        SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n WHERE n.nspname = 'pgpredict');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication AS p WHERE p.pubname = publication) THEN
        EXECUTE format('CREATE PUBLICATION %I FOR TABLE predict.%I',
                       publication, stream || '_live');
        -- Every operator can drop it, as he can the tables, if the owner is one who may own it.
        IF has_database_privilege(owner, current_database(), 'CREATE') THEN
            EXECUTE format('ALTER PUBLICATION %I OWNER TO %I', publication, owner);
        END IF;
    END IF;
    RETURN publication;
END
$$;

-- Takes the publication back. Returns whether there was one.
CREATE OR REPLACE FUNCTION pgpredict.unpublish_stream(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    publication text := 'pgpredict_' || (pgpredict.lock_stream(stream)).name;
    was_there boolean := EXISTS (SELECT FROM pg_publication AS p WHERE p.pubname = publication);
BEGIN
    IF was_there THEN
        EXECUTE format('DROP PUBLICATION %I', publication);
    END IF;
    RETURN was_there;
END
$$;
