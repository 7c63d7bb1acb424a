-- How a learner reads the rows of a batch, and predicts them as they are read.

-- Of an answer that asks for the kernel's note on the parameters ($1[23] = 1) what usual rows get,
-- and that question. NULL: the answer is not of this kind.
CREATE OR REPLACE FUNCTION pgpredict.usual_answer(
    expression text, OUT asked text, OUT answer text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT substring(b.branch FROM '^\$1\[\d+\] = 1'),
           format('(%s)', substr(b.branch, strpos(b.branch, E' THEN\n') + 6))
    FROM regexp_split_to_table(expression, E'\n  WHEN ') AS b (branch)
    WHERE b.branch ~ '^\$1\[\d+\] = 1 AND .* THEN\n'
    $$;

-- `tame` says whether the rows can be predicted with these parameters as they are read.
CREATE OR REPLACE FUNCTION pgpredict.read_batch_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$SELECT array_agg(x.key), array_agg(ARRAY[{row_of_features}]), array_agg(x.label),
               array_agg(x.own), array_agg(CASE WHEN {may_predict} THEN {predicted} END),
               {likely_of_batch}
        INTO keys, wide, labels, own, predicted, likely
        FROM (
            SELECT {key_text} AS key, {read_features}, {read_label} AS label,
                   pgpredict.{name_gate}(s.*, k.released) AS own
            FROM unnest({batch_names}, released) WITH ORDINALITY
                AS k ({key_columns}, released, place)
            JOIN {source} AS s ON {s_is_k}
            WHERE {s_labelled}
            ORDER BY k.place
        ) AS x;$body$;

-- The same with what usual rows get, which is cheaper. Whether all are usual is asked of the
-- batch: a feature close to zero raises as it is read, then the rows are read again and predicted
-- later; what is too large is found among all features.
CREATE OR REPLACE FUNCTION pgpredict.read_usual_batch_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$LOOP
            BEGIN
                {read_batch}
                EXIT;
            EXCEPTION WHEN numeric_value_out_of_range THEN
                IF NOT tame THEN
                    RAISE;
                END IF;
                tame := false;
            END;
        END LOOP;$body$;

-- The pieces that read a batch; `pieces` hold those of the learner.
CREATE OR REPLACE FUNCTION pgpredict.batch_pieces(
    learner pgpredict.learner, pieces jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    features CONSTANT text[] := string_to_array(pieces ->> 'row_of_features', ', ');
    kind CONSTANT text := pgpredict.learner_kind(learner);
    usual jsonb := pgpredict.usual_pieces(learner, features);
    filled jsonb := pieces || coalesce(usual, jsonb_build_object(
        'may_predict', 'tame',
        'parameters_tame', 'NOT (''1e100''::float8 < ANY (now_at)'
            ' OR ''-1e100''::float8 > ANY (now_at))',
        'never_large', 'false'));
BEGIN
    filled := filled || jsonb_build_object('likely_of_batch', CASE kind
        WHEN 'more classes' THEN pgpredict.fill(
            'array_agg(CASE WHEN {may_predict} THEN {likely} END)', filled)
        ELSE 'NULL::float8[]' END);
    filled := filled || jsonb_build_object(
        'read_batch', pgpredict.fill(pgpredict.read_batch_template(), filled));
    IF usual IS NOT NULL THEN
        filled := filled || jsonb_build_object(
            'read_batch', pgpredict.fill(pgpredict.read_usual_batch_template(), filled));
    END IF;
    RETURN filled;
END
$$;

-- What is asked of usual rows, in the place of what answer_pieces gives; NULL: there is nothing of
-- the kind. A row is predicted if no feature is missing, and none is between zero and 2.4e-100: the
-- product with 1e-224 raises then.
CREATE OR REPLACE FUNCTION pgpredict.usual_pieces(
    learner pgpredict.learner, features text[]) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'parameters_tame', pgpredict.substituted(p.asked, ARRAY['now_at']),
        'never_large', 'true',
        'may_predict', format(
            'tame AND num_nulls(%s) = 0',
            CASE WHEN cardinality(features) > 100 THEN format('VARIADIC ARRAY[%s]', f.products)
                ELSE f.products END),
        'predicted', CASE k.kind WHEN 'two classes' THEN r.answer ELSE p.answer || '::float8' END,
        'likely', CASE k.kind WHEN 'more classes'
            THEN format('(%s)[x.label::integer + 1]', r.answer)
            ELSE 'NULL::float8' END)
    FROM pgpredict.learner_kind(learner) AS k (kind),
         LATERAL (SELECT string_agg('''1e-224''::float8 * ' || name, ', ')
                  FROM unnest(features) AS t (name)) AS f (products),
         LATERAL (SELECT u.asked, pgpredict.substituted(u.answer, ARRAY['now_at'] || features)
                  FROM pgpredict.usual_answer((learner).prediction) AS u)
             AS p (asked, answer),
         LATERAL (SELECT pgpredict.substituted(u.answer, ARRAY['now_at'] || features)
                  FROM pgpredict.usual_answer((learner).probability) AS u) AS r (answer)
    WHERE (learner).place = 'database' AND p.answer IS NOT NULL
      AND (k.kind NOT IN ('two classes', 'more classes') OR r.answer IS NOT NULL)
    $$;
