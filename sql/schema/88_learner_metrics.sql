-- How good the predictions were that came before the labels.

-- The area under the ROC curve: how often a row of class 1 has the higher score of the two; equal
-- scores count half. Rows without a score do not count. NULL where there is but one class.
CREATE OR REPLACE FUNCTION pgpredict.auc(labels float8[], scores float8[]) RETURNS float8
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (sum(r.rank) FILTER (WHERE r.label = 1) - r.ones * (r.ones + 1) / 2)
           / nullif(r.ones * (r.n - r.ones), 0)
    FROM (
        SELECT p.label,
               rank() OVER (ORDER BY p.score)
                   + (count(*) OVER (PARTITION BY p.score) - 1) / 2.0::float8 AS rank,
               count(*) OVER () AS n,
               count(*) FILTER (WHERE p.label = 1) OVER () AS ones
        FROM unnest(labels, scores) AS p (label, score)
        WHERE p.score IS NOT NULL
    ) AS r
    GROUP BY r.n, r.ones
    $$;
