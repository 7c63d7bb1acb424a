-- The bodies of what a worker calls: claim, predict, write, in one transaction.

-- What is kept of a key or a row that failed: itself, unless it is too large for the index of
-- pgpredict.failure. Then its long values are cut, and it stands under the name '', which no column
-- has: nobody takes it for a key.
CREATE OR REPLACE FUNCTION pgpredict.brief_key(key jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN pg_column_size(key) <= 2000 THEN key
        WHEN pg_column_size(s.short) <= 2000 THEN s.short
        ELSE jsonb_build_object('', format('%s … hash %s', left(key::text, 300),
                                           hashtextextended(key::text, 0)))
    END
    FROM (SELECT jsonb_build_object('', jsonb_object_agg(
              v.key,
              CASE WHEN length(v.value::text) <= 60 THEN v.value
                  ELSE to_jsonb(format('%s … hash %s', left(v.value #>> '{}', 40),
                                       hashtextextended(v.value::text, 0))) END))
          FROM jsonb_each(key) AS v) AS s (short)
    $$;

-- pgpredict.<stream>_fail(keys …, code, message): keeps keys whose prediction failed. They are
-- tried again after 1, 4, 16 … seconds; after the last attempt they are dead letters.
CREATE OR REPLACE FUNCTION pgpredict.fail_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
BEGIN
    INSERT INTO pgpredict.failure AS f (stream, key, attempts, error, sqlstate, not_before)
    SELECT s.name, j.key, 1, message, code,
           CASE WHEN s.attempts > 1 AND NOT ({k_missing}) AND j.key ?& ARRAY[{key_literals}]
               THEN clock_timestamp() + interval '1 second' END
    FROM pgpredict.stream AS s, unnest({key_parameters}) AS k ({key_columns}),
         LATERAL (SELECT pgpredict.brief_key({k_json})) AS j (key)
    WHERE s.name = {literal}
    ON CONFLICT (stream, key) DO UPDATE
    SET attempts = f.attempts + 1, error = excluded.error, sqlstate = excluded.sqlstate,
        last_at = excluded.last_at,
        not_before = CASE
            WHEN excluded.not_before IS NOT NULL
                 AND f.attempts + 1 < (SELECT s.attempts
                                       FROM pgpredict.stream AS s WHERE s.name = f.stream)
            THEN clock_timestamp() + interval '1 second' * 4 ^ least(f.attempts, 8)
        END;
END
$body$;

-- pgpredict.<stream>_apply(keys …): scores rows, all at once; where that fails, one by one, so that
-- a row that cannot be scored keeps no other one from it.
--
-- An error that comes of the moment (a deadlock, a full disk) is raised again: the transaction is
-- undone, and the keys are still in the queue. One that comes of rights or of missing objects
-- would meet every row alike.
CREATE OR REPLACE FUNCTION pgpredict.apply_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
DECLARE
    code text;
    message text;
    shadows_failed text;
    with_shadows boolean;
BEGIN
    FOREACH with_shadows IN ARRAY ARRAY[{with_shadows_first}] LOOP
        BEGIN
            PERFORM pgpredict.{name_score}({key_parameters}, with_shadows);
            IF shadows_failed IS NOT NULL THEN
                -- Once a minute is enough, and no worker waits for another's note.
                UPDATE pgpredict.shadow AS h
                SET error = shadows_failed, error_at = clock_timestamp()
                WHERE (h.stream, h.version) IN (
                    SELECT o.stream, o.version
                    FROM pgpredict.shadow AS o
                    WHERE o.stream = {literal}
                      AND (o.error IS DISTINCT FROM shadows_failed
                           OR o.error_at < clock_timestamp() - interval '1 minute')
                    FOR UPDATE SKIP LOCKED);
            END IF;
            RETURN;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        END;
        IF left(code, 2) IN ('40', '53', '55', '57', '58') THEN
            RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
        END IF;
        shadows_failed := message;
    END LOOP;
    IF left(code, 2) = '42' THEN
        PERFORM pgpredict.{name_fail}({key_parameters}, code, message);
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(keys1) LOOP
        BEGIN
            IF {key_missing_at_i} THEN
                RAISE EXCEPTION 'a column of the key is NULL: the row cannot be told from others'
                USING ERRCODE = 'null_value_not_allowed';
            END IF;
            PERFORM pgpredict.{name_score}({one_key}, false);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            PERFORM pgpredict.{name_fail}({one_key}, code, message);
        END;
    END LOOP;
END
$body$;

-- pgpredict.<stream>_work(batch): does up to `batch` rows of the queue, else of what failed before,
-- else of the backfill. Returns how many.
--
-- An entry may hold more keys than are still wanted: the rest of it stays. Entries that another
-- worker has are skipped. The first look, at sizes only, keeps this one from locking far more
-- entries than it will take.
CREATE OR REPLACE FUNCTION pgpredict.work_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
DECLARE
    {batch_declarations}
    waiting_since timestamptz;
    done bigint;
    applied bigint;  -- NULL: all that were done
    task pgpredict.backfill;
BEGIN
    WITH near AS (
        SELECT q.rows FROM pgpredict.{name_queue} AS q ORDER BY q.id LIMIT batch
    ),
    wanted AS (
        SELECT count(*) AS entries
        FROM (SELECT sum(n.rows) OVER (ROWS UNBOUNDED PRECEDING) - n.rows AS before
              FROM near AS n) AS n
        WHERE n.before < batch
    ),
    locked AS (
        SELECT q.*
        FROM pgpredict.{name_queue} AS q
        ORDER BY q.id
        LIMIT (SELECT w.entries FROM wanted AS w)
        FOR UPDATE SKIP LOCKED
    ),
    taken AS (
        SELECT l.*, least(l.rows, batch - l.before)::integer AS take
        FROM (SELECT l.*, sum(l.rows) OVER (ORDER BY l.id) - l.rows AS before
              FROM locked AS l) AS l
        WHERE l.before < batch
    ),
    finished AS (
        DELETE FROM pgpredict.{name_queue} AS q
        USING taken AS t
        WHERE q.id = t.id AND t.take = t.rows
    ),
    begun AS (
        UPDATE pgpredict.{name_queue} AS q
        SET rows = t.rows - t.take, {key_rest}
        FROM taken AS t
        WHERE q.id = t.id AND t.take < t.rows
    ),
    one_each AS (
        SELECT {k_keys}, min(t.enqueued_at) AS enqueued_at
        FROM taken AS t, unnest({key_taken}) AS k ({key_columns})
        GROUP BY {k_keys}
    )
    SELECT {k_arrays}, min(k.enqueued_at), count(*)
    INTO {batch_names}, waiting_since, done
    FROM one_each AS k;

    IF done = 0 THEN
        BEGIN
            SELECT {k_arrays}, count(*) INTO {batch_names}, done
            FROM (
                SELECT {keys_of_json}
                FROM pgpredict.failure AS f
                WHERE f.stream = {literal} AND f.not_before <= clock_timestamp()
                ORDER BY f.not_before
                LIMIT batch
                FOR UPDATE SKIP LOCKED
            ) AS k;
        EXCEPTION WHEN data_exception THEN
            RETURN pgpredict.bury_keys({literal}, batch);
        END;
    END IF;
    WHILE done = 0 LOOP
        SELECT b.* INTO task
        FROM pgpredict.backfill AS b
        WHERE b.stream = {literal} AND b.finished_at IS NULL
        ORDER BY b.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED;
        IF task.id IS NULL THEN
            RETURN 0;
        ELSIF to_regclass(task.relation) IS NULL THEN
            -- A partition that went.
            UPDATE pgpredict.backfill AS b SET finished_at = clock_timestamp() WHERE b.id = task.id;
            CONTINUE;
        END IF;
        EXECUTE pgpredict.backfill_query(task) INTO {batch_names}, done USING batch;
        UPDATE pgpredict.backfill AS b
        SET after = CASE WHEN done > 0 THEN {last_key_json} ELSE b.after END,
            finished_at = CASE WHEN done < batch THEN clock_timestamp() END
        WHERE b.id = task.id;
        applied := done;
        IF task.relation = {live_literal} THEN
            -- The rows that are still there come with the source.
            SELECT {k_arrays}, count(*) INTO {batch_names}, applied
            FROM unnest({batch_names}) AS k ({key_columns})
            WHERE NOT EXISTS (SELECT FROM {source} AS s WHERE {s_is_k});
        ELSIF done < batch THEN
            PERFORM pgpredict.fail_keyless(task);
        END IF;
        UPDATE pgpredict.backfill AS b
        SET rows = b.rows + applied
        WHERE b.id = task.id;
    END LOOP;

    applied := coalesce(applied, done);
    IF applied > 0 THEN
        PERFORM pgpredict.{name_apply}({batch_names});
        PERFORM pgpredict.tally({literal}, applied, clock_timestamp() - waiting_since);
        PERFORM pg_notify({channel}, jsonb_build_object('rows', applied)::text);
    END IF;
    RETURN done;
END
$body$;
