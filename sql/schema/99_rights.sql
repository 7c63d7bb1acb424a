-- PUBLIC may execute every new function, unless it is told otherwise. In `predict` and
-- `predict_versions` that is meant: the right to use the schema is what an administrator grants.

REVOKE ALL ON ALL ROUTINES IN SCHEMA pgpredict FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA pgpredict FROM PUBLIC;
REVOKE ALL ON SCHEMA pgpredict, predict, predict_versions FROM PUBLIC;

-- Whoever may call a model may call what its functions call.
GRANT USAGE ON SCHEMA predict_runtime TO PUBLIC;
GRANT EXECUTE ON FUNCTION predict_runtime.walk_trees(float8[], float8[]) TO PUBLIC;
