-- How rows come to a learner: the queue, and the trigger function pgpredict.<learner>_capture().
--
-- A row is learnt once: when it comes with its label, or when an UPDATE gives it one. The trigger
-- leaves the keys of such rows in the queue, in the transaction of whoever writes, and never fails
-- him: what goes wrong is kept in the quarantine. It is put together from the templates of the
-- streams (76_stream_capture.sql).

-- One piece of text for each column of a learner's key, as pgpredict.each_key does for streams.
CREATE OR REPLACE FUNCTION pgpredict.each_learner_key(
    learner text, pattern text, separator text DEFAULT ', ') RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(format(pattern, k.name, k.type, k.array_type, k.position, k.collated),
                      separator ORDER BY k.position)
    FROM pgpredict.learner AS l,
         pgpredict.key_columns(to_regclass(l.source), l.key) AS k
    WHERE l.name = each_learner_key.learner
    $$;

-- A key as the text by which the history and the quarantine know it: the value itself, or JSON
-- where the key has several columns. `alias` is of a row with the columns key1, key2 …
CREATE OR REPLACE FUNCTION pgpredict.key_text(learner text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN cardinality(l.key) = 1 THEN 'k.key1::text'
        ELSE format('jsonb_build_object(%s)::text',
                    pgpredict.each_learner_key(learner, '%1$L, k.key%4$s'))
    END
    FROM pgpredict.learner AS l
    WHERE l.name = key_text.learner
    $$;

-- What stands for the {names} in the templates of a learner.
CREATE OR REPLACE FUNCTION pgpredict.learner_pieces(learner text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'literal', quote_literal(learner),
        'source', l.source,
        'name_kernel', quote_ident(learner || '_kernel'),
        'name_answer', quote_ident(learner || '_answer'),
        'name_answer_proba', quote_ident(learner || '_answer_proba'),
        'name_gate', quote_ident(learner || '_gate'),
        'name_quarantine', quote_ident(learner || '_quarantine'),
        'name_apply', quote_ident(learner || '_apply'),
        'name_queue', quote_ident(learner || '_queue'),
        'wake_clock', format('%L::regclass', format('pgpredict.%I', learner || '_wake')),
        'wake_channel', '''pgpredict_work''',
        'wake_payload', quote_literal(learner),
        'key_text', pgpredict.key_text(learner),
        'key_columns', pgpredict.each_learner_key(learner, 'key%4$s'),
        'k_keys', pgpredict.each_learner_key(learner, 'k.key%4$s'),
        'k_arrays', pgpredict.each_learner_key(learner, 'array_agg(k.key%4$s)'),
        's_is_k', pgpredict.each_learner_key(learner, 's.%1$I = k.key%4$s', ' AND '),
        's_is_text', CASE WHEN cardinality(l.key) = 1
            THEN pgpredict.each_learner_key(learner, 's.%1$I = k.key::%2$s')
            ELSE pgpredict.each_learner_key(
                learner, 's.%1$I = (k.key::jsonb ->> %1$L)::%2$s', ' AND ') END,
        'keys_of_quarantine', CASE WHEN cardinality(l.key) = 1
            THEN pgpredict.each_learner_key(
                learner, 'coalesce(nullif(q.key, ''''), q.content ->> %1$L)::%2$s AS key%4$s')
            ELSE pgpredict.each_learner_key(
                learner, '(coalesce(nullif(q.key, '''')::jsonb, q.content) ->> %1$L)::%2$s'
                         ' AS key%4$s') END,
        'n_is_o', pgpredict.each_learner_key(learner, 'n.%1$I = o.%1$I', ' AND '),
        'n_as_keys', pgpredict.each_learner_key(learner, 'n.%1$I::%2$s AS key%4$s'),
        'new_as_keys', pgpredict.each_learner_key(learner, 'NEW.%1$I::%2$s AS key%4$s'),
        's_as_keys', pgpredict.each_learner_key(learner, 's.%1$I::%2$s AS key%4$s'),
        's_keys', pgpredict.each_learner_key(learner, 's.%1$I'),
        'batch_names', pgpredict.each_learner_key(learner, 'batch%4$s'),
        'batch_declarations', pgpredict.each_learner_key(learner, 'batch%4$s %3$s', '; ') || ';',
        'key_rest', pgpredict.each_learner_key(learner, 'key%4$s = entry.key%4$s[take + 1 :]'),
        'take_keys', pgpredict.each_learner_key(
            learner, 'batch%4$s := batch%4$s || entry.key%4$s[: take];', ' '),
        'few_keys', CASE WHEN cardinality(l.key) = 1
            THEN '(SELECT ARRAY(SELECT k.key1 FROM ({keys}) AS k LIMIT 101) OFFSET 0)'
                 ' AS k (key1)'
            ELSE format('(SELECT %s FROM (SELECT k.* FROM ({keys}) AS k LIMIT 101) AS k) AS k (%s)',
                        pgpredict.each_learner_key(learner, 'array_agg(k.key%4$s)'),
                        pgpredict.each_learner_key(learner, 'key%4$s'))
        END,
        'n_labelled', coalesce('n.' || quote_ident(l.target) || ' IS NOT NULL', 'true'),
        'o_unlabelled', coalesce('o.' || quote_ident(l.target) || ' IS NULL', 'false'),
        'new_labelled', coalesce('NEW.' || quote_ident(l.target) || ' IS NOT NULL', 'true'),
        'old_unlabelled', coalesce('OLD.' || quote_ident(l.target) || ' IS NULL', 'false'),
        's_labelled', coalesce('s.' || quote_ident(l.target) || ' IS NOT NULL', 'true'))
    FROM pgpredict.learner AS l
    WHERE l.name = learner_pieces.learner
    $$;

-- Options of the functions that write keys as text: a key must not depend on the settings of
-- whoever writes. Most types of keys need none, and each costs a small batch a percent of its
-- time.
CREATE OR REPLACE FUNCTION pgpredict.learner_settings(learner text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(string_agg(DISTINCT o.setting, ' '), '')
    FROM pgpredict.learner AS l,
         pgpredict.key_columns(to_regclass(l.source), l.key) AS k,
         (VALUES
             ('SET timezone = ''UTC'''), ('SET datestyle = ''ISO'''),
             ('SET bytea_output = ''hex'''), ('SET intervalstyle = ''postgres'''),
             ('SET extra_float_digits = 1'), ('SET lc_monetary = ''C''')
         ) AS o (setting)
    WHERE l.name = learner_settings.learner
      AND k.type::regtype <> ALL (ARRAY['int2', 'int4', 'int8', 'text', 'varchar', 'bpchar', 'uuid',
                                        'numeric', 'boolean', 'oid', 'name']::regtype[])
    $$;

-- The keys of the rows that a statement, or the row of a row trigger, gives to learn.
CREATE OR REPLACE FUNCTION pgpredict.labelled_keys(level text, operation text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN CASE level || ' ' || operation
        WHEN 'statement INSERT' THEN
            'SELECT {n_as_keys} FROM new_rows AS n WHERE {n_labelled}'
        WHEN 'statement UPDATE' THEN
            'SELECT {n_as_keys} FROM new_rows AS n JOIN old_rows AS o ON {n_is_o}'
            ' WHERE {n_labelled} AND {o_unlabelled}'
        WHEN 'row INSERT' THEN 'SELECT {new_as_keys} WHERE {new_labelled}'
        WHEN 'row UPDATE' THEN 'SELECT {new_as_keys} WHERE {new_labelled} AND {old_unlabelled}'
    END;

CREATE OR REPLACE FUNCTION pgpredict.learner_capture_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    {batch_declarations}
    message text;
BEGIN
    {capture}
    {wake}
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    message := SQLERRM;
    BEGIN
        {keep}
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'learner %: what this statement did is kept nowhere: %; %',
                      {literal}, message, SQLERRM;
    END;
    RETURN NULL;
END
$body$;

-- Puts keys in the queue, 100 to an entry, in the order in which the statement wrote the rows: it
-- is the order in which they are learnt. Most statements write few rows, or none with a label.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_labelled_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$SELECT {k_keys} INTO {batch_names} FROM {few_keys};
        IF cardinality(batch1) BETWEEN 1 AND 100 THEN
            INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
            VALUES (cardinality(batch1), {batch_names});
        ELSIF cardinality(batch1) > 100 THEN
            INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
            SELECT count(*), {k_arrays}
            FROM (SELECT k.*, (row_number() OVER () - 1) / 100 AS entry FROM ({keys}) AS k) AS k
            GROUP BY k.entry
            ORDER BY k.entry;
        ELSE
            RETURN NULL;
        END IF;$body$;

-- What puts the keys that a query gives in the queue.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_labelled(pieces jsonb, query text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.fill(
        pgpredict.enqueue_labelled_template(),
        pieces || jsonb_build_object('keys', k.keys, 'few_keys', pgpredict.fill(
            pieces ->> 'few_keys', jsonb_build_object('keys', k.keys))))
    FROM pgpredict.fill(query, pieces) AS k (keys)
    $$;

-- Keeps rows that could not be captured.
CREATE OR REPLACE FUNCTION pgpredict.keep_uncaptured(pieces jsonb, rows_as_json text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.fill(
        'INSERT INTO pgpredict.quarantine (learner, key, content, reason)'
        ' SELECT {literal}, '''', r.content, ''it could not be captured: '' || message'
        ' FROM ({rows_as_json}) AS r (content);',
        pieces || jsonb_build_object('rows_as_json', rows_as_json))
    $$;

-- Creates the queue of a learner, and the clock of its wake-ups, where they are missing. Beside the
-- keys an entry says whether somebody released its rows from the quarantine: the learner's own
-- rules do not judge them again.
CREATE OR REPLACE FUNCTION pgpredict.create_learner_queue(learner text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.create_queue_of(
        learner,
        pgpredict.each_learner_key(learner, 'key%4$s %3$s')
            || ', released boolean NOT NULL DEFAULT false')
    $$;

-- Puts every labelled row that the source holds in the queue, in the order of the key.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_source(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    pieces jsonb := pgpredict.learner_pieces(learner);
BEGIN
    EXECUTE pgpredict.fill(
        'INSERT INTO pgpredict.{name_queue} (rows, {key_columns})'
        ' SELECT count(*), {k_arrays} FROM ('
        '     SELECT {s_as_keys}, (row_number() OVER (ORDER BY {s_keys}) - 1) / 100 AS entry'
        '     FROM {source} AS s WHERE {s_labelled} ORDER BY {s_keys}) AS k'
        ' GROUP BY k.entry ORDER BY k.entry', pieces);
END
$$;
