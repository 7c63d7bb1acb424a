-- The triggers of a stream: where they belong, where they are, and what is missing.

-- The tables that need the triggers of a stream: its source, and the partitions too, since a
-- statement that names a partition fires only the partition's own.
CREATE OR REPLACE FUNCTION pgpredict.tables_to_capture(stream text) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT to_regclass(s.source) FROM pgpredict.stream AS s
    WHERE s.name = stream AND to_regclass(s.source) IS NOT NULL
    UNION
    SELECT p.relid
    FROM pgpredict.stream AS s, pg_partition_tree(to_regclass(s.source)) AS p
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

-- Whether a name is not that of the table which has the triggers of a stream: the source was
-- renamed, and the stream does not know it yet. Reads the catalog only, by its indexes, so that it
-- raises nothing where the right to use a schema was taken away: work keeps that with the rows.
CREATE OR REPLACE FUNCTION pgpredict.is_elsewhere(stream text, source text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT NOT EXISTS (
        SELECT
        FROM parse_ident(source) AS p (parts)
        JOIN pg_namespace AS n ON n.nspname = p.parts[1]
        JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.parts[2]
        JOIN pg_trigger AS t ON t.tgrelid = c.oid
        WHERE t.tgfoid = to_regproc(format('pgpredict.%I', stream || '_capture')))
    $$;

-- The triggers of a stream or learner that sees all that writers do, on a table. Partitions have the
-- row triggers of their parent already, but not those for TRUNCATE.
CREATE OR REPLACE FUNCTION pgpredict.capturing_triggers(
    owner text, level text, source regclass, relation regclass)
    RETURNS TABLE (name text, operation text, scope text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('pgpredict_%s_%s', owner, lower(e.operation)), e.operation,
           CASE WHEN level = 'row' AND e.operation <> 'TRUNCATE' THEN 'FOR EACH ROW'
               ELSE e.tables || ' FOR EACH STATEMENT' END
    FROM (VALUES
        (1, 'INSERT', 'REFERENCING NEW TABLE AS new_rows'),
        (2, 'UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
        (3, 'DELETE', 'REFERENCING OLD TABLE AS old_rows'),
        (4, 'TRUNCATE', '')
    ) AS e (place, operation, tables)
    WHERE level = 'statement' OR e.operation = 'TRUNCATE' OR relation = source
    ORDER BY e.place
    $$;

-- The triggers that a stream has, or should have.
CREATE OR REPLACE FUNCTION pgpredict.stream_triggers(stream text)
    RETURNS TABLE (relation regclass, name text, operation text, scope text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.relation, t.name, t.operation, t.scope
    FROM pgpredict.stream AS s,
         LATERAL pgpredict.tables_to_capture(s.name) AS r (relation),
         LATERAL pgpredict.capturing_triggers(
             s.name, s.level, to_regclass(s.source), r.relation) AS t
    WHERE s.name = stream_triggers.stream
    $$;

-- The tables of a stream that lack one of them, and which.
CREATE OR REPLACE FUNCTION pgpredict.missing_triggers(stream text)
    RETURNS TABLE (relation regclass, names text[])
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT e.relation, array_agg(e.name ORDER BY e.name)
    FROM pgpredict.stream_triggers(stream) AS e
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger AS t
        WHERE t.tgrelid = e.relation AND t.tgname = e.name
          AND t.tgfoid = to_regproc(format('pgpredict.%I', stream || '_capture')))
    GROUP BY e.relation
    $$;

-- Creates the triggers of a stream on a table, or puts them in place again. Writers are kept out
-- meanwhile, and waited for as long as the caller's lock_timeout allows.
CREATE OR REPLACE FUNCTION pgpredict.create_stream_triggers(stream text, relation regclass)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    capture text := format('pgpredict.%I', stream || '_capture');
    again text := CASE
        WHEN relation IN (SELECT pgpredict.captured_tables(stream)) THEN 'OR REPLACE' END;
    one record;
BEGIN
    FOR one IN
        SELECT t.* FROM pgpredict.stream_triggers(stream) AS t
        WHERE t.relation = create_stream_triggers.relation
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

-- The same on all tables of a stream. A table that somebody else keeps for longer than five seconds
-- raises. So it also waits until everybody who is writing has ended.
CREATE OR REPLACE FUNCTION pgpredict.put_stream_triggers(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '5s'
    AS $$
BEGIN
    PERFORM pgpredict.create_stream_triggers(stream, t)
    FROM pgpredict.tables_to_capture(stream) AS t;
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

-- Takes the triggers of a stream or learner off one table; those that partitions have of their
-- parent stay with it.
CREATE OR REPLACE FUNCTION pgpredict.drop_triggers_on(owner text, relation regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    trigger_name name;
BEGIN
    FOR trigger_name IN
        SELECT t.tgname FROM pg_trigger AS t
        WHERE t.tgrelid = relation AND t.tgparentid = 0
          AND t.tgfoid = to_regproc(format('pgpredict.%I', owner || '_capture'))
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, relation);
    END LOOP;
END
$$;
