-- What people read. CREATE OR REPLACE VIEW can only add columns at the end; anything else needs a
-- migration.

CREATE OR REPLACE VIEW pgpredict.models AS
SELECT m.name,
       l.version AS live,
       l.live_since,
       (SELECT count(*) FROM pgpredict.version AS v
        WHERE v.model = m.name AND v.retired_at IS NULL) AS versions,
       (SELECT max(v.version) FROM pgpredict.version AS v WHERE v.model = m.name) AS latest,
       l.description,
       l.kind,
       l.form,
       l.metrics,
       l.source,
       m.created_at,
       m.created_by
FROM pgpredict.model AS m
LEFT JOIN pgpredict.version AS l ON l.model = m.name AND l.live_since IS NOT NULL;

CREATE OR REPLACE VIEW pgpredict.versions AS
SELECT v.model,
       v.version,
       v.live_since IS NOT NULL AS live,
       v.description,
       v.kind,
       v.form,
       v.metrics,
       v.source,
       v.signature,
       v.contract,
       v.label_type,
       v.probability_type,
       v.classes,
       v.sql_bytes,
       v.body_hash,
       v.model_format,
       octet_length(v.model_file) AS model_bytes,
       (SELECT count(*) FROM pgpredict.golden_row AS g
        WHERE g.model = v.model AND g.version = v.version) AS golden_rows,
       v.created_at,
       v.created_by,
       v.retired_at,
       v.retired_by
FROM pgpredict.version AS v;

CREATE OR REPLACE VIEW pgpredict.events AS
SELECT e.at, e.who, e.model, e.version, e.what, e.detail
FROM pgpredict.event AS e
ORDER BY e.id;

COMMENT ON VIEW pgpredict.models IS 'one row per model, with its live version';
COMMENT ON VIEW pgpredict.versions IS 'one row per deployed version, retired ones included';
COMMENT ON VIEW pgpredict.events IS 'who did what, when; oldest first';
