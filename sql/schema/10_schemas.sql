-- The schemas, but for `predict_runtime`: see 35_walk_trees.sql.
--
-- Everything in sql/schema/ can be run again at any time, in the order of the file names, in one
-- transaction, by an ordinary role that may create schemas: no superuser, no extension.
--
--     cat sql/schema/*.sql | psql -1 -v ON_ERROR_STOP=1
--
-- Rights. Nobody but the installing role gets any, until it is granted on purpose:
--
--     GRANT USAGE ON SCHEMA predict TO analyst;        -- may call predict.<model>(…)
--     GRANT USAGE ON SCHEMA pgpredict TO auditor;      -- may read what is deployed
--     GRANT SELECT ON pgpredict.models, pgpredict.versions, pgpredict.events TO auditor;
--     GRANT owner_of_pgpredict TO operator;            -- may deploy, promote, roll back, retire

SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.install', 0));

CREATE SCHEMA IF NOT EXISTS pgpredict;
CREATE SCHEMA IF NOT EXISTS predict;
CREATE SCHEMA IF NOT EXISTS predict_versions;

COMMENT ON SCHEMA pgpredict IS
    'pgpredict: which models are deployed, and the functions that operate them';
COMMENT ON SCHEMA predict IS
    'pgpredict: the live models, one function per model, for everybody who has USAGE';
COMMENT ON SCHEMA predict_versions IS
    'pgpredict: frozen functions of model versions, never changed once deployed';
