-- Golden rows: what Python said of the sample, beside what the frozen functions say now. All of it
-- only reads, so that it runs on a replica too.

-- The query over the golden rows of a version: the row, both answers, how far apart they are.
-- With two classes the function gives P(second class), so that one alone stands in the lists.
CREATE OR REPLACE FUNCTION pgpredict.golden_query(chosen pgpredict.version) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    columns text;
    passed text;
    answer text;
    probability text;
BEGIN
    -- A model may read nothing at all; a list of columns may not be empty.
    SELECT string_agg(format('%I %s', i.name, i.type), ', ' ORDER BY i.position),
           string_agg(format('i.%I', i.name), ', ' ORDER BY i.position)
    INTO columns, passed
    FROM pgpredict.inputs(chosen.signature) AS i;
    columns := coalesce(columns, 'nothing text');
    answer := format('%s(%s)', pgpredict.frozen_name(chosen.model, chosen.version, ''), passed);
    probability := format('%s(%s)',
        pgpredict.frozen_name(chosen.model, chosen.version, '_proba'), passed);

    -- OFFSET 0 keeps the planner from computing an answer once per mention of it.
    RETURN format(
        $f$
        SELECT a.row_number, a.inputs, a.prediction, a.answer::text, a.expected, %1$s,
               greatest(%2$s, pgpredict.difference_of_lists(a.expected, %1$s))
        FROM (
            SELECT g.row_number, g.inputs, g.prediction, %3$s AS answer,
                   %4$s AS expected, %5$s AS actual
            FROM pgpredict.golden_row AS g
            CROSS JOIN LATERAL jsonb_to_record(g.inputs) AS i (%6$s)
            WHERE g.model = %7$L AND g.version = %8$s
            OFFSET 0
        ) AS a
        $f$,
        CASE chosen.probability_type
            WHEN 'float8' THEN 'CASE WHEN a.actual IS NOT NULL THEN ARRAY[a.actual] END'
            ELSE 'a.actual'
        END,
        CASE chosen.label_type
            WHEN 'float8' THEN 'pgpredict.difference(a.prediction::float8, a.answer)'
            ELSE format('CASE WHEN a.prediction::%s IS NOT DISTINCT FROM a.answer'
                        ' THEN 0 ELSE ''Infinity''::float8 END', chosen.label_type::regtype)
        END,
        answer,
        CASE chosen.probability_type
            WHEN 'float8' THEN 'g.probability[2:2]'
            WHEN 'float8[]' THEN 'g.probability'
            ELSE 'NULL::float8[]'
        END,
        CASE WHEN chosen.probability_type IS NULL THEN 'NULL::float8[]' ELSE probability END,
        columns, chosen.model, chosen.version);
END
$$;

-- Every golden row of a version, by default the live one.
CREATE OR REPLACE FUNCTION pgpredict.golden_answers(model text, version integer DEFAULT NULL)
    RETURNS TABLE (
        row_number integer, inputs jsonb, expected text, actual text,
        expected_probability float8[], actual_probability float8[], difference float8)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen pgpredict.version;
BEGIN
    SELECT v.* INTO chosen
    FROM pgpredict.version AS v
    WHERE v.model = golden_answers.model
      AND v.version = pgpredict.usable_version(golden_answers.model, golden_answers.version);
    RETURN QUERY EXECUTE pgpredict.golden_query(chosen);
END
$$;

-- Runs the golden rows of a version, by default the live one, and counts.
CREATE OR REPLACE FUNCTION pgpredict.verify(
    model text, version integer DEFAULT NULL,
    OUT "rows" bigint, OUT "equal" bigint, OUT differing bigint, OUT max_difference float8)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT count(*),
           count(*) FILTER (WHERE pgpredict.counts_as_equal(g.difference)),
           count(*) FILTER (WHERE NOT pgpredict.counts_as_equal(g.difference)),
           coalesce(max(g.difference), 0)
    FROM pgpredict.golden_answers(model, version) AS g
    $$;

-- The golden rows that differ, the worst first.
CREATE OR REPLACE FUNCTION pgpredict.worst_rows(
    model text, version integer DEFAULT NULL, at_most integer DEFAULT 10)
    RETURNS TABLE (
        row_number integer, inputs jsonb, expected text, actual text,
        expected_probability float8[], actual_probability float8[], difference float8)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT g.*
    FROM pgpredict.golden_answers(model, version) AS g
    WHERE NOT pgpredict.counts_as_equal(g.difference)
    ORDER BY g.difference DESC, g.row_number
    LIMIT at_most
    $$;
