-- The log and the live table of a stream for others: versions in its shadow, a publication.

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
    IF version = pgpredict.live_version(s.model) THEN
        RAISE EXCEPTION '%: it is the live version', cannot USING
            ERRCODE = 'PP007',
            DETAIL = 'its answers are in the log already',
            HINT = format('SELECT version, live FROM pgpredict.versions WHERE model = %L',
                          s.model);
    END IF;
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
