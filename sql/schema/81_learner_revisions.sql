-- How a learner that revises what it knows hears of its rows.
--
-- It learns of every change: the trigger leaves the keys in the queue, as a stream's does, and what
-- is done with a key is found out when it is learnt: what pgpredict.<learner>_rows holds of it is
-- taken back, and what the source holds now is learnt. So the order of keys does not matter, nor how
-- often one comes. An entry without keys asks to compare the whole source.

-- What stands for the {names} in the templates of such a learner, besides pgpredict.learner_pieces.
-- A row without a label has no inputs: nothing that changes in it counts.
CREATE OR REPLACE FUNCTION pgpredict.revision_pieces(learner text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'name_rows', quote_ident(learner || '_rows'),
        'name_change', quote_ident(learner || '_change'),
        'name_solve', quote_ident(learner || '_solve'),
        'n_missing', pgpredict.each_learner_key(learner, 'n.%1$I IS NULL', ' OR '),
        'o_missing', pgpredict.each_learner_key(learner, 'o.%1$I IS NULL', ' OR '),
        's_missing', pgpredict.each_learner_key(learner, 's.%1$I IS NULL', ' OR '),
        'n_or_o_keys', pgpredict.each_learner_key(
            learner, 'coalesce(n.%1$I, o.%1$I)::%2$s AS key%4$s'),
        'o_as_keys', pgpredict.each_learner_key(learner, 'o.%1$I::%2$s AS key%4$s'),
        'old_as_keys', pgpredict.each_learner_key(learner, 'OLD.%1$I::%2$s AS key%4$s'),
        'key_moved', pgpredict.each_learner_key(
            learner, 'ROW(NEW.%1$I)::record *<> ROW(OLD.%1$I)::record', ' OR '),
        'h_keys', pgpredict.each_learner_key(learner, 'h.key%4$s'),
        'h_is_k', pgpredict.each_learner_key(learner, 'h.key%4$s = k.key%4$s', ' AND '),
        'h_is_s', pgpredict.each_learner_key(learner, 'h.key%4$s = s.%1$I', ' AND '),
        'h_is_text', CASE WHEN cardinality(l.key) = 1
            THEN pgpredict.each_learner_key(learner, 'h.key%4$s = k.key::%2$s')
            ELSE pgpredict.each_learner_key(
                learner, 'h.key%4$s = (k.key::jsonb ->> %1$L)::%2$s', ' AND ') END,
        'no_key', pgpredict.each_learner_key(learner, '''{NULL}'''),
        'o_labelled', format('o.%I IS NOT NULL', l.target),
        'old_labelled', format('OLD.%I IS NOT NULL', l.target))
        || (SELECT jsonb_object_agg(
                'inputs_of_' || lower(a.alias),
                concat_ws(', ', format('%s.%I', a.alias, l.target), (
                    SELECT string_agg(
                        format('CASE WHEN %1$s.%2$I IS NOT NULL THEN %1$s.%3$I END',
                               a.alias, l.target, w.name), ', ' ORDER BY w.name)
                    FROM pgpredict.watched_columns(
                        to_regclass(l.source), l.target || l.features) AS w (name)
                    WHERE w.name <> l.target)))
            FROM unnest(ARRAY['n', 'o', 'NEW', 'OLD']) AS a (alias))
    FROM pgpredict.learner AS l
    WHERE l.name = revision_pieces.learner
    $$;

-- By what the writer did: the keys of the rows that the learner has to look at, and all rows as
-- JSON.
CREATE OR REPLACE FUNCTION pgpredict.captured_revisions(level text)
    RETURNS TABLE (operation text, keys text, rows_as_json text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT c.operation,
           c.keys || CASE level || ' ' || c.operation
               WHEN 'statement INSERT' THEN ' WHERE {n_labelled}'
               WHEN 'statement DELETE' THEN ' WHERE {o_labelled}'
               WHEN 'row INSERT' THEN ' WHERE {new_labelled}'
               WHEN 'row DELETE' THEN ' WHERE {old_labelled}'
               ELSE '' END,
           c.rows_as_json
    FROM pgpredict.captured(level) AS c
    $$;

-- Asks to compare the source: after a TRUNCATE nobody knows the keys any more.
CREATE OR REPLACE FUNCTION pgpredict.ask_to_compare_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$INSERT INTO pgpredict.{name_queue} (rows, {key_columns}) VALUES (1, {no_key});$body$;

-- What its trigger function does (see pgpredict.learner_captures).
CREATE OR REPLACE FUNCTION pgpredict.revision_captures(learner pgpredict.learner, pieces jsonb)
    RETURNS TABLE (capture text, keep text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(
               format(E'IF TG_OP = %L THEN\n        %s\n    ELS', c.operation,
                      pgpredict.enqueue_labelled(p.pieces, c.keys)), '')
               || format(E'E\n        %s\n    END IF;',
                         pgpredict.fill(pgpredict.ask_to_compare_template(), p.pieces)),
           string_agg(
               format(E'IF TG_OP = %L THEN\n            %s\n        ELS', c.operation,
                      pgpredict.keep_uncaptured(p.pieces, c.rows_as_json)), '')
               || E'E\n            RAISE EXCEPTION ''%'', message;\n        END IF;'
    FROM pgpredict.captured_revisions((learner).level) AS c,
         LATERAL (SELECT pieces || pgpredict.revision_pieces((learner).name)) AS p (pieces)
    GROUP BY p.pieces
    $$;

-- Puts what differs between the source and the rows as they were learnt in the queue: rows that
-- came, changed or went with nobody watching. Returns how many rows that are.
CREATE OR REPLACE FUNCTION pgpredict.enqueue_differences(learner text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET row_security = off
    SET enable_seqscan = on
    SET enable_hashjoin = on
    SET enable_mergejoin = on
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    found bigint;
BEGIN
    EXECUTE pgpredict.fill(
        'WITH differing AS ('
        '     SELECT k.*, (row_number() OVER (ORDER BY {k_keys}) - 1) / 100 AS entry FROM ('
        '         SELECT {s_as_keys} FROM {source} AS s'
        '         LEFT JOIN pgpredict.{name_rows} AS h ON {h_is_s}'
        '         CROSS JOIN LATERAL (SELECT {read_features}, {read_label} AS label) AS x'
        '         WHERE {s_labelled} AND (h.counted IS NULL'
        '             OR h.features IS DISTINCT FROM ARRAY[{row_of_features}]'
        '             OR h.label IS DISTINCT FROM x.label)'
        '         UNION ALL'
        '         SELECT {h_keys} FROM pgpredict.{name_rows} AS h WHERE NOT EXISTS ('
        '             SELECT FROM {source} AS s WHERE {h_is_s} AND {s_labelled})'
        '     ) AS k ({key_columns})),'
        ' put AS ('
        '     INSERT INTO pgpredict.{name_queue} (rows, {key_columns})'
        '     SELECT count(*), {k_arrays} FROM (SELECT k.* FROM differing AS k ORDER BY {k_keys})'
        '         AS k GROUP BY k.entry ORDER BY k.entry)'
        ' SELECT count(*) FROM differing',
        pgpredict.learner_pieces(learner) || pgpredict.revision_pieces(learner)
            || pgpredict.reading_pieces(l) || pgpredict.answer_pieces(l))
    INTO found;
    RETURN found;
END
$$;
