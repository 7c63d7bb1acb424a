-- Puts the functions and triggers of a stream in place, from the templates.

-- Creates or replaces the functions, for the version that is live now.
CREATE OR REPLACE FUNCTION pgpredict.build_stream(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.stream_with_source(stream);
    pieces jsonb := pgpredict.stream_pieces(stream);
    keys text := pieces ->> 'key_arguments';
    settings text := pgpredict.key_settings(stream);
    -- A few keys are never a reason to read a whole table; plans are made once per session.
    by_key CONSTANT text := 'SET enable_seqscan = off SET enable_hashjoin = off'
        ' SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan';
    at_once boolean := s.mode = 'transaction' AND s.paused_at IS NULL;
    capture text;
BEGIN
    PERFORM pgpredict.define_stream_function(
        stream, '_score', keys || ', with_shadows boolean', 'void',
        by_key || ' SET row_security = off ' || settings,
        pgpredict.fill(pgpredict.score_template(), pieces));
    PERFORM pgpredict.define_stream_function(
        stream, '_fail', keys || ', code text, message text', 'void', settings,
        pgpredict.fill(pgpredict.fail_template(), pieces));
    PERFORM pgpredict.define_stream_function(
        stream, '_apply', keys, 'void', '', pgpredict.fill(pgpredict.apply_template(), pieces));
    PERFORM pgpredict.define_stream_function(
        stream, '_work', 'batch integer', 'bigint',
        by_key || ' SET row_security = off ' || settings,
        pgpredict.fill(pgpredict.work_template(), pieces));

    pieces := pieces || CASE WHEN at_once
        THEN jsonb_build_object('wake_channel', pieces -> 'channel', 'wake_payload',
                                'jsonb_build_object(''rows'', cardinality(batch1))::text')
        ELSE jsonb_build_object('wake_channel', '''pgpredict_work''',
                                'wake_payload', pieces -> 'literal') END;
    capture := CASE WHEN at_once THEN pgpredict.score_now_template()
                    ELSE pgpredict.enqueue_template() END;
    PERFORM pgpredict.define_stream_function(
        stream, '_capture', '', 'trigger', 'SECURITY DEFINER SET row_security = off ' || settings,
        pgpredict.fill(pgpredict.capture_template(), pieces || jsonb_build_object(
            'capture', pgpredict.per_operation(
                capture, s.level, pieces,
                CASE WHEN NOT at_once THEN pgpredict.enqueue_changed_template() END),
            'keep', pgpredict.per_operation(pgpredict.keep_template(), s.level, pieces),
            'wake', CASE WHEN s.notify
                THEN pgpredict.fill(pgpredict.wake_template(), pieces) ELSE '' END)));
END
$$;

-- After a promotion: the streams of a model go on with the version that is live now.
CREATE OR REPLACE FUNCTION pgpredict.rebuild_streams(model text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pgpredict.follow_stream_source(s.name), pgpredict.build_stream(s.name)
    FROM pgpredict.stream AS s
    WHERE s.model = rebuild_streams.model AND to_regclass(s.source) IS NOT NULL
    ORDER BY s.name;
END
$$;

-- After a promotion to a version that reads more columns: waits for whoever is writing to a source,
-- since his trigger does not look at these, and keeps others out until the promotion is committed.
-- Otherwise a row of his that the new version predicts meanwhile would keep that prediction.
--
-- The triggers are put in place again: that takes the lock, by the right that made them.
CREATE OR REPLACE FUNCTION pgpredict.await_writers(model text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream;
BEGIN
    FOR s IN
        SELECT t.* FROM pgpredict.stream AS t
        WHERE t.model = await_writers.model AND to_regclass(t.source) IS NOT NULL
        ORDER BY t.name
    LOOP
        BEGIN
            PERFORM pgpredict.create_stream_triggers(s.name, t)
            FROM pgpredict.captured_tables(s.name) AS t;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'stream % does not see what transactions change that write to % now: %',
                          s.name, s.source, SQLERRM
            USING HINT = format('when they have ended: SELECT pgpredict.backfill_stream(%L)', s.name);
        END;
    END LOOP;
END
$$;

-- Raises if a version cannot take the place of the live one in the streams of its model. `cannot`
-- begins the error.
CREATE OR REPLACE FUNCTION pgpredict.check_streams(model text, version integer, cannot text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream;
    before CONSTANT integer := pgpredict.live_version(model);
    changed boolean;
BEGIN
    SELECT n.label_type <> o.label_type
           OR coalesce(n.probability_type, 'float8') <> coalesce(o.probability_type, 'float8')
    INTO changed
    FROM pgpredict.version AS n, pgpredict.version AS o
    WHERE n.model = check_streams.model AND n.version = check_streams.version
      AND o.model = check_streams.model AND o.version = before;
    FOR s IN
        SELECT t.* FROM pgpredict.stream AS t
        WHERE t.model = check_streams.model ORDER BY t.name
    LOOP
        IF changed THEN
            RAISE EXCEPTION '%: stream % holds answers of another type', cannot, s.name USING
                ERRCODE = 'PP002',
                DETAIL = format('in use by: stream %s', s.name),
                HINT = format('deploy under a new name, or: SELECT pgpredict.drop_stream(%L)',
                              s.name);
        ELSIF to_regclass(s.source) IS NOT NULL THEN
            PERFORM pgpredict.check_stream_version(
                s.source, model, version, format('%s: it is in use by stream %s', cannot, s.name));
        END IF;
    END LOOP;
END
$$;

-- Raises while a stream scores a version in its shadow.
CREATE OR REPLACE FUNCTION pgpredict.check_no_shadow(model text, version integer) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    scoring text := (
        SELECT min(s.name)
        FROM pgpredict.shadow AS h
        JOIN pgpredict.stream AS s ON s.name = h.stream
        WHERE s.model = check_no_shadow.model AND h.version = check_no_shadow.version);
BEGIN
    IF scoring IS NOT NULL THEN
        RAISE EXCEPTION 'cannot retire % v%: it is scored in the shadow of stream %',
                        model, version, scoring
        USING
            ERRCODE = 'PP003',
            HINT = format('SELECT pgpredict.drop_shadow(%L, %s)', scoring, version);
    END IF;
END
$$;

-- Raises while a model has streams.
CREATE OR REPLACE FUNCTION pgpredict.check_no_stream(model text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    streams text[] := ARRAY(
        SELECT s.name FROM pgpredict.stream AS s WHERE s.model = check_no_stream.model ORDER BY 1);
BEGIN
    IF cardinality(streams) > 0 THEN
        RAISE EXCEPTION 'cannot drop %: something still uses its functions', model USING
            ERRCODE = 'PP003',
            DETAIL = 'in use by: stream ' || array_to_string(streams, ', stream '),
            HINT = format('SELECT pgpredict.drop_stream(%L)', streams[1]);
    END IF;
END
$$;

-- The tables that need the triggers of a stream: its source, and the partitions too, since a
-- statement that names a partition fires only the partition's own.
CREATE OR REPLACE FUNCTION pgpredict.tables_to_capture(stream text) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.source::regclass FROM pgpredict.stream AS s WHERE s.name = stream
    UNION
    SELECT p.relid
    FROM pgpredict.stream AS s, pg_partition_tree(s.source::regclass) AS p
    JOIN pg_class AS c ON c.oid = p.relid
    WHERE s.name = stream AND c.relkind IN ('r', 'p')
    $$;

-- The tables that have them.
CREATE OR REPLACE FUNCTION pgpredict.captured_tables(stream text) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT t.tgrelid::regclass
    FROM pg_trigger AS t
    WHERE t.tgfoid = to_regproc(format('pgpredict.%I', stream || '_capture')) AND t.tgparentid = 0
    $$;

-- Creates the triggers of a stream on a table, or puts them in place again. Partitions have the row
-- triggers of their parent already. Writers are kept out meanwhile; a table that somebody else keeps for longer than five
-- seconds raises.
CREATE OR REPLACE FUNCTION pgpredict.create_stream_triggers(stream text, relation regclass)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '5s'
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    capture text := format('pgpredict.%I', stream || '_capture');
    again text := CASE
        WHEN relation IN (SELECT pgpredict.captured_tables(stream)) THEN 'OR REPLACE' END;
    one record;
BEGIN
    FOR one IN
        SELECT format('pgpredict_%s_%s', stream, lower(e.operation)) AS name, e.operation,
               CASE WHEN s.level = 'row' AND e.operation <> 'TRUNCATE'
                   THEN 'FOR EACH ROW' ELSE e.tables || ' FOR EACH STATEMENT' END AS scope
        FROM (VALUES
            ('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
            ('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
            ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
            ('TRUNCATE', '')
        ) AS e (operation, tables)
        WHERE s.level = 'statement' OR e.operation = 'TRUNCATE' OR relation = s.source::regclass
    LOOP
        EXECUTE format('CREATE %s TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION %s()',
                       again, one.name, one.operation, relation, one.scope, capture);
        IF s.level = 'row' THEN
            PERFORM pgpredict.enable_always(p.relid, one.name)
            FROM pg_partition_tree(relation) AS p
            WHERE one.operation <> 'TRUNCATE' OR p.relid = relation;
            PERFORM pgpredict.enable_always(relation, one.name);
        END IF;
    END LOOP;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'cannot put the triggers of stream % on %: somebody else uses the table',
                    stream, relation
    USING
        ERRCODE = 'lock_not_available',
        HINT = 'try again when no long transaction writes to it: SELECT * FROM pg_stat_activity';
END
$$;

-- Lets a trigger fire for logical replication too.
CREATE OR REPLACE FUNCTION pgpredict.enable_always(relation regclass, trigger_name text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, trigger_name);
END
$$;

-- Drops the triggers of a stream, wherever they are: with their function, since who may create a
-- trigger may not drop it unless the table is his.
CREATE OR REPLACE FUNCTION pgpredict.drop_stream_triggers(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '5s'
    SET client_min_messages = warning
    AS $$
BEGIN
    EXECUTE format('DROP FUNCTION IF EXISTS pgpredict.%I() CASCADE', stream || '_capture');
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'cannot take the triggers of stream % away: somebody else uses its source',
                    stream
    USING
        ERRCODE = 'lock_not_available',
        HINT = 'try again when no long transaction uses it: SELECT * FROM pg_stat_activity';
END
$$;

-- Notes where the source of a stream is now, if it was renamed: its triggers are on it.
CREATE OR REPLACE FUNCTION pgpredict.follow_stream_source(stream text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    now text := (
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pgpredict.captured_tables(stream) AS t
        JOIN pg_class AS c ON c.oid = t
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE NOT c.relispartition OR NOT EXISTS (
            SELECT FROM pg_partition_ancestors(t) AS a
            WHERE a.relid <> t AND a.relid IN (SELECT pgpredict.captured_tables(stream)))
        LIMIT 1);
BEGIN
    UPDATE pgpredict.stream AS s
    SET source = now
    WHERE s.name = follow_stream_source.stream AND s.source <> now;
    RETURN FOUND;
END
$$;
