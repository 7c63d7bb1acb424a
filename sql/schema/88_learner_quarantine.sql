-- What operators do with rows in quarantine.

-- Gives rows in quarantine to the learner again, as they are in the source now: all, or those of
-- some numbers. The learner's own rules do not judge them; what it cannot learn comes back. Rows of
-- which nobody knows the key stay. A row that was not captured may have been learnt before: then it is
-- not learnt again, unless the learner revises. Returns how many go.
CREATE OR REPLACE FUNCTION pgpredict.release_quarantine(learner text, ids bigint[] DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
    SET bytea_output = 'hex'
    SET intervalstyle = 'postgres'
    SET extra_float_digits = 1
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    released bigint;
BEGIN
    EXECUTE pgpredict.fill(
        'WITH known AS ('
        '    SELECT q.id, q.key = '''' AS is_uncaptured, {keys_of_quarantine}'
        '    FROM pgpredict.quarantine AS q'
        '    WHERE q.learner = {literal} AND (q.key <> '''' OR q.content ?& $2)'
        '      AND ($1 IS NULL OR q.id = ANY ($1))),'
        ' gone AS (DELETE FROM pgpredict.quarantine AS q USING known AS k'
        '          WHERE q.learner = {literal} AND q.id = k.id RETURNING q.id),'
        ' learnt AS (SELECT key FROM pgpredict.learner_batch AS b, unnest(b.keys) AS key'
        '            WHERE b.learner = {literal}'
        '              AND EXISTS (SELECT FROM known AS k WHERE k.is_uncaptured)),'
        ' put AS (INSERT INTO pgpredict.{name_queue} (rows, released, {key_columns})'
        '         SELECT count(*), true, {k_arrays} FROM (SELECT k.*, (row_number() OVER'
        '             (ORDER BY k.id) - 1) / 100 AS entry FROM known AS k'
        '             WHERE $3 OR NOT (k.is_uncaptured'
        '                              AND {key_text} IN (SELECT key FROM learnt))'
        '             ORDER BY k.id) AS k'
        '         GROUP BY k.entry ORDER BY k.entry)'
        ' SELECT count(*) FROM gone', pgpredict.learner_pieces(learner))
    INTO released USING ids, l.key, l.updates = 'revise';
    IF released > 0 THEN
        PERFORM pgpredict.record(
            l.name, NULL, 'release_quarantine', jsonb_build_object('rows', released));
        PERFORM pg_notify('pgpredict_work', l.name);
    END IF;
    RETURN released;
END
$$;

-- Forgets rows in quarantine: all, or those of some numbers. Returns how many.
CREATE OR REPLACE FUNCTION pgpredict.discard_quarantine(learner text, ids bigint[] DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    discarded bigint;
BEGIN
    DELETE FROM pgpredict.quarantine AS q
    WHERE q.learner = l.name AND (ids IS NULL OR q.id = ANY (ids));
    GET DIAGNOSTICS discarded = ROW_COUNT;
    IF discarded > 0 THEN
        PERFORM pgpredict.record(
            l.name, NULL, 'discard_quarantine', jsonb_build_object('rows', discarded));
    END IF;
    RETURN discarded;
END
$$;
