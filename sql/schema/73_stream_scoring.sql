-- pgpredict.<stream>_score(keys …, with_shadows): makes the predictions of some rows those of what
-- the source holds now.
--
-- Everything that writes predictions goes through it: the worker, a trigger of the mode
-- `transaction`, a retry, a backfill. So one rule keeps them right, whoever overtakes whom:
--
--     Whoever writes a prediction has the lock on its row in the live table, and looks at the
--     source once more, in a new snapshot, after he has it.
--
-- A row that changed in between goes back to the queue. A row that is gone takes its prediction
-- along: its place in the live table is locked first, even if nothing is there, so that a worker
-- that read the row before is waited for. This needs READ COMMITTED, where each statement sees what
-- was committed before it. In the mode `transaction` the writer holds the row of the source itself.
--
-- Keys are passed as one array per column, and stand there once. They are sorted, so that two
-- workers lock in the same order. Hash and merge joins are off: a few keys never are a reason to
-- read a table of a billion rows, whatever the statistics say.

-- The call of a frozen function with the columns of a row of `source`, which has the alias `alias`.
CREATE OR REPLACE FUNCTION pgpredict.frozen_call(
    source regclass, alias text, model text, version integer, suffix text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.frozen_name(v.model, v.version, suffix)
           || '('
           || coalesce(
               (SELECT string_agg(pgpredict.passed(frozen_call.source, alias, i.name, i.type), ', '
                                  ORDER BY i.position)
                FROM pgpredict.inputs(v.signature) AS i), '')
           || ')'
    FROM pgpredict.version AS v
    WHERE v.model = frozen_call.model AND v.version = frozen_call.version
    $$;

-- The prediction and the probability of a version as two columns of a SELECT.
CREATE OR REPLACE FUNCTION pgpredict.answer_columns(
    source regclass, alias text, model text, version integer, prefix text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        '%s AS %I, %s AS %I',
        pgpredict.frozen_call(answer_columns.source, alias, v.model, v.version, ''),
        prefix || 'prediction',
        CASE WHEN v.probability_type IS NULL THEN 'NULL::float8'
            ELSE pgpredict.frozen_call(answer_columns.source, alias, v.model, v.version, '_proba')
        END,
        prefix || 'probability')
    FROM pgpredict.version AS v
    WHERE v.model = answer_columns.model AND v.version = answer_columns.version
    $$;

CREATE OR REPLACE FUNCTION pgpredict.score_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
DECLARE
    moment timestamptz := clock_timestamp();
    read_rows tid[];
    read_tables oid[];
    {found_declarations}
    {changed_declarations}
    changes integer;
BEGIN
    IF with_shadows THEN
        WITH {scored_with_shadows},
        {written_with_shadows}
        SELECT array_agg(s.row_at), array_agg(s.table_at), {found_arrays}
        INTO read_rows, read_tables, {found_names}
        FROM scored AS s;
    ELSE
        WITH {scored},
        {written}
        SELECT array_agg(s.row_at), array_agg(s.table_at), {found_arrays}
        INTO read_rows, read_tables, {found_names}
        FROM scored AS s;
    END IF;

    -- Rows that are gone.
    IF cardinality(read_rows) IS DISTINCT FROM cardinality(keys1) THEN
        INSERT INTO predict.{name_live} AS l ({key_names}, version, at)
        SELECT {k_keys}, 0, moment
        FROM unnest({key_parameters}) AS k ({key_columns})
        WHERE NOT EXISTS (SELECT FROM {source} AS s WHERE {s_is_k})
        ORDER BY {k_keys}
        ON CONFLICT ({key_names}) DO UPDATE SET version = l.version;
        DELETE FROM predict.{name_live} AS l
        USING (SELECT {key_columns} FROM unnest({key_parameters}) AS k ({key_columns})) AS k
        WHERE {l_is_k}
          AND (l.version = 0 OR NOT EXISTS (SELECT FROM {source} AS s WHERE {s_is_k}));
    END IF;

    -- Rows that changed since they were read.
    SELECT {k_arrays}, count(*)
    INTO {changed_names}, changes
    FROM unnest({found_names}, read_rows, read_tables) AS k ({key_columns}, row_at, table_at)
    WHERE NOT EXISTS (SELECT FROM {source} AS s WHERE {still_there});
    IF changes > 0 THEN
        INSERT INTO pgpredict.{name_queue} (rows, {key_columns})
        VALUES (changes, {changed_names});
    END IF;

    -- What failed before, and did not now.
    IF EXISTS (SELECT FROM pgpredict.failure AS f WHERE f.stream = {literal}) THEN
        DELETE FROM pgpredict.failure AS f
        USING unnest({key_parameters}) AS k ({key_columns})
        WHERE f.stream = {literal} AND f.key = {k_json};
    END IF;
END
$body$;

-- The part that reads the source, and asks the model and the versions in its shadow.
CREATE OR REPLACE FUNCTION pgpredict.scored_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $part$scored AS MATERIALIZED (
            SELECT {k_keys}, s.ctid AS row_at, s.tableoid AS table_at,
                   {answers}
            FROM unnest({key_parameters}) AS k ({key_columns})
            JOIN {source} AS s ON {s_is_k}
            ORDER BY {k_keys}
        )$part$;

-- The part that writes what the model said.
CREATE OR REPLACE FUNCTION pgpredict.written_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $part$written AS (
            INSERT INTO predict.{name_live} AS l (
                {key_names}, prediction, probability, version, at)
            SELECT {key_columns}, prediction, probability, {version}, moment FROM scored
            ON CONFLICT ({key_names}) DO UPDATE
            SET prediction = excluded.prediction, probability = excluded.probability,
                version = excluded.version, at = excluded.at
        )$part$;

-- The part that keeps the answers of one version in the log.
CREATE OR REPLACE FUNCTION pgpredict.logged_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $part$,
        {prefix}logged AS (
            INSERT INTO predict.{name_log} (
                {key_names}, prediction, probability, version, at, shadow)
            SELECT {key_columns}, {prefix}prediction, {prefix}probability, {version}, moment,
                   {shadow}
            FROM scored
        )$part$;
