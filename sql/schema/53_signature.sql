-- How the signature of a version differs from that of the live one, a line for each change.

CREATE OR REPLACE FUNCTION pgpredict.changed_inputs(old jsonb, new jsonb)
    RETURNS TABLE (line text, "position" bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH input AS (
        SELECT coalesce(n.name, o.name) AS name,
               o.type AS old_type, n.type AS new_type,
               o.position AS old_position, n.position AS new_position
        FROM pgpredict.inputs(old) AS o
        FULL JOIN pgpredict.inputs(new) AS n ON n.name = o.name
    )
    SELECT CASE
               WHEN i.old_type IS NULL THEN format('+ %I %s', i.name, i.new_type)
               WHEN i.new_type IS NULL THEN format('- %I %s', i.name, i.old_type)
               ELSE format('~ %I %s, was %s', i.name, i.new_type, i.old_type)
           END,
           coalesce(i.new_position, 1000 + i.old_position)
    FROM input AS i
    WHERE i.old_type IS DISTINCT FROM i.new_type
    UNION ALL
    SELECT '~ the inputs stand in another order', 0
    WHERE NOT EXISTS (SELECT FROM input AS i WHERE i.old_type IS DISTINCT FROM i.new_type)
      AND EXISTS (SELECT FROM input AS i WHERE i.old_position <> i.new_position)
    $$;

CREATE OR REPLACE FUNCTION pgpredict.signature_changes(model text, version integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(change.line, E'\n' ORDER BY change.position)
    FROM pgpredict.version AS old
    JOIN pgpredict.version AS new
        ON new.model = old.model AND new.version = signature_changes.version
    CROSS JOIN LATERAL (
        SELECT * FROM pgpredict.changed_inputs(old.signature, new.signature)
        UNION ALL
        SELECT format('~ the %s is %s, was %s', what, coalesce(now, 'none'), coalesce(was, 'none')),
               2000 + place
        FROM (VALUES
            (1, 'label', old.label_type, new.label_type),
            (2, 'probability', old.probability_type, new.probability_type),
            (3, 'source', old.source, new.source)
        ) AS fact (place, what, was, now)
        WHERE was IS DISTINCT FROM now
        UNION ALL
        SELECT format('~ the rows of %s do not fit any more: %s', new.source, w), 3000 + i.position
        FROM pgpredict.inputs(new.signature) AS i,
             pgpredict.why_not(to_regclass(new.source), i.name, i.type) AS w
        WHERE to_regclass(new.source) IS NOT NULL AND w IS NOT NULL
    ) AS change (line, "position")
    WHERE old.model = signature_changes.model AND old.live_since IS NOT NULL
    $$;
