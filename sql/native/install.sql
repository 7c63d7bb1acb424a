-- Puts the function in C in place of the one in PL/pgSQL; a superuser runs it in each database.
CREATE OR REPLACE FUNCTION predict_runtime.walk_trees(trees float8[], inputs float8[])
    RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgpredict_trees', 'walk_trees';
