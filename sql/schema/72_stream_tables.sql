-- The tables of a stream, and the pieces of SQL text that name its columns.

-- The columns of a relation that are a key, in the key's order. Domains are told as what they
-- stand for: streams run as the owner of the schema, who should not run other people's CHECKs.
-- Types are told without their modifiers: a key that was varchar(3) may be varchar(10) one day,
-- and a cast to the former would cut it.
CREATE OR REPLACE FUNCTION pgpredict.key_columns(relation regclass, key text[])
    RETURNS TABLE (name text, type text, array_type text, collated text, "position" bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE base (name, place, type, collated) AS (
        SELECT k.name, k.place, a.atttypid, a.attcollation
        FROM unnest(key) WITH ORDINALITY AS k (name, place)
        JOIN pg_attribute AS a ON a.attrelid = relation AND a.attname = k.name
        UNION ALL
        SELECT b.name, b.place, t.typbasetype, b.collated
        FROM base AS b
        JOIN pg_type AS t ON t.oid = b.type AND t.typtype = 'd'
    )
    SELECT b.name, format_type(b.type, -1), format_type(t.typarray, -1),
           CASE WHEN b.collated <> 0 AND b.collated <> t.typcollation
               THEN (SELECT format('COLLATE %I.%I', n.nspname, c.collname)
                     FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                     WHERE c.oid = b.collated)
               ELSE ''
           END,
           b.place
    FROM base AS b
    JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
    $$;

-- One piece of text for each column of a stream's key, by a pattern of format(): %1$I its name,
-- %2$s its type, %3$s the type of an array of it, %4$s its number, %5$s how it is collated.
CREATE OR REPLACE FUNCTION pgpredict.each_key(
    stream text, pattern text, separator text DEFAULT ', ') RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(format(pattern, k.name, k.type, k.array_type, k.position, k.collated),
                      separator ORDER BY k.position)
    FROM pgpredict.stream AS s,
         pgpredict.key_columns(
             coalesce(to_regclass(format('predict.%I', s.name || '_live')), to_regclass(s.source)),
             s.key) AS k
    WHERE s.name = each_key.stream
    $$;

-- Puts values for the {names} in a template, once: what stands in a value is not looked at.
CREATE OR REPLACE FUNCTION pgpredict.fill(template text, pieces jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    texts text[] := regexp_split_to_array(template, '\{[a-z_]+\}');
    filled text := texts[1];
    place integer := 1;
    name text;
BEGIN
    FOR name IN SELECT m[1] FROM regexp_matches(template, '\{([a-z_]+)\}', 'g') AS m LOOP
        IF NOT pieces ? name THEN
            RAISE EXCEPTION 'a template of pgpredict names %, which is nothing', name;
        END IF;
        place := place + 1;
        filled := filled || coalesce(pieces ->> name, '') || texts[place];
    END LOOP;
    RETURN filled;
END
$$;

-- Creates or replaces a function of a stream. The body is quoted by the database, whatever names
-- of columns stand in it.
CREATE OR REPLACE FUNCTION pgpredict.define_stream_function(
    stream text, suffix text, arguments text, result text, options text, body text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    name text := format('pgpredict.%I', stream || suffix);
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql'
        ' SET search_path = pg_catalog, pg_temp %s AS %L',
        name, arguments, result, options, body);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
    PERFORM pgpredict.hand_over(name::regproc::regprocedure);
END
$$;

-- Tables belong to the owner of the schema, whoever made them, as functions do.
CREATE OR REPLACE FUNCTION pgpredict.hand_over_table(relation regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    owner oid := (SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgpredict');
BEGIN
    IF owner <> (SELECT c.relowner FROM pg_class AS c WHERE c.oid = relation)
        AND pg_has_role(owner, 'MEMBER')
    THEN
        EXECUTE format('ALTER TABLE %s OWNER TO %I', relation, pg_get_userbyid(owner));
    END IF;
END
$$;

-- The row of a model's live version; an error if none is live.
CREATE OR REPLACE FUNCTION pgpredict.live_row(model text) RETURNS pgpredict.version
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT v.*
    FROM pgpredict.version AS v
    WHERE v.model = live_row.model AND v.version = pgpredict.usable_version(live_row.model, NULL)
    $$;

-- Creates the queue of a stream or learner with columns of its own, and the clock of its wake-ups,
-- where they are missing. The queue's rows come and go all the time: it is vacuumed early.
CREATE OR REPLACE FUNCTION pgpredict.create_queue_of(owner text, columns text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET client_min_messages = warning
    AS $$
DECLARE
    queue text := format('pgpredict.%I', owner || '_queue');
    wake text := format('pgpredict.%I', owner || '_wake');
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %s (%s, PRIMARY KEY (id)) INHERITS (pgpredict.queue) WITH ('
        ' autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,'
        ' autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,'
        ' autovacuum_analyze_threshold = 1000000)',
        queue, columns);
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %s', wake);
    PERFORM pgpredict.hand_over_table(t::regclass) FROM unnest(ARRAY[queue, wake]) AS t;
END
$$;

-- The queue of a stream, which holds keys alone.
CREATE OR REPLACE FUNCTION pgpredict.create_queue(stream text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.create_queue_of(stream, pgpredict.each_key(stream, 'key%4$s %3$s'))
    $$;

-- Creates the queue, the live table and the log of a new stream. The live table leaves room on
-- each page, so that a new prediction of a row finds it on the page of the old one.
CREATE OR REPLACE FUNCTION pgpredict.create_stream_tables(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    answer pgpredict.version := pgpredict.live_row(
        (SELECT s.model FROM pgpredict.stream AS s WHERE s.name = stream));
    columns text := format(
        '%s, prediction %s, probability %s, version integer NOT NULL, at timestamptz NOT NULL',
        pgpredict.each_key(stream, '%1$I %2$s %5$s NOT NULL'),
        answer.label_type::regtype, coalesce(answer.probability_type, 'float8')::regtype);
    live text := format('predict.%I', stream || '_live');
    log text := format('predict.%I', stream || '_log');
    log_default text := format('predict.%I', stream || '_log_default');
BEGIN
    PERFORM pgpredict.create_queue(stream);
    EXECUTE format(
        'CREATE TABLE %s (%s, PRIMARY KEY (%s)) WITH (fillfactor = 85)',
        live, columns, pgpredict.each_key(stream, '%1$I'));
    EXECUTE format(
        'CREATE TABLE %s (%s, shadow boolean NOT NULL DEFAULT false) PARTITION BY RANGE (at)',
        log, columns);
    EXECUTE format('CREATE TABLE %s PARTITION OF %s DEFAULT', log_default, log);
    EXECUTE format('COMMENT ON TABLE %s IS %L', live,
                   format('stream %s: the latest prediction of each row', stream));
    EXECUTE format('COMMENT ON TABLE %s IS %L', log,
                   format('stream %s: every prediction, by day', stream));
    PERFORM pgpredict.hand_over_table(t::regclass)
    FROM unnest(ARRAY[live, log, log_default]) AS t;
END
$$;
