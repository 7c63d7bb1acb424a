-- The gate: which rows are not learnt, and where they are kept.

-- Why rows cannot be learnt, one text each, NULL where they can: a feature or a label that is
-- missing or not finite, a class that the learner does not know. `own` is what the learner's rules
-- say. A label without a place among the classes is NULL in `labels`.
CREATE OR REPLACE FUNCTION pgpredict.gate_reasons(
    learner pgpredict.learner, features float8[], labels float8[], own text[]) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(
        coalesce(
            (SELECT format('%s is %s', f.name,
                           CASE WHEN v.value IS NULL THEN 'NULL' WHEN v.value = 'NaN' THEN 'NaN'
                               ELSE 'infinite' END)
             FROM unnest((learner).features) WITH ORDINALITY AS f (name, place),
                  LATERAL (SELECT features[(r.i - 1) * cardinality((learner).features) + f.place])
                      AS v (value)
             WHERE v.value IS NULL OR v.value >= 'Infinity' OR v.value = '-Infinity'
             ORDER BY f.place
             LIMIT 1),
            CASE
                WHEN (learner).target IS NULL THEN NULL
                WHEN labels[r.i] IS NULL THEN format('%s is of no known class', (learner).target)
                WHEN labels[r.i] = 'NaN' THEN format('%s is NaN', (learner).target)
                WHEN abs(labels[r.i]) = 'Infinity' THEN format('%s is infinite', (learner).target)
            END,
            own[r.i])
        ORDER BY r.i)
    FROM generate_series(1, cardinality(labels)) AS r (i)
    $$;

-- pgpredict.<learner>_quarantine(keys, reasons): keeps the rows that have a reason. Returns how
-- many.
CREATE OR REPLACE FUNCTION pgpredict.quarantine_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
DECLARE
    held integer;
BEGIN
    INSERT INTO pgpredict.quarantine (learner, key, content, reason)
    SELECT {literal}, k.key, (SELECT to_jsonb(s.*) FROM {source} AS s WHERE {s_is_text}), k.reason
    FROM unnest(keys, reasons) WITH ORDINALITY AS k (key, reason, place)
    WHERE k.reason IS NOT NULL
    ORDER BY k.place;
    GET DIAGNOSTICS held = ROW_COUNT;
    RETURN held;
END
$body$;
