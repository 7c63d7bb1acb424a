-- What people read. CREATE OR REPLACE VIEW can only add columns at the end; anything else needs a
-- migration. They call no function of ours: their readers need SELECT on them alone.

-- The source is told as it is now, not as it was at deploy: a table may be renamed or dropped. That
-- of a live version is whatever predict.<model> takes rows of; that of another one is the table of
-- the recorded name, or the live one's if both were of one name.
CREATE OR REPLACE VIEW pgpredict.versions AS
WITH relation AS (
    SELECT c.reltype, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.reltype <> 0
),
live AS (
    SELECT DISTINCT ON (v.model) v.model, v.source, relation.name AS takes_rows_of
    FROM pgpredict.version AS v
    JOIN pg_proc AS p ON p.proname = v.model::name AND p.pronargs = 1
    JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = 'predict'
    JOIN relation ON relation.reltype = p.proargtypes[0]
    WHERE v.live_since IS NOT NULL
    ORDER BY v.model, relation.name = v.source DESC
)
SELECT v.model,
       v.version,
       v.live_since IS NOT NULL AS live,
       v.description,
       v.kind,
       v.form,
       v.metrics,
       CASE
           WHEN v.live_since IS NOT NULL THEN live.takes_rows_of
           WHEN relation.name IS NOT NULL THEN relation.name
           WHEN v.source = live.source THEN live.takes_rows_of
       END AS source,
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
FROM pgpredict.version AS v
LEFT JOIN relation ON relation.name = v.source
LEFT JOIN live ON live.model = v.model
ORDER BY v.model, v.version;

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
       (SELECT v.source FROM pgpredict.versions AS v WHERE v.model = m.name AND v.live) AS source,
       m.created_at,
       m.created_by
FROM pgpredict.model AS m
LEFT JOIN pgpredict.version AS l ON l.model = m.name AND l.live_since IS NOT NULL
ORDER BY m.name;

CREATE OR REPLACE VIEW pgpredict.events AS
SELECT e.at, e.who, e.model, e.version, e.what, e.detail
FROM pgpredict.event AS e
ORDER BY e.id;

COMMENT ON VIEW pgpredict.models IS 'one row per model, with its live version';
COMMENT ON VIEW pgpredict.versions IS 'one row per deployed version, retired ones included';
COMMENT ON VIEW pgpredict.events IS 'who did what, when; oldest first';
