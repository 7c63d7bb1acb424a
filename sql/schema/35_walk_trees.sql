-- Sums over trees: what functions of the form `nodes` call.
--
-- They call it by its name, whoever calls them, so its schema is open to everybody. The function
-- reads no table.

-- Whoever owns it could change what every caller of a model runs: it has to be who owns pgpredict.
DO $$
DECLARE
    owner name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'pgpredict');
    other name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace
                   WHERE nspname = 'predict_runtime');
BEGIN
    IF other IS NULL THEN
        EXECUTE format('CREATE SCHEMA predict_runtime AUTHORIZATION %I', owner);
    ELSIF other <> owner THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('schema predict_runtime belongs to %s, and pgpredict to %s',
                             other, owner),
            HINT = 'Have an administrator drop that schema, or give it to the owner of pgpredict';
    END IF;
END
$$;

COMMENT ON SCHEMA predict_runtime IS
    'pgpredict: what the functions of models call themselves, for everybody';

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

-- In PL/pgSQL, unless somebody installed it in C.
DO $install$
BEGIN
    IF pgpredict.walker_language() = 'c' THEN
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
