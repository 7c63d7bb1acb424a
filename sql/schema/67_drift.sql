-- Drift: rows of a relation beside the sample that a version was deployed with. All of it only
-- reads, so that it runs on a replica too.
--
-- Its own error: PP009 no baseline. Those of 50_registry.sql and 51_source.sql come up as well.

-- The bins of a baseline in their order. Missing values are a bin like any other, number 999, so
-- that a column that empties has drifted.
CREATE OR REPLACE FUNCTION pgpredict.bins(baseline pgpredict.baseline)
    RETURNS TABLE (number integer, bin text, share float8)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH edge AS (
        SELECT e.place,
               CASE baseline.kind
                   WHEN 'time' THEN (to_timestamp(e.edge) AT TIME ZONE 'UTC')::text
                   ELSE e.edge::text
               END AS edge
        FROM unnest(baseline.edges) WITH ORDINALITY AS e (edge, place)
    )
    SELECT s.place::integer - 1,
           CASE
               WHEN baseline.kind = 'category' THEN
                   coalesce(baseline.labels[s.place - 1], '(other)')
               WHEN low.edge IS NULL AND high.edge IS NULL THEN '(any)'
               WHEN low.edge IS NULL THEN '< ' || high.edge
               WHEN high.edge IS NULL THEN '>= ' || low.edge
               ELSE low.edge || ' to ' || high.edge
           END,
           s.share
    FROM unnest(baseline.shares) WITH ORDINALITY AS s (share, place)
    LEFT JOIN edge AS low ON low.place = s.place - 1
    LEFT JOIN edge AS high ON high.place = s.place
    UNION ALL
    SELECT 999, '(missing)', baseline.null_share
    $$;

-- The expression that gives the bin of a value, itself an expression of the type of the column.
CREATE OR REPLACE FUNCTION pgpredict.bin_of(baseline pgpredict.baseline, value text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        CASE baseline.kind
            WHEN 'number' THEN 'coalesce(width_bucket(nullif(%1$s, ''NaN''), %2$L::float8[]), 999)'
            WHEN 'time' THEN
                'coalesce(width_bucket(extract(epoch FROM %1$s)::float8, %2$L::float8[]), 999)'
            ELSE 'CASE WHEN %1$s IS NULL THEN 999'
                 ' ELSE coalesce(array_position(%3$L::text[], (%1$s)::text COLLATE "C"), 0) END'
        END,
        value, baseline.edges, baseline.labels)
    $$;

-- The columns of a version that a relation can be compared in, and the expressions that give their
-- values: of a row "the row", or of what the frozen functions say of it, `said`.
--
-- Rows that fit the model are compared in its inputs and, if `outputs`, in what the version says of
-- them. Other rows may be predictions that are stored, as scores and streams write them: of these
-- the columns prediction and probability are compared.
CREATE OR REPLACE FUNCTION pgpredict.drift_columns(
    chosen pgpredict.version, relation regclass, outputs boolean)
    RETURNS TABLE ("position" integer, value text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problems text := pgpredict.misfits(relation, chosen.signature);
BEGIN
    IF problems IS NOT NULL
        AND pgpredict.why_not(relation, 'prediction', chosen.label_type::regtype::text) IS NOT NULL
    THEN
        RAISE EXCEPTION 'the rows of % do not fit %', relation, chosen.model USING
            ERRCODE = 'PP005',
            DETAIL = problems,
            HINT = format('name a table or view with columns of these names and types, or one that'
                          ' holds predictions, as prediction %s', chosen.label_type);
    END IF;
    RETURN QUERY
    SELECT b.position,
           CASE
               -- With more than two classes it is that of the label, the highest.
               WHEN b.name = 'probability' AND chosen.probability_type = 'float8[]'
                   AND b.role = 'output'
               THEN format('(SELECT max(p) FROM unnest(%s) AS p)', said.value)
               ELSE said.value
           END
    FROM pgpredict.baseline AS b
    LEFT JOIN pgpredict.inputs(chosen.signature) AS i ON b.role = 'input' AND i.name = b.name
    LEFT JOIN pgpredict.outputs(chosen.model, chosen.version) AS o
        ON b.role = 'output' AND (o.suffix = '') = (b.name = 'prediction')
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN b.role = 'output' AND problems IS NULL THEN 'said.' || b.name
            ELSE pgpredict.passed(relation, 'the row', b.name, coalesce(i.type, o.result))
        END
    ) AS said (value)
    WHERE b.model = chosen.model AND b.version = chosen.version
      AND CASE
              WHEN b.role = 'input' THEN problems IS NULL
              WHEN problems IS NULL THEN outputs
              ELSE pgpredict.why_not(relation, b.name, o.result) IS NULL
          END;
END
$$;

-- The rows that are compared: FROM and WHERE of the query that counts.
CREATE OR REPLACE FUNCTION pgpredict.drift_rows(
    chosen pgpredict.version, relation regclass,
    since timestamptz, until timestamptz, time_column text, outputs boolean) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    fits boolean := pgpredict.misfits(relation, chosen.signature) IS NULL;
    said text;
    conditions text;
BEGIN
    IF fits AND outputs THEN
        -- OFFSET 0 keeps the planner from computing an answer once per mention of it.
        SELECT format(', LATERAL (SELECT %s OFFSET 0) AS said',
                      string_agg(
                          format('%s(%s) AS %s',
                                 pgpredict.frozen_name(chosen.model, chosen.version, o.suffix), row,
                                 CASE o.suffix WHEN '' THEN 'prediction' ELSE 'probability' END),
                          ', '))
        INTO said
        FROM pgpredict.outputs(chosen.model, chosen.version) AS o,
             (SELECT string_agg(pgpredict.passed(relation, 'the row', i.name, i.type), ', '
                                ORDER BY i.position)
              FROM pgpredict.inputs(chosen.signature) AS i) AS passed (row);
    END IF;
    IF (since IS NOT NULL OR until IS NOT NULL OR time_column <> 'at')
        AND pgpredict.why_not(relation, time_column, 'timestamp with time zone') IS NOT NULL
        AND pgpredict.why_not(relation, time_column, 'timestamp without time zone') IS NOT NULL
    THEN
        RAISE EXCEPTION '% has no date or time %', relation, coalesce(quote_ident(time_column), '')
        USING
            ERRCODE = 'PP005',
            HINT = 'since and until are held against this column: name another as time_column';
    END IF;
    conditions := concat_ws(
        ' AND ',
        format('"the row".%I >= ', time_column) || quote_literal(since) || '::timestamptz',
        format('"the row".%I < ', time_column) || quote_literal(until) || '::timestamptz',
        CASE WHEN NOT fits AND pgpredict.why_not(relation, 'version', 'integer') IS NULL
            THEN format('"the row".version = %s', chosen.version)
        END);
    RETURN format('%s AS "the row"', relation) || coalesce(said, '')
           || coalesce(' WHERE ' || nullif(conditions, ''), '');
END
$$;

-- How many rows of a relation are in which bin of which column; bins without rows are left out.
CREATE OR REPLACE FUNCTION pgpredict.bin_counts(
    chosen pgpredict.version, relation regclass,
    since timestamptz, until timestamptz, time_column text, outputs boolean)
    RETURNS TABLE ("position" integer, number integer, "rows" bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET jit = off
    AS $$
BEGIN
    -- One scan, one hash table: column and bin are packed into one number. Of the ways to write
    -- this, unnest in the select list takes the least time, a third of LATERAL (VALUES …).
    RETURN QUERY EXECUTE (
        SELECT format(
            'SELECT c.code / 1000, c.code %% 1000, count(*)'
            ' FROM (SELECT unnest(ARRAY[%s]::integer[]) AS code FROM %s) AS c GROUP BY c.code',
            string_agg(format('%s + %s', pgpredict.bin_of(b, c.value), b.position * 1000), ', '),
            pgpredict.drift_rows(chosen, relation, since, until, time_column, outputs))
        FROM pgpredict.drift_columns(chosen, relation, outputs) AS c
        JOIN pgpredict.baseline AS b
            ON b.model = chosen.model AND b.version = chosen.version AND b.position = c.position);
END
$$;

-- How far the rows of a relation are from the sample of a version, by default the live one: a row
-- per input and, if `outputs`, for prediction and probability. `since` (included) and `until`
-- (excluded) are held against `time_column`. Where there are no rows, nothing has drifted and the
-- PSI is NULL.
CREATE OR REPLACE FUNCTION pgpredict.drift(
    model text, relation regclass, version integer DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, time_column text DEFAULT 'at',
    outputs boolean DEFAULT false, minimum float8 DEFAULT 0.1)
    RETURNS TABLE (
        role text, name text, psi float8, threshold float8, drifted boolean, "rows" bigint,
        null_share float8, baseline_null_share float8, bins jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen pgpredict.version;
BEGIN
    SELECT v.* INTO chosen
    FROM pgpredict.version AS v
    WHERE v.model = drift.model
      AND v.version = pgpredict.usable_version(drift.model, drift.version);
    IF NOT EXISTS (SELECT FROM pgpredict.baseline AS b
                   WHERE b.model = chosen.model AND b.version = chosen.version)
    THEN
        RAISE EXCEPTION 'there is no baseline of % v%', chosen.model, chosen.version USING
            ERRCODE = 'PP009',
            DETAIL = 'it was deployed before there were baselines',
            HINT = format('deploy it again; its file, if it was kept: pgpredict export %s '
                          '--version %s', chosen.model, chosen.version);
    END IF;
    RETURN QUERY
    WITH compared AS (
        SELECT b, b.position, b.rows AS expected_rows, count(*) OVER () AS columns
        FROM pgpredict.drift_columns(chosen, relation, outputs) AS c
        JOIN pgpredict.baseline AS b
            ON b.model = chosen.model AND b.version = chosen.version AND b.position = c.position
    ),
    counted AS MATERIALIZED (
        SELECT c.*
        FROM pgpredict.bin_counts(chosen, relation, since, until, time_column, outputs) AS c
    ),
    bin AS (
        SELECT c.b, c.columns, c.expected_rows, bin.number, bin.bin, bin.share,
               bin.share * c.expected_rows AS expected,
               coalesce(n.rows, 0) AS actual,
               sum(n.rows) OVER (PARTITION BY c.position) AS actual_rows
        FROM compared AS c
        CROSS JOIN LATERAL pgpredict.bins(c.b) AS bin
        LEFT JOIN counted AS n ON n.position = c.position AND n.number = bin.number
    ),
    measured AS (
        SELECT bin.b,
               pgpredict.psi(array_agg(expected ORDER BY bin.number),
                             array_agg(actual ORDER BY bin.number)) AS psi,
               pgpredict.psi_threshold(
                   (count(*) FILTER (WHERE expected > 0 OR actual > 0))::integer,
                   max(expected_rows), coalesce(max(actual_rows), 0)::bigint,
                   max(columns)::integer, minimum) AS threshold,
               coalesce(max(actual_rows), 0)::bigint AS rows,
               max(actual / actual_rows) FILTER (WHERE bin.number = 999) AS null_share,
               jsonb_agg(
                   jsonb_build_object(
                       'bin', bin.bin, 'baseline', bin.share,
                       'share', (actual / actual_rows)::float8)
                   ORDER BY bin.number) AS bins
        FROM bin
        GROUP BY bin.b
    )
    SELECT (m.b).role, (m.b).name, m.psi, m.threshold, coalesce(m.psi > m.threshold, false),
           m.rows, m.null_share::float8, (m.b).null_share, m.bins
    FROM measured AS m
    ORDER BY (m.b).position;
END
$$;
