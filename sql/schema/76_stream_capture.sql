-- pgpredict.<stream>_capture(): the trigger function on the source.
--
-- It runs in the transaction of whoever writes, as the owner of the schema, and never fails him:
-- what goes wrong is kept as a failure with the keys, or at the very least warned of.
--
-- Statement triggers see the rows of a statement in transition tables. A source that logical
-- replication fills needs row triggers: they alone fire there, and only if they are ENABLE ALWAYS.

-- The rows of a statement, or the row of a row trigger, by what the writer did: their keys, and
-- all of them as JSON. For an UPDATE those count of which an input changed, or the key. Bytes are
-- compared, since an equality may hold for values that a model tells apart. With its star a row is
-- meant, even if a column of it has the same name.
CREATE OR REPLACE FUNCTION pgpredict.captured(level text)
    RETURNS TABLE (operation text, keys text, rows_as_json text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT c.operation, c.keys, c.rows_as_json
    FROM (VALUES
        ('statement', 1, 'INSERT',
         'SELECT {n_as_keys} FROM new_rows AS n',
         'SELECT to_jsonb(n.*) FROM new_rows AS n'),
        ('statement', 2, 'UPDATE',
         'SELECT {n_or_o_keys} FROM new_rows AS n FULL JOIN old_rows AS o ON {n_is_o}'
         ' WHERE {n_missing} OR {o_missing}'
         ' OR ROW({inputs_of_n})::record *<> ROW({inputs_of_o})::record',
         'SELECT to_jsonb(n.*) FROM new_rows AS n'
         ' UNION ALL SELECT to_jsonb(o.*) FROM old_rows AS o'),
        ('statement', 3, 'DELETE',
         'SELECT {o_as_keys} FROM old_rows AS o',
         'SELECT to_jsonb(o.*) FROM old_rows AS o'),
        ('row', 1, 'INSERT',
         'SELECT {new_as_keys}',
         'SELECT to_jsonb(NEW)'),
        ('row', 2, 'UPDATE',
         'SELECT {new_as_keys} WHERE {key_moved}'
         ' OR ROW({inputs_of_new})::record *<> ROW({inputs_of_old})::record'
         ' UNION ALL SELECT {old_as_keys} WHERE {key_moved}',
         'SELECT to_jsonb(NEW) UNION ALL SELECT to_jsonb(OLD)'),
        ('row', 3, 'DELETE',
         'SELECT {old_as_keys}',
         'SELECT to_jsonb(OLD)')
    ) AS c (level, place, operation, keys, rows_as_json)
    WHERE c.level = captured.level
    ORDER BY c.place
    $$;

-- The same statement for each operation, or another one for an UPDATE, with what was captured in it.
CREATE OR REPLACE FUNCTION pgpredict.per_operation(
    template text, level text, pieces jsonb, template_of_update text DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(
               format(E'IF TG_OP = %L THEN\n        %s\n    ', c.operation, pgpredict.fill(
                   CASE WHEN c.operation = 'UPDATE'
                       THEN coalesce(template_of_update, template) ELSE template END,
                   pieces || jsonb_build_object(
                       'keys', k.keys,
                       'few_keys', pgpredict.fill(
                           pieces ->> 'few_keys', jsonb_build_object('keys', k.keys)),
                       'rows_as_json', pgpredict.fill(c.rows_as_json, pieces)))),
               'ELS')
           || 'END IF;'
    FROM pgpredict.captured(level) AS c,
         LATERAL pgpredict.fill(c.keys, pieces) AS k (keys)
    $$;

-- Puts any number of keys in the queue.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_many_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
            SELECT count(*), {k_arrays}
            FROM (SELECT k.*, (row_number() OVER () - 1) / 100 AS entry FROM ({keys}) AS k) AS k
            GROUP BY k.entry;$body$;

-- Puts keys in the queue, 100 to an entry. Most statements write few rows: one entry, without the
-- sorting into many, and without an aggregate, which costs a writer of one row a fifth more.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
        SELECT cardinality(k.key1), {k_keys}
        FROM {few_keys}
        WHERE cardinality(k.key1) BETWEEN 1 AND 100;
        IF NOT FOUND THEN
            $body$ || pgpredict.enqueue_many_template() || $body$
        END IF;$body$;

-- The same for an UPDATE, which often changes no input: to know that one look is enough.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_changed_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$SELECT {k_keys} INTO {batch_names} FROM {few_keys};
        IF cardinality(batch1) BETWEEN 1 AND 100 THEN
            INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
            VALUES (cardinality(batch1), {batch_names});
        ELSIF cardinality(batch1) > 100 THEN
            $body$ || pgpredict.enqueue_many_template() || $body$
        ELSE
            RETURN NULL;
        END IF;$body$;

-- Scores keys at once.
CREATE OR REPLACE FUNCTION pgpredict.score_now_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$SELECT {k_arrays} INTO {batch_names} FROM ({keys}) AS k;
        PERFORM pgpredict.{name_apply}({batch_names}) WHERE batch1 IS NOT NULL;$body$;

-- In the mode `transaction`: predicts at once, or leaves the keys to a worker. At SERIALIZABLE what
-- is read to predict would count as read by the writer: most of those who write at the same time
-- would fail. And a table that has got another name, while another one took its own, cannot be
-- read by that: the worker goes after it first.
CREATE OR REPLACE FUNCTION pgpredict.now_or_later_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$is_later := current_setting('transaction_isolation') = 'serializable'
        OR ({is_elsewhere});
    IF is_later THEN
    {later}
    ELSE
    {now}
    END IF;$body$;

-- Keeps what could not be captured as a failure, which a worker tries again: the key, or all of the
-- row where it has no such columns any more.
CREATE OR REPLACE FUNCTION pgpredict.keep_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$INSERT INTO pgpredict.failure AS f
            (stream, key, attempts, error, sqlstate, not_before)
        SELECT DISTINCT ON (k.key) {literal}, k.key, 1, message, code,
               CASE WHEN k.key ?& ARRAY[{key_literals}] THEN clock_timestamp() END
        FROM ({rows_as_json}) AS r (content),
             LATERAL (
                 SELECT pgpredict.brief_key(CASE WHEN r.content ?& ARRAY[{key_literals}]
                     THEN jsonb_build_object({key_of_content}) ELSE r.content END)
             ) AS k (key)
        ON CONFLICT (stream, key) DO UPDATE
        SET error = excluded.error, sqlstate = excluded.sqlstate, last_at = excluded.last_at,
            not_before = excluded.not_before;$body$;

CREATE OR REPLACE FUNCTION pgpredict.capture_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    {batch_declarations}
    is_later boolean;
    code text;
    message text;
BEGIN
    {capture}
    IF NOT FOUND THEN
        IF TG_OP = 'TRUNCATE' THEN
            -- Of the source, or of one of its partitions.
            is_later := {is_elsewhere};
            IF NOT is_later THEN
                DELETE FROM predict.{name_live} AS l
                WHERE NOT EXISTS (SELECT FROM {source} AS s WHERE {s_is_l});
            END IF;
            IF is_later OR current_setting('transaction_isolation') <> 'read committed' THEN
                -- Predictions that are younger than this snapshot: a worker finds them.
                INSERT INTO pgpredict.backfill (stream, relation)
                VALUES ({literal}, {live_literal});
            END IF;
        END IF;
        RETURN NULL;
    END IF;
    {wake}
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    BEGIN
        {keep}
    EXCEPTION WHEN OTHERS THEN
        message := message || '; ' || SQLERRM;
        code := NULL;
    END;
    IF code IS NULL OR TG_OP = 'TRUNCATE' THEN
        RAISE WARNING 'stream %: what this statement did is kept nowhere: %', {literal}, message
        USING HINT = {backfill_hint};
    END IF;
    RETURN NULL;
END
$body$;

-- Wakes whoever listens, 20 times a second at most, since commits that notify wait for each other.
-- The sequence is a clock that all sessions see at once, and for which nobody waits; where it is
-- ahead by more than a moment, the machine's own was put back.
CREATE OR REPLACE FUNCTION pgpredict.wake_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$IF abs(1000 * date_part('epoch', clock_timestamp())
           - coalesce(pg_sequence_last_value({wake_clock}), 0) - 24) > 26
    THEN
        PERFORM setval({wake_clock}, (1000 * date_part('epoch', clock_timestamp()))::bigint),
                pg_notify({wake_channel}, {wake_payload});
    END IF;$body$;
