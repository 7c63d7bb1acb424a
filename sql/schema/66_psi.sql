-- The population stability index, and how large it gets by chance.
--
-- PSI = sum over the bins of (actual - expected) * ln(actual / expected), of shares. An empty bin
-- would make it infinite, so each side counts half a row more in every bin: the surprise at an
-- empty bin then grows with the number of rows that could have been in it. A constant floor, such
-- as 0.0001, makes small samples drift by chance: 20 rows without drift in 10 bins, every third
-- time.

-- The PSI between two lists of row counts, bin by bin. Bins that are empty on both sides do not
-- count. NULL where one side has no rows.
CREATE OR REPLACE FUNCTION pgpredict.psi(expected float8[], actual float8[]) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT CASE WHEN sum(e) > 0 AND sum(a) > 0
            THEN sum((actual_share - expected_share) * ln(actual_share / expected_share))
        END
        FROM (
            SELECT e, (e + '0.5'::float8) / sum(e + '0.5'::float8) OVER () AS expected_share,
                   a, (a + '0.5'::float8) / sum(a + '0.5'::float8) OVER () AS actual_share
            FROM unnest(expected, actual) AS bin (e, a)
            WHERE e > 0 OR a > 0
        ) AS shares
    );

-- What a chi-square variable exceeds with the probability `tail`, at most one half. The normal
-- quantile is 26.2.23 of Abramowitz and Stegun, the step from it Wilson's and Hilferty's: together
-- up to 5 % too high from three degrees of freedom on, 11 % with one, and never noticeably too low.
CREATE OR REPLACE FUNCTION pgpredict.chi_square(degrees integer, tail float8) RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT CASE WHEN degrees > 0
            THEN degrees * (1 - spread + normal * sqrt(spread)) ^ 3
            ELSE 0
        END
        FROM (SELECT sqrt(-2 * ln(tail)) AS t, 2 / (9 * greatest(degrees, 1)::float8) AS spread)
                 AS given,
             LATERAL (
                 SELECT t - (2.515517 + 0.802853 * t + 0.010328 * t ^ 2)
                            / (1 + 1.432788 * t + 0.189269 * t ^ 2 + 0.001308 * t ^ 3) AS normal
             ) AS quantile
    );

-- Above which PSI a column has drifted. Without drift PSI is about (1/n + 1/m) * chi-square of
-- bins - 1 degrees of freedom, n and m being the rows of both sides: so much is the work of
-- chance, once in 1,000 checks of the whole model, whatever the number of columns. On many rows
-- that is next to nothing, and every difference is real but few are worth waking anybody: there
-- `minimum` decides; 0.1 is the value that practice knows as the beginning of a shift.
CREATE OR REPLACE FUNCTION pgpredict.psi_threshold(
    bins integer, expected_rows bigint, actual_rows bigint, columns integer, minimum float8)
    RETURNS float8
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN expected_rows > 0 AND actual_rows > 0
        THEN greatest(
            minimum,
            (1 / expected_rows::float8 + 1 / actual_rows::float8)
            * pgpredict.chi_square(bins - 1, '0.001'::float8 / greatest(columns, 1)))
    END;
