-- Where the source of a stream is now, and which tables belong to it.
--
-- A stream names its source, and reads it by that name. Its triggers are on tables, whatever these
-- are called. So pgpredict.stream_table keeps which tables they are, and of each partition which
-- attachment it was: one that was detached, changed, and attached again has its triggers still, but
-- a worker took its rows for gone meanwhile.

-- The database in which numbers of tables and transactions mean something: another one after a dump
-- and restore, or an upgrade.
CREATE OR REPLACE FUNCTION pgpredict.place() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('%s/%s', c.system_identifier, d.oid)
    FROM pg_control_system() AS c, pg_database AS d
    WHERE d.datname = current_database()
    $$;

-- Which attachment to its parent a partition has; NULL: it is none.
CREATE OR REPLACE FUNCTION pgpredict.attachment(relation regclass) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT i.xmin::text::bigint FROM pg_inherits AS i WHERE i.inhrelid = relation $$;

-- Keeps that a table belongs to a stream, as it is attached now.
CREATE OR REPLACE FUNCTION pgpredict.note_table(stream text, relation regclass) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO pgpredict.stream_table (stream, relation, attached, place)
    VALUES (stream, relation, pgpredict.attachment(relation), pgpredict.place())
    ON CONFLICT ON CONSTRAINT stream_table_pkey
    DO UPDATE SET attached = excluded.attached, place = excluded.place
    $$;

-- Keeps that of all its tables which have their triggers, and of no others.
CREATE OR REPLACE FUNCTION pgpredict.note_tables(stream text) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DELETE FROM pgpredict.stream_table AS n WHERE n.stream = note_tables.stream;
    SELECT pgpredict.note_table(stream, t)
    FROM pgpredict.tables_to_capture(stream) AS t
    WHERE t NOT IN (SELECT m.relation FROM pgpredict.missing_triggers(stream) AS m)
    $$;

-- The source of a stream, whatever it is called now; NULL: it is gone.
CREATE OR REPLACE FUNCTION pgpredict.source_now(stream text) RETURNS regclass
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    noted regclass := (
        SELECT n.relation FROM pgpredict.stream_table AS n
        WHERE n.stream = s.name AND n.attached IS NULL AND n.place = (SELECT pgpredict.place()));
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = noted) THEN
        RETURN noted;
    ELSIF NOT pgpredict.is_elsewhere(stream, s.source) THEN
        RETURN to_regclass(s.source);
    END IF;
    -- Before it was noted here: the table with the triggers.
    RETURN coalesce(
        (SELECT t
         FROM pgpredict.captured_tables(stream) AS t
         JOIN pg_class AS c ON c.oid = t
         WHERE NOT c.relispartition OR NOT EXISTS (
             SELECT FROM pg_partition_ancestors(t) AS a
             WHERE a.relid <> t AND a.relid IN (SELECT pgpredict.captured_tables(stream)))
         ORDER BY c.relkind = 'p' DESC
         LIMIT 1),
        CASE WHEN noted IS NULL THEN to_regclass(s.source) END);
END
$$;

-- Notes what the source of a stream is called now, if it was renamed. Returns whether it was.
CREATE OR REPLACE FUNCTION pgpredict.follow_stream_source(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    now text := (
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = pgpredict.source_now(stream));
BEGIN
    IF now IS NULL OR now = s.source THEN
        RETURN false;
    END IF;
    UPDATE pgpredict.stream AS u SET source = now WHERE u.name = s.name;
    UPDATE pgpredict.backfill AS b SET relation = now
    WHERE b.stream = s.name AND b.relation = s.source;
    RETURN true;
END
$$;

-- The same before the work of a stream, which reads the source by its name. Returns whether there
-- is a source. Waits for nobody long: the worker's rows wait meanwhile.
CREATE OR REPLACE FUNCTION pgpredict.find_source(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    now CONSTANT regclass := pgpredict.source_now(stream);
BEGIN
    IF now IS DISTINCT FROM to_regclass(s.source) THEN
        PERFORM pgpredict.lock_model(s.model);
        IF pgpredict.follow_stream_source(stream) THEN
            PERFORM pgpredict.build_stream(stream);
        END IF;
    END IF;
    RETURN now IS NOT NULL;
END
$$;

-- Takes the triggers of a stream off tables that belong to its source no longer.
CREATE OR REPLACE FUNCTION pgpredict.release_tables(stream text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    stray regclass;
BEGIN
    FOR stray IN
        SELECT t FROM pgpredict.captured_tables(stream) AS t
        EXCEPT
        SELECT t FROM pgpredict.tables_to_capture(stream) AS t
    LOOP
        BEGIN
            PERFORM pgpredict.drop_triggers_on(stream, stray);
            RETURN NEXT format('%s does not belong to the source any more: its triggers are gone',
                               stray);
        EXCEPTION
            WHEN lock_not_available THEN
                RETURN NEXT format('put off, since somebody else uses %s', stray);
            WHEN insufficient_privilege THEN
                RETURN NEXT format('%s does not belong to the source any more, but keeps its'
                                   ' triggers: %s', stray, SQLERRM);
        END;
    END LOOP;
    -- It may be attached again one day.
    UPDATE pgpredict.stream_table AS n
    SET attached = 0
    WHERE n.stream = release_tables.stream
      AND n.relation NOT IN (SELECT t FROM pgpredict.tables_to_capture(release_tables.stream) AS t);
    DELETE FROM pgpredict.stream_table AS n
    WHERE n.stream = release_tables.stream
      AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = n.relation);
END
$$;

-- Puts triggers where they are missing: on partitions that the source has got since, and where
-- somebody dropped them. Predicts the rows of these tables, which came with nobody watching.
CREATE OR REPLACE FUNCTION pgpredict.adopt_tables(stream text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    source CONSTANT regclass := pgpredict.source_now(stream);
    one record;
    adopted integer := 0;
BEGIN
    IF source IS DISTINCT FROM to_regclass(s.source) OR source IS NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pgpredict.stream_table AS n
        WHERE n.stream = s.name AND n.place = (SELECT pgpredict.place()) AND n.relation = source)
    THEN
        IF EXISTS (SELECT FROM pgpredict.stream_table AS n
                   WHERE n.stream = s.name AND n.place = (SELECT pgpredict.place()))
        THEN
            PERFORM pgpredict.backfill_tables(stream, source, true);
            RETURN NEXT format('%s was made anew: its rows are predicted again', source);
        END IF;
        PERFORM pgpredict.note_tables(stream);
    END IF;
    RETURN QUERY SELECT pgpredict.release_tables(stream);
    FOR one IN
        SELECT t.relation, m.relation IS NOT NULL AS is_open, n.relation IS NOT NULL AS is_known,
               n.relation IS NULL OR n.attached IS DISTINCT FROM pgpredict.attachment(t.relation)
                   AS is_new
        FROM pgpredict.tables_to_capture(s.name) AS t (relation)
        LEFT JOIN pgpredict.missing_triggers(s.name) AS m ON m.relation = t.relation
        LEFT JOIN pgpredict.stream_table AS n ON n.stream = s.name AND n.relation = t.relation
        WHERE m.relation IS NOT NULL OR n.relation IS NULL
           OR n.attached IS DISTINCT FROM pgpredict.attachment(t.relation)
    LOOP
        BEGIN
            IF one.is_open THEN
                PERFORM pgpredict.create_stream_triggers(stream, one.relation);
            END IF;
            PERFORM pgpredict.note_table(stream, one.relation);
            PERFORM pgpredict.backfill_tables(stream, one.relation, one.is_known);
            IF one.is_new AND one.relation <> source THEN
                adopted := adopted + 1;
            ELSE
                RETURN NEXT format('%s had lost triggers: they are back, and its rows are'
                                   ' predicted again', one.relation);
            END IF;
        EXCEPTION
            WHEN lock_not_available THEN
                RETURN NEXT format('put off, since somebody else holds a lock: %s', SQLERRM);
            WHEN insufficient_privilege THEN
                RETURN NEXT SQLERRM;
        END;
    END LOOP;
    IF adopted > 0 THEN
        RETURN NEXT format('%s new partitions of %s', adopted, s.source);
    END IF;
END
$$;

-- Predicts the rows of a table of the source again, after what was asked for before. `and_live`:
-- some of its rows may be gone, then their predictions go, too.
CREATE OR REPLACE FUNCTION pgpredict.backfill_tables(
    stream text, relation regclass, and_live boolean) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO pgpredict.backfill (stream, relation)
    SELECT stream, format('%I.%I', n.nspname, c.relname)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = backfill_tables.relation
    UNION ALL
    SELECT stream, format('predict.%I', stream || '_live') WHERE and_live
    $$;
