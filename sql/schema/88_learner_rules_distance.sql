-- The rule about several numbers at once: how far a row is from the others, by Mahalanobis.

-- The factor L of a covariance, L L^T: row by row, each to its diagonal, as is `covariance`. It ends
-- before the first column that is determined by those before it, to ten digits.
CREATE OR REPLACE FUNCTION pgpredict.cholesky(covariance float8[]) RETURNS float8[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    size CONSTANT integer := (sqrt(8 * cardinality(covariance) + 1)::integer - 1) / 2;
    factor float8[] := '{}';
    one float8;
BEGIN
    FOR i IN 1..size LOOP
        FOR j IN 1..i LOOP
            one := covariance[i * (i - 1) / 2 + j];
            FOR k IN 1..j - 1 LOOP
                one := one - factor[i * (i - 1) / 2 + k] * factor[j * (j - 1) / 2 + k];
            END LOOP;
            IF j < i THEN
                one := one / factor[j * (j + 1) / 2];
                factor := factor || CASE WHEN abs(one) < 1e-150 THEN 0 ELSE one END;
            ELSIF one > 1e-10 * covariance[i * (i + 1) / 2] THEN
                factor := factor || sqrt(one);
            ELSE
                RETURN factor[: i * (i - 1) / 2];
            END IF;
        END LOOP;
    END LOOP;
    RETURN factor;
END
$$;

-- The Mahalanobis distance of numbers from a mean, sqrt((x - mean)^T S^-1 (x - mean)), where
-- `factor` is pgpredict.cholesky(S). NULL where a number is NULL; infinite where one is, is NaN, or
-- the distance is beyond 1e100.
CREATE OR REPLACE FUNCTION pgpredict.mahalanobis(x float8[], mean float8[], factor float8[])
    RETURNS float8
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    apart float8[] := '{}';
    square float8 := 0;
    place integer := 0;
    one float8;
BEGIN
    FOR i IN 1..cardinality(mean) LOOP
        one := x[i];
        IF one IS NULL THEN
            RETURN NULL;
        ELSIF NOT (abs(one) <= 1e200) THEN
            RETURN 'Infinity';
        END IF;
        one := one - mean[i];
        FOR j IN 1..i - 1 LOOP
            one := one - factor[place + j] * apart[j];
        END LOOP;
        place := place + i;
        -- What is so small or large would leave the range of float8 when it is divided or squared.
        IF abs(one) < factor[place] * 1e-100 THEN
            one := 0;
        ELSIF abs(one) > factor[place] * 1e100 THEN
            RETURN 'Infinity';
        ELSE
            one := one / factor[place];
        END IF;
        apart := apart || one;
        square := square + one * one;
    END LOOP;
    RETURN sqrt(square);
END
$$;

-- Mean and covariance of some columns of a table, of the rows in which all are numbers below 1e100.
CREATE OR REPLACE FUNCTION pgpredict.spread_of(
    source regclass, columns text[], OUT rows bigint, OUT mean float8[], OUT covariance float8[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    pieces text[] := (
        SELECT ARRAY[
            string_agg(format('%s AS x%s',
                pgpredict.passed(source, 's', c.name, 'double precision'), c.i), ', '),
            string_agg(format('abs(x.x%s) < 1e100', c.i), ' AND '),
            string_agg(format('avg(x.x%s)', c.i), ', ' ORDER BY c.i),
            (SELECT string_agg(format('covar_samp(x.x%s, x.x%s)', i, j), ', ' ORDER BY i, j)
             FROM generate_series(1, cardinality(columns)) AS i, generate_series(1, i) AS j)]
        FROM unnest(columns) WITH ORDINALITY AS c (name, i));
BEGIN
    EXECUTE format(
        'SELECT count(*), ARRAY[%s], ARRAY[%s]'
        ' FROM (SELECT %s FROM %s AS s OFFSET 0) AS x WHERE %s',
        pieces[3], pieces[4], pieces[1], source, pieces[2])
    INTO rows, mean, covariance;
END
$$;

-- Learns no rows any more of which some numbers are together further than `at_most` from those of
-- the rows that the source holds now, as Mahalanobis measures it: in deviations, along with how the
-- numbers depend on each other. Mean and covariance stay so. NULL is all the learner's features.
-- Where rows are normal the square of the distance has the chi-square distribution with as many
-- degrees of freedom as there are features. Returns the name of the rule: <features>_distance.
CREATE OR REPLACE FUNCTION pgpredict.add_distance_rule(
    learner text, features text[], at_most float8) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    wanted CONSTANT text[] := coalesce(features, l.features);
    size CONSTANT integer := cardinality(wanted);
    spread record;
    factor float8[];
    known integer;
BEGIN
    PERFORM pgpredict.check_number_rule(learner, f.name, CASE
        WHEN NOT coalesce(at_most > 0 AND at_most < 'Infinity', false)
            THEN format('%s is no distance', coalesce(at_most::text, 'NULL'))
        WHEN size < 2 THEN 'a distance is of two columns or more: add_outlier_rule is for one'
        WHEN size > 99 THEN 'it is of 99 columns at most'
        WHEN (SELECT count(*) FROM unnest(wanted) AS w WHERE w = f.name) > 1
            THEN 'it stands there twice' END)
    FROM unnest(CASE WHEN wanted = '{}' THEN ARRAY[NULL] ELSE wanted END) AS f (name);
    SELECT s.* INTO spread FROM pgpredict.spread_of(l.source::regclass, wanted) AS s;
    factor := pgpredict.cholesky(spread.covariance);
    known := (sqrt(8 * coalesce(cardinality(factor), 0) + 1)::integer - 1) / 2;
    PERFORM pgpredict.check_number_rule(learner, wanted[least(known + 1, size)], CASE
        WHEN spread.rows <= size
            THEN format('%s rows of %s have all these numbers, more than %s are needed',
                        spread.rows, l.source, size)
        WHEN spread.covariance[(known + 1) * (known + 2) / 2] = 0 THEN 'it is the same in all rows'
        WHEN known < size THEN format('it follows from the columns before it (%s): leave it out',
                                      array_to_string(wanted[: known], ', ')) END);
    RETURN pgpredict.put_rule(
        learner, left(array_to_string(wanted, '_'), 54) || '_distance', 'distance', wanted,
        format('pgpredict.mahalanobis(ARRAY[%s], %L::float8[], %L::float8[]) <= %L::float8',
               (SELECT string_agg(format('%I::float8', w.name), ', ' ORDER BY w.place)
                FROM unnest(wanted) WITH ORDINALITY AS w (name, place)),
               spread.mean, factor, at_most),
        format('at most %s from the mean of %s rows, by Mahalanobis', at_most, spread.rows));
END
$$;
