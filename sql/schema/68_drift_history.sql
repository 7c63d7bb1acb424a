-- Drift over time: checks that were kept, and a view that charts them.

-- Checks for drift as pgpredict.drift does, and keeps what it finds.
CREATE OR REPLACE FUNCTION pgpredict.record_drift(
    model text, relation regclass, version integer DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, time_column text DEFAULT 'at',
    outputs boolean DEFAULT false, minimum float8 DEFAULT 0.1)
    RETURNS SETOF pgpredict.drift_result
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO pgpredict.drift_result (
        model, version, relation, since, until, role, name, psi, threshold, drifted, rows,
        null_share, baseline_null_share, bins)
    SELECT record_drift.model, pgpredict.usable_version(model, version), relation::text, since,
           until, d.role, d.name, d.psi, d.threshold, d.drifted, d.rows, d.null_share,
           d.baseline_null_share, d.bins
    FROM pgpredict.drift(model, relation, version, since, until, time_column, outputs, minimum)
        AS d
    RETURNING *
    $$;

-- The last check of each day, per relation and column. The day is that of the rows, where the check
-- had a window: a check that runs after midnight tells of the day before.
CREATE OR REPLACE VIEW pgpredict.drift_by_day AS
SELECT DISTINCT ON (model, relation, day, version, role, name)
       coalesce(d.since, d.at)::date AS day,
       d.model, d.version, d.relation, d.role, d.name, d.psi, d.threshold, d.drifted, d.rows,
       d.null_share, d.baseline_null_share, d.at
FROM pgpredict.drift_result AS d
ORDER BY model, relation, day, version, role, name, d.id DESC;

COMMENT ON VIEW pgpredict.drift_by_day IS
    'drift of inputs and outputs by day: the last check of each that pgpredict.record_drift kept';
