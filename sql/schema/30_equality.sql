-- When two answers are equal. This file is the only place in the database that knows;
-- pgpredict_transpiler/equality.py is its twin for engines without this schema, and a test holds
-- the two together.

-- The largest difference that counts as equal: 1e-9 relative, which below 0.001 turns into 1e-12
-- absolute.
CREATE OR REPLACE FUNCTION pgpredict.tolerance() RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '1e-9'::float8;

-- How far `actual` is from `expected`, as a share of the larger of the two, and of 0.001 at least.
-- NULL and NaN are one and the same missing value; two missing values, or two equal infinities,
-- are at 0; what has no distance is at infinity. Both are divided before they are subtracted,
-- since 1e308 - -1e308 would raise; a quotient that could underflow is taken for 0, since that
-- would raise too.
CREATE OR REPLACE FUNCTION pgpredict.difference(expected float8, actual float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT CASE
            WHEN e IS NULL AND a IS NULL THEN 0
            WHEN e IS NULL OR a IS NULL THEN 'Infinity'
            WHEN e = a THEN 0
            WHEN abs(e) = 'Infinity' OR abs(a) = 'Infinity' THEN 'Infinity'
            ELSE abs(
                CASE WHEN abs(e) < scale * '1e-20'::float8 THEN 0 ELSE e / scale END
                - CASE WHEN abs(a) < scale * '1e-20'::float8 THEN 0 ELSE a / scale END)
        END
        FROM (SELECT nullif(expected, 'NaN') AS e, nullif(actual, 'NaN') AS a) AS given,
             LATERAL (SELECT greatest(abs(e), abs(a), '1e-3'::float8) AS scale) AS larger
    );

-- The largest difference between two lists of numbers; lists of unequal length have no distance.
CREATE OR REPLACE FUNCTION pgpredict.difference_of_lists(expected float8[], actual float8[])
    RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN cardinality(expected) IS DISTINCT FROM cardinality(actual) THEN 'Infinity'
        ELSE coalesce(
            (SELECT max(pgpredict.difference(e, a))
             FROM unnest(expected, actual) AS pair (e, a)), 0)
    END;

-- Whether a difference counts as none. This alone decides.
CREATE OR REPLACE FUNCTION pgpredict.counts_as_equal(difference float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN difference <= pgpredict.tolerance();

CREATE OR REPLACE FUNCTION pgpredict.same(expected float8, actual float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pgpredict.counts_as_equal(pgpredict.difference(expected, actual));
