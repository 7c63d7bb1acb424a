-- What stands for the {names} in the templates of a stream.

-- The names of a stream's objects and the texts about its key; they do not depend on the version.
CREATE OR REPLACE FUNCTION pgpredict.key_pieces(stream text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'literal', quote_literal(stream),
        'channel', quote_literal('pgpredict_' || stream),
        'name_score', quote_ident(stream || '_score'),
        'name_apply', quote_ident(stream || '_apply'),
        'name_fail', quote_ident(stream || '_fail'),
        'name_queue', quote_ident(stream || '_queue'),
        'name_live', quote_ident(stream || '_live'),
        'live_literal', quote_literal(format('predict.%I', stream || '_live')),
        'name_log', quote_ident(stream || '_log'),
        'key_arguments', pgpredict.each_key(stream, 'keys%4$s %3$s'),
        'key_columns', pgpredict.each_key(stream, 'key%4$s'),
        'key_parameters', pgpredict.each_key(stream, 'keys%4$s'),
        'key_names', pgpredict.each_key(stream, '%1$I'),
        'k_keys', pgpredict.each_key(stream, 'k.key%4$s'),
        's_is_k', pgpredict.each_key(stream, 's.%1$I = k.key%4$s', ' AND '),
        'l_is_k', pgpredict.each_key(stream, 'l.%1$I = k.key%4$s', ' AND '),
        'n_is_o', pgpredict.each_key(stream, 'n.%1$I = o.%1$I', ' AND '),
        'n_missing', pgpredict.each_key(stream, 'n.%1$I IS NULL', ' OR '),
        'o_missing', pgpredict.each_key(stream, 'o.%1$I IS NULL', ' OR '),
        'k_missing', pgpredict.each_key(stream, 'k.key%4$s IS NULL', ' OR '),
        'n_or_o_keys', pgpredict.each_key(stream, 'coalesce(n.%1$I, o.%1$I)::%2$s AS key%4$s'),
        'n_as_keys', pgpredict.each_key(stream, 'n.%1$I::%2$s AS key%4$s'),
        'o_as_keys', pgpredict.each_key(stream, 'o.%1$I::%2$s AS key%4$s'),
        'new_as_keys', pgpredict.each_key(stream, 'NEW.%1$I::%2$s AS key%4$s'),
        'old_as_keys', pgpredict.each_key(stream, 'OLD.%1$I::%2$s AS key%4$s'),
        's_is_l', pgpredict.each_key(stream, 's.%1$I = l.%1$I', ' AND '),
        'key_of_content', pgpredict.each_key(stream, '%1$L, r.content -> %1$L'),
        'wake_clock', format('%L::regclass', format('pgpredict.%I', stream || '_wake')),
        'backfill_hint', quote_literal(format('SELECT pgpredict.backfill_stream(%L)', stream)),
        'k_arrays', pgpredict.each_key(stream, 'array_agg(k.key%4$s)'),
        'key_moved', pgpredict.each_key(
            stream, 'ROW(NEW.%1$I)::record *<> ROW(OLD.%1$I)::record', ' OR '),
        'one_key', pgpredict.each_key(stream, 'keys%4$s[i : i]'),
        'key_missing_at_i', pgpredict.each_key(stream, 'keys%4$s[i] IS NULL', ' OR '),
        'k_json', 'jsonb_build_object(' || pgpredict.each_key(stream, '%1$L, k.key%4$s') || ')',
        'keys_of_json', pgpredict.each_key(stream, '(f.key ->> %1$L)::%2$s AS key%4$s'),
        'key_literals', pgpredict.each_key(stream, '%1$L'),
        'found_declarations', pgpredict.each_key(stream, 'found%4$s %3$s', '; ') || ';',
        'found_arrays', pgpredict.each_key(stream, 'array_agg(s.key%4$s)'),
        'found_names', pgpredict.each_key(stream, 'found%4$s'),
        'changed_declarations', pgpredict.each_key(stream, 'changed%4$s %3$s', '; ') || ';',
        'changed_names', pgpredict.each_key(stream, 'changed%4$s'),
        'batch_names', pgpredict.each_key(stream, 'batch%4$s'),
        'batch_declarations', pgpredict.each_key(stream, 'batch%4$s %3$s', '; ') || ';',
        'key_rest', pgpredict.each_key(stream, 'key%4$s = t.key%4$s[t.take + 1 :]'),
        -- The first keys of those that {keys} gives, as arrays: enough to see whether they are few.
        'few_keys', CASE WHEN (SELECT cardinality(s.key) FROM pgpredict.stream AS s
                               WHERE s.name = key_pieces.stream) = 1
            THEN '(SELECT ARRAY(SELECT k.key1 FROM ({keys}) AS k LIMIT 101) OFFSET 0)'
                 ' AS k (key1)'
            ELSE format('(SELECT %s FROM (SELECT k.* FROM ({keys}) AS k LIMIT 101) AS k) AS k (%s)',
                        pgpredict.each_key(stream, 'array_agg(k.key%4$s)'),
                        pgpredict.each_key(stream, 'key%4$s'))
        END,
        'key_taken', pgpredict.each_key(stream, 't.key%4$s[: t.take]'),
        'last_key_json',
            'jsonb_build_object(' || pgpredict.each_key(stream, '%1$L, batch%4$s[done]') || ')')
    $$;

-- Options of the functions that write keys as JSON, or read them: what is kept of a key must not
-- depend on the settings of whoever writes. Most types of keys need none.
CREATE OR REPLACE FUNCTION pgpredict.key_settings(stream text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(string_agg(DISTINCT o.setting, ' '), '')
    FROM pgpredict.stream AS s,
         pgpredict.key_columns(to_regclass(format('predict.%I', s.name || '_live')), s.key) AS k
    JOIN pg_type AS t ON t.oid = k.type::regtype
    CROSS JOIN (VALUES
        ('timestamptz'::regtype, 'SET timezone = ''UTC'''),
        ('tstzrange', 'SET timezone = ''UTC'''),
        ('tstzrange', 'SET datestyle = ''ISO'''),
        ('tsrange', 'SET datestyle = ''ISO'''),
        ('daterange', 'SET datestyle = ''ISO'''),
        ('bytea', 'SET bytea_output = ''hex'''),
        ('interval', 'SET intervalstyle = ''postgres'''),
        ('money', 'SET lc_monetary = ''C'''),
        ('float4', 'SET extra_float_digits = 1'),
        ('float8', 'SET extra_float_digits = 1')
    ) AS o (type, setting)
    WHERE s.name = key_settings.stream AND t.oid = o.type
    $$;

-- The columns of a table to look at to see whether its inputs change. An input that is computed when
-- it is read has no value in a trigger: all that is stored stands for it.
CREATE OR REPLACE FUNCTION pgpredict.watched_columns(source regclass, inputs text[])
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH columns AS (
        SELECT a.attname::text AS name, a.attgenerated = 'v' AS virtual
        FROM pg_attribute AS a
        WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
    )
    SELECT i.name FROM unnest(inputs) AS i (name)
    WHERE i.name NOT IN (SELECT c.name FROM columns AS c WHERE c.virtual)
    UNION
    SELECT c.name FROM columns AS c
    WHERE NOT c.virtual AND EXISTS (
        SELECT FROM columns AS v WHERE v.virtual AND v.name = ANY (inputs))
    $$;

-- The inputs that the live version and its shadows read of a row with an alias, as a list.
CREATE OR REPLACE FUNCTION pgpredict.stream_inputs(stream text, alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(string_agg(format('%s.%I', alias, w.name), ', ' ORDER BY w.name), '')
    FROM pgpredict.stream AS s,
         LATERAL pgpredict.watched_columns(to_regclass(s.source), ARRAY(
             SELECT i.name
             FROM pgpredict.version AS v, pgpredict.inputs(v.signature) AS i
             WHERE v.model = s.model
               AND (v.live_since IS NOT NULL
                    OR v.version IN (SELECT h.version FROM pgpredict.shadow AS h
                                     WHERE h.stream = s.name)))) AS w (name)
    WHERE s.name = stream_inputs.stream
    $$;

-- All pieces of a stream.
CREATE OR REPLACE FUNCTION pgpredict.stream_pieces(stream text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    s pgpredict.stream := pgpredict.check_stream(stream);
    live pgpredict.version := pgpredict.live_row(s.model);
    keeps_log boolean := s.retention IS DISTINCT FROM interval '0';
    pieces jsonb := pgpredict.key_pieces(stream);
    answers text := pgpredict.answer_columns(s.source, 's', s.model, live.version, '');
    shadow record;
    shadow_answers text := '';
    shadow_logs text := '';
    written text;
BEGIN
    -- A table without children is looked into by the place of the row, which is faster.
    pieces := pieces || jsonb_build_object(
        'source', s.source,
        -- Whether the name of the source means another table than the one that was written to, or
        -- that this is a partition of. The first look costs next to nothing.
        'is_elsewhere', format(
            'to_regclass(%L)::oid IS DISTINCT FROM TG_RELID AND pgpredict.is_elsewhere(%L, %L)',
            s.source, stream, s.source),
        'version', live.version,
        'inputs_of_n', pgpredict.stream_inputs(stream, 'n'),
        'inputs_of_o', pgpredict.stream_inputs(stream, 'o'),
        'inputs_of_new', pgpredict.stream_inputs(stream, 'NEW'),
        'inputs_of_old', pgpredict.stream_inputs(stream, 'OLD'),
        'still_there', CASE
            WHEN (SELECT c.relkind = 'r' AND NOT c.relhassubclass
                  FROM pg_class AS c WHERE c.oid = s.source::regclass)
            THEN 's.ctid = k.row_at'
            ELSE (pieces ->> 's_is_k') || ' AND s.ctid = k.row_at AND s.tableoid = k.table_at'
        END);
    FOR shadow IN
        SELECT h.version
        FROM pgpredict.shadow AS h
        WHERE h.stream = s.name AND h.version <> live.version AND keeps_log
        ORDER BY h.version
    LOOP
        shadow_answers := shadow_answers || E',\n                   ' || pgpredict.answer_columns(
            s.source, 's', s.model, shadow.version, format('v%s_', shadow.version));
        shadow_logs := shadow_logs || pgpredict.fill(
            pgpredict.logged_template(),
            pieces || jsonb_build_object('prefix', format('v%s_', shadow.version),
                                         'version', shadow.version, 'shadow', 'true'));
    END LOOP;
    written := pgpredict.fill(pgpredict.written_template(), pieces)
        || CASE WHEN keeps_log
               THEN pgpredict.fill(pgpredict.logged_template(),
                                   pieces || '{"prefix": "", "shadow": "false"}')
               ELSE ''
           END;
    RETURN pieces || jsonb_build_object(
        'with_shadows_first', CASE WHEN shadow_logs <> '' THEN 'true, false' ELSE 'false' END,
        'scored', pgpredict.fill(
            pgpredict.scored_template(), pieces || jsonb_build_object('answers', answers)),
        'written', written,
        'scored_with_shadows', pgpredict.fill(
            pgpredict.scored_template(),
            pieces || jsonb_build_object('answers', answers || shadow_answers)),
        'written_with_shadows', written || shadow_logs);
END
$$;
