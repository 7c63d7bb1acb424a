-- What answers for learners that learn in the worker: layers of weighted sums, such as those of a
-- network.

-- The values of the last layer. `parameters` are, one after the other: 1, or 0 for no answer; what
-- is taken from each input, and what that is divided by; then for each layer the weights of each
-- unit, and what is added to its sum. `sizes` says how many inputs there are, then the units of each
-- layer; `activations` names a function for each. NULL where an input is missing, not finite or
-- beyond 1e100.
--
-- No product overflows or underflows: parameters are 0 or between 1e-50 and 1e50, and from one layer
-- to the next go 0 and what is between 1e-200 and 1e200; where more would go, there is no answer.
CREATE OR REPLACE FUNCTION pgpredict.layers(
    parameters float8[], inputs float8[], sizes integer[], activations text[]) RETURNS float8[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    small CONSTANT float8 := 1e-200;
    given float8[] := inputs;
    units float8[];
    activation text;
    count integer := sizes[1];
    at integer := 1 + 2 * count;  -- before the weights of a unit
    added integer;                -- before what is added to the sums of a layer
    total float8;
BEGIN
    IF parameters[1] IS DISTINCT FROM 1 THEN
        RETURN NULL;
    END IF;
    FOR i IN 1 .. count LOOP
        total := given[i];
        IF total IS NULL OR NOT abs(total) <= 1e100::float8 THEN
            RETURN NULL;
        END IF;
        total := (CASE WHEN abs(total) < small THEN 0 ELSE total END - parameters[1 + i])
                 / parameters[1 + count + i];
        given[i] := CASE WHEN abs(total) < small THEN 0 ELSE total END;
    END LOOP;
    FOR layer IN 1 .. cardinality(activations) LOOP
        activation := activations[layer];
        added := at + count * sizes[layer + 1];
        units := '{}';
        FOR unit IN 1 .. sizes[layer + 1] LOOP
            total := parameters[added + unit];
            FOR i IN 1 .. count LOOP
                total := total + parameters[at + i] * given[i];
            END LOOP;
            at := at + count;
            total := CASE activation
                WHEN 'relu' THEN greatest(total, 0)
                WHEN 'logistic' THEN 1 / (1 + exp(-greatest(-700, least(700, total))))
                WHEN 'tanh' THEN tanh(total)
                WHEN 'exp' THEN CASE WHEN total > 709.78::float8 THEN 'Infinity'
                                     WHEN total < -700 THEN 0 ELSE exp(total) END
                ELSE total END;
            IF abs(total) > 1e200::float8 AND layer < cardinality(activations) THEN
                RETURN NULL;
            END IF;
            units[unit] := CASE WHEN abs(total) < small THEN 0 ELSE total END;
        END LOOP;
        at := at + sizes[layer + 1];
        count := sizes[layer + 1];
        given := units;
    END LOOP;
    RETURN CASE activation WHEN 'softmax' THEN pgpredict.softmax(given) ELSE given END;
END
$$;

-- The shares of the exponentials of some numbers in their sum.
CREATE OR REPLACE FUNCTION pgpredict.softmax(numbers float8[]) RETURNS float8[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(s.share / s.whole ORDER BY s.place)
    FROM (
        SELECT e.place, e.share, sum(e.share) OVER () AS whole
        FROM (
            SELECT n.place, exp(greatest(-700::float8, n.number - max(n.number) OVER ())) AS share
            FROM unnest(numbers) WITH ORDINALITY AS n (number, place)
        ) AS e
    ) AS s
    $$;

-- The place, from 0, of the greatest of some numbers, the first of equals; NULL of NULL.
CREATE OR REPLACE FUNCTION pgpredict.place_of_most(numbers float8[]) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_position(numbers, (SELECT max(n.number) FROM unnest(numbers) AS n (number))) - 1
    $$;

-- Coefficients moved towards 0 by a threshold; without those below 0, or with these behind the
-- others. NULL of NULL.
CREATE OR REPLACE FUNCTION pgpredict.soft_threshold(
    coefficients float8[], threshold float8, positive boolean, split boolean) RETURNS float8[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN split
        THEN array_agg(greatest(k.kept, 0) ORDER BY k.place)
             || array_agg(-least(k.kept, 0) ORDER BY k.place)
        ELSE array_agg(k.kept ORDER BY k.place) END
    FROM (
        SELECT c.place,
               greatest(CASE WHEN positive THEN 0 ELSE '-Infinity'::float8 END,
                        sign(c.value) * greatest(abs(c.value) - threshold, 0)) AS kept
        FROM unnest(coefficients) WITH ORDINALITY AS c (value, place)
    ) AS k
    $$;
