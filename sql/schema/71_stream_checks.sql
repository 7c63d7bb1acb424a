-- What a stream needs of its source, and the errors where it is not so.
--
--   PP006 unknown stream      PP007 a stream that exists, or that cannot be      PP008 a bad name

-- Raises unless there is such a stream. Returns its row.
CREATE OR REPLACE FUNCTION pgpredict.check_stream(stream text) RETURNS pgpredict.stream
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found pgpredict.stream;
BEGIN
    SELECT s.* INTO found FROM pgpredict.stream AS s WHERE s.name = check_stream.stream;
    IF found.name IS NULL THEN
        RAISE EXCEPTION 'there is no stream %', coalesce(stream, 'NULL') USING
            ERRCODE = 'PP006',
            DETAIL = coalesce(
                (SELECT 'streams: ' || string_agg(s.name, ', ' ORDER BY s.name)
                 FROM pgpredict.stream AS s),
                'there are no streams yet'),
            HINT = 'SELECT * FROM pgpredict.streams';
    END IF;
    RETURN found;
END
$$;

-- The same, of a stream whose source is still there.
CREATE OR REPLACE FUNCTION pgpredict.stream_with_source(stream text) RETURNS pgpredict.stream
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found pgpredict.stream := pgpredict.check_stream(stream);
BEGIN
    IF to_regclass(found.source) IS NULL OR pgpredict.source_now(stream) IS NULL THEN
        RAISE EXCEPTION 'the source of stream %, %, is gone', stream, found.source USING
            ERRCODE = 'PP005',
            HINT = format('SELECT pgpredict.drop_stream(%L)', stream);
    END IF;
    RETURN found;
END
$$;

-- Raises unless a new stream can have this name.
CREATE OR REPLACE FUNCTION pgpredict.check_new_stream(stream text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    taken text;
BEGIN
    IF stream IS NULL OR stream !~ '^[a-z][a-z0-9_]{0,40}$' THEN
        RAISE EXCEPTION '% is not allowed as the name of a stream',
                        coalesce(quote_literal(stream), 'NULL')
        USING
            ERRCODE = 'PP008',
            HINT = 'use small letters, digits and _, a letter first, at most 41 characters';
    ELSIF stream IN ('work', 'probe') THEN
        RAISE EXCEPTION '% is not allowed as the name of a stream', stream USING
            ERRCODE = 'PP008',
            DETAIL = format('workers use the channel pgpredict_%s themselves', stream),
            HINT = 'choose another name for the stream';
    END IF;
    IF EXISTS (SELECT FROM pgpredict.stream AS s WHERE s.name = stream) THEN
        RAISE EXCEPTION 'there is a stream % already', stream USING
            ERRCODE = 'PP007',
            HINT = format('choose another name, or: SELECT pgpredict.drop_stream(%L)', stream);
    END IF;
    SELECT format('%s.%I', c.relnamespace::regnamespace, c.relname) INTO taken
    FROM pg_class AS c
    WHERE (c.relnamespace = 'predict'::regnamespace
           AND (c.relname IN (stream || '_live', stream || '_log', stream || '_shadows')
                OR c.relname ~ format('^%s_log_([0-9]{8}|default)$', stream)))
       OR (c.relnamespace = 'pgpredict'::regnamespace
           AND c.relname IN (stream || '_queue', stream || '_wake'))
    LIMIT 1;
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'cannot create stream %: there is a table % already', stream, taken USING
            ERRCODE = 'PP007',
            HINT = 'choose another name for the stream';
    END IF;
    SELECT 'pgpredict.' || p.oid::regprocedure INTO taken
    FROM pg_proc AS p
    WHERE p.pronamespace = 'pgpredict'::regnamespace
      AND p.proname IN (SELECT stream || f FROM pgpredict.stream_functions() AS f)
    LIMIT 1;
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'cannot create stream %: there is a function % already', stream, taken USING
            ERRCODE = 'PP007',
            HINT = 'choose another name for the stream';
    END IF;
END
$$;

-- What the names of a stream's functions end with.
CREATE OR REPLACE FUNCTION pgpredict.stream_functions() RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT unnest(ARRAY['_score', '_fail', '_apply', '_work', '_capture']) $$;

-- Raises unless rows of a relation can be captured: it is a table of this database that stays.
CREATE OR REPLACE FUNCTION pgpredict.check_stream_source(source regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    relation pg_class;
    what text;
BEGIN
    SELECT c.* INTO relation FROM pg_class AS c WHERE c.oid = source;
    what := CASE
        WHEN source IS NULL THEN 'not named'
        WHEN relation.oid IS NULL THEN 'gone'
        WHEN relation.relpersistence = 't' THEN 'a temporary table'
        WHEN relation.relnamespace IN ('pgpredict'::regnamespace, 'pg_catalog'::regnamespace)
            THEN 'a system table'
        -- What is written through the parent would be missed, or what goes into a child.
        WHEN relation.relispartition THEN 'a partition'
        WHEN relation.relkind = 'r' AND EXISTS (
            SELECT FROM pg_inherits AS i WHERE i.inhparent = source)
            THEN 'the parent of tables that inherit from it'
        WHEN relation.relkind IN ('r', 'p') THEN NULL
        WHEN relation.relkind = 'v' THEN 'a view'
        WHEN relation.relkind = 'm' THEN 'a materialized view'
        WHEN relation.relkind = 'f' THEN 'a foreign table'
        ELSE 'not a table'
    END;
    IF what IS NOT NULL THEN
        RAISE EXCEPTION '% is %: a stream needs a table', coalesce(source::text, 'the source'), what
        USING
            ERRCODE = 'PP005',
            HINT = 'name the table in which the rows arrive, with the columns of the model';
    END IF;
END
$$;

-- Raises unless the caller may put the triggers of a stream on a table and its partitions: the
-- right TRIGGER is enough, but triggers that fire always are for the owner to make.
CREATE OR REPLACE FUNCTION pgpredict.check_may_capture(source regclass, level text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    closed regclass;
    table_owner name;
BEGIN
    SELECT c.oid, pg_get_userbyid(c.relowner) INTO closed, table_owner
    FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p')
      AND (c.oid = source OR c.oid IN (SELECT p.relid FROM pg_partition_tree(source) AS p))
      AND NOT CASE level
                  WHEN 'row' THEN pg_has_role(c.relowner, 'USAGE')
                  ELSE has_table_privilege(c.oid, 'TRIGGER')
              END
    ORDER BY c.oid <> source
    LIMIT 1;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'role % may not put such triggers on %', current_user, closed USING
            ERRCODE = 'PP005',
            HINT = CASE level
                WHEN 'row' THEN format('GRANT %I TO %I', table_owner, current_user)
                ELSE format('GRANT TRIGGER ON %s TO %I', closed, current_user)
            END;
    END IF;
END
$$;

-- The columns of the primary key of a table, in its order; NULL: it has none.
CREATE OR REPLACE FUNCTION pgpredict.primary_key(source regclass) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE i.indrelid = source AND i.indisprimary AND k.place <= i.indnkeyatts
    $$;

-- Whether a unique index stands on exactly these columns, so that they tell every row from another.
CREATE OR REPLACE FUNCTION pgpredict.is_unique(source regclass, key text[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT
        FROM pg_index AS i
        WHERE i.indrelid = source AND i.indisunique AND i.indisvalid AND i.indimmediate
          AND i.indpred IS NULL AND i.indexprs IS NULL
          AND ARRAY(
                  SELECT a.attname::text
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
                  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  WHERE k.place <= i.indnkeyatts
                  ORDER BY a.attname COLLATE "C")
              = ARRAY(SELECT k FROM unnest(key) AS k ORDER BY k COLLATE "C"))
    $$;

-- The key of a stream: the one asked for, or the primary key. Raises where it does not tell every
-- row from another, or has a name that the live table needs for itself.
CREATE OR REPLACE FUNCTION pgpredict.check_key(source regclass, key text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen text[] := coalesce(nullif(key, '{}'), pgpredict.primary_key(source));
    problem text;
BEGIN
    IF chosen IS NULL THEN
        RAISE EXCEPTION '% has no primary key', source USING
            ERRCODE = 'PP005',
            HINT = 'name the columns of a unique constraint: key => ''{id}''';
    END IF;
    SELECT CASE
        WHEN k.name IS NULL THEN 'a name is NULL'
        WHEN a.attnum IS NULL THEN format('no column %I', k.name)
        WHEN k.name = ANY (ARRAY['prediction', 'probability', 'version', 'at', 'shadow', 'agree'])
             OR k.name LIKE 'shadow\_%'
            THEN format('%I is the name of another column of the predictions', k.name)
        WHEN t.typelem <> 0 AND t.typlen = -1 THEN format('%I is an array', k.name)
        WHEN count(*) OVER (PARTITION BY k.name) > 1 THEN format('%I stands there twice', k.name)
    END INTO problem
    FROM unnest(chosen) AS k (name)
    LEFT JOIN pg_attribute AS a
        ON a.attrelid = source AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type AS t ON t.oid = a.atttypid
    ORDER BY 1
    LIMIT 1;
    IF problem IS NULL AND NOT pgpredict.is_unique(source, chosen) THEN
        problem := 'no unique index stands on exactly these columns';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '(%) cannot be the key of %',
                        (SELECT string_agg(coalesce(quote_ident(k), 'NULL'), ', ')
                         FROM unnest(chosen) AS k),
                        source
        USING
            ERRCODE = 'PP005',
            DETAIL = problem,
            HINT = 'name the columns of the primary key or of a unique constraint: key => ''{id}''';
    END IF;
    RETURN chosen;
END
$$;

-- Raises unless the owner of the schema, as whom streams run, can read every row of the source.
CREATE OR REPLACE FUNCTION pgpredict.check_readable(source regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    owner name := (SELECT pg_get_userbyid(n.nspowner)
                   FROM pg_namespace AS n WHERE n.nspname = 'pgpredict');
    table_owner name;
    schema_name name;
    hidden boolean;
BEGIN
    SELECT n.nspname, pg_get_userbyid(c.relowner),
           c.relrowsecurity AND NOT o.rolsuper AND NOT o.rolbypassrls
               AND (c.relforcerowsecurity OR NOT pg_has_role(owner, c.relowner, 'USAGE'))
    INTO schema_name, table_owner, hidden
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_roles AS o ON o.rolname = owner
    WHERE c.oid = source;
    IF NOT has_schema_privilege(owner, schema_name, 'USAGE') THEN
        RAISE EXCEPTION 'role %, as which streams run, may not use schema %', owner, schema_name
        USING
            ERRCODE = 'PP005',
            HINT = format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, owner);
    ELSIF NOT has_table_privilege(owner, source, 'SELECT') THEN
        RAISE EXCEPTION 'role %, as which streams run, may not read %', owner, source USING
            ERRCODE = 'PP005',
            HINT = format('GRANT SELECT ON %s TO %I', source, owner);
    ELSIF hidden THEN
        RAISE EXCEPTION 'row-level security hides rows of % from role %, as which streams run',
                        source, owner
        USING
            ERRCODE = 'PP005',
            HINT = format('let it see them: GRANT %I TO %I, or ALTER ROLE %I BYPASSRLS',
                          table_owner, owner, owner);
    END IF;
END
$$;

-- Raises unless the rows of a source fit a version, and its answers the stream's tables. `cannot`
-- begins the error.
CREATE OR REPLACE FUNCTION pgpredict.check_stream_version(
    source regclass, model text, version integer, cannot text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problems text := (
        SELECT pgpredict.misfits(check_stream_version.source, v.signature)
        FROM pgpredict.version AS v
        WHERE v.model = check_stream_version.model AND v.version = check_stream_version.version);
BEGIN
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION '%: the rows of % do not fit the model', cannot, source USING
            ERRCODE = 'PP005',
            DETAIL = problems,
            HINT = format('the table needs a column for each input of %s v%s', model, version);
    END IF;
END
$$;
