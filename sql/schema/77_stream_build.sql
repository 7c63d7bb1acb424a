-- Puts the functions and triggers of a stream in place, from the templates.

-- Creates or replaces the functions, for the version that is live now. Raises where the source has
-- no column for an input: a call without it would stay broken after the column is back.
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
    later text;
    wake_worker text := pgpredict.fill(pgpredict.wake_template(), pieces || jsonb_build_object(
        'wake_channel', '''pgpredict_work''', 'wake_payload', pieces -> 'literal'));
    wake_subscribers text := pgpredict.fill(pgpredict.wake_template(), pieces || jsonb_build_object(
        'wake_channel', pieces -> 'channel',
        'wake_payload', 'jsonb_build_object(''rows'', cardinality(batch1))::text'));
    version integer;
BEGIN
    FOR version IN
        SELECT pgpredict.live_version(s.model)
        UNION ALL
        SELECT h.version FROM pgpredict.shadow AS h WHERE h.stream = s.name
    LOOP
        PERFORM pgpredict.check_stream_version(
            s.source, s.model, version, format('cannot build stream %s', stream));
    END LOOP;
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

    later := pgpredict.per_operation(
        pgpredict.enqueue_template(), s.level, pieces, pgpredict.enqueue_changed_template());
    PERFORM pgpredict.define_stream_function(
        stream, '_capture', '', 'trigger', 'SECURITY DEFINER SET row_security = off ' || settings,
        pgpredict.fill(pgpredict.capture_template(), pieces || jsonb_build_object(
            'capture', CASE WHEN at_once
                THEN pgpredict.fill(pgpredict.now_or_later_template(), pieces || jsonb_build_object(
                    'now', pgpredict.per_operation(
                        pgpredict.score_now_template(), s.level, pieces),
                    'later', later))
                ELSE later END,
            'keep', pgpredict.per_operation(pgpredict.keep_template(), s.level, pieces),
            'wake', CASE
                WHEN NOT s.notify THEN ''
                WHEN at_once THEN format(E'IF is_later THEN\n    %s\n    ELSE\n    %s\n    END IF;',
                                         wake_worker, wake_subscribers)
                ELSE wake_worker END)));
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
    WHERE s.model = rebuild_streams.model AND pgpredict.source_now(s.name) IS NOT NULL
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
        WHERE t.model = await_writers.model AND pgpredict.source_now(t.name) IS NOT NULL
        ORDER BY t.name
    LOOP
        PERFORM pgpredict.follow_stream_source(s.name);
        BEGIN
            PERFORM pgpredict.put_stream_triggers(s.name);
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
