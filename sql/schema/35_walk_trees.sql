-- Sums over trees: what functions of the form `nodes` call.
--
-- They call it by its name, whoever calls them, so its schema is open to everybody. The function
-- reads no table.

CREATE SCHEMA IF NOT EXISTS predict_runtime;

COMMENT ON SCHEMA predict_runtime IS
    'pgpredict: what the functions of models call themselves, for everybody';

-- In PL/pgSQL, unless somebody installed it in C.
DO $install$
BEGIN
    IF 'c' = (
        SELECT l.lanname
        FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
        WHERE p.oid = to_regprocedure('predict_runtime.walk_trees(float8[], float8[])')
    ) THEN
        RETURN;
    END IF;

    -- trees: how many sums there are, and what each starts from; then for each tree the place
    -- behind it and its nodes, each before its children. A comparison is the number of an input
    -- (negative where a missing one goes the way of a small one), a bound, and the place of the
    -- node for a greater number; the node for any other follows. A leaf is 0 and what it adds to
    -- each sum. NULL and NaN are missing.
    CREATE OR REPLACE FUNCTION predict_runtime.walk_trees(trees float8[], inputs float8[])
        RETURNS float8[]
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
        AS $$
    DECLARE
        outputs integer := trees[1];
        sums float8[] := trees[2:outputs + 1];
        place integer := outputs + 2;
        behind integer;
        asked integer;
        number float8;
        next integer;
    BEGIN
        IF (outputs BETWEEN 1 AND cardinality(trees) - 1) IS NOT TRUE THEN
            RAISE invalid_parameter_value USING MESSAGE = 'these are no trees';
        END IF;
        WHILE place <= cardinality(trees) LOOP
            behind := trees[place];
            place := place + 1;
            LOOP
                asked := trees[place];
                EXIT WHEN asked = 0;
                number := nullif(inputs[abs(asked)], 'NaN');
                next := CASE WHEN coalesce(number <= trees[place + 1], asked < 0) THEN place + 3
                             ELSE trees[place + 2] END;
                IF (abs(asked) <= cardinality(inputs) AND next > place) IS NOT TRUE THEN
                    RAISE invalid_parameter_value USING MESSAGE = 'these are no trees';
                END IF;
                place := next;
            END LOOP;
            IF (behind BETWEEN place + 1 AND cardinality(trees) + 1
                AND place + outputs <= cardinality(trees)) IS NOT TRUE
            THEN
                RAISE invalid_parameter_value USING MESSAGE = 'these are no trees';
            END IF;
            FOR output IN 1 .. outputs LOOP
                sums[output] := sums[output] + trees[place + output];
            END LOOP;
            place := behind;
        END LOOP;
        RETURN sums;
    END
    $$;
END
$install$;

-- The language of the function in this database: plpgsql, or c.
CREATE OR REPLACE FUNCTION pgpredict.walker_language() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT l.lanname::text
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.oid = to_regprocedure('predict_runtime.walk_trees(float8[], float8[])')
    $$;

-- Puts the function in C in place of the one in PL/pgSQL.
--
-- library: a file that the server can read, as CREATE FUNCTION takes it: $libdir/pgpredict_trees
-- where `make -C sql/native install` put it. Only a superuser may.
CREATE OR REPLACE FUNCTION pgpredict.use_native_walker(
    library text DEFAULT '$libdir/pgpredict_trees'
) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION predict_runtime.walk_trees(trees float8[], inputs float8[])
             RETURNS float8[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS %L, ''walk_trees''',
        library);
    -- x <= 3 gives 1, else 2, and it starts from a half.
    IF predict_runtime.walk_trees('{1,0.5,11,1,3,9,0,1,0,2}', '{2}') <> '{1.5}' THEN
        RAISE invalid_function_definition USING
            MESSAGE = format('the library %s does not do what pgpredict expects', library),
            HINT = 'Build it from the files of this release: make -C sql/native install';
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('role %s may not install a function in C', current_user),
            HINT = format('Have a superuser run: SELECT pgpredict.use_native_walker(%L)', library);
    WHEN undefined_file OR undefined_function THEN
        RAISE undefined_file USING
            MESSAGE = format('the server has no library %s with the function walk_trees', library),
            DETAIL = SQLERRM,
            HINT = 'Build and install it on the server: make -C sql/native install';
END
$$;
