-- Statements of the Dagster component, by name. {pieces} are identifiers and expressions that the
-- client puts in, quoted; %(name)s are parameters.

-- name: session
-- A row is hashed as text: the text of a date or a number must not depend on who connects. JIT
-- would compile the expression of a model for seconds.
SELECT set_config('DateStyle', 'ISO', true),
       set_config('TimeZone', 'UTC', true),
       set_config('extra_float_digits', '1', true),
       set_config('jit', 'off', true);

-- name: time_zone
-- Whose days are meant, for as long as the connection is open.
SELECT set_config('TimeZone', %(name)s, false);

-- name: lock
-- Two runs that replace the same table wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.dagster ' || %(model)s, 0));

-- name: schema_is_there
SELECT to_regnamespace('pgpredict_dagster') IS NOT NULL AS found;

-- name: make_schema
CREATE SCHEMA IF NOT EXISTS pgpredict_dagster;

-- name: plan_of_query
-- Refused unless it is one query by itself: below it stands in brackets, which it could close.
EXPLAIN (COSTS false)
{query};

-- name: columns_of_query
SELECT * FROM (
{query}
) AS given LIMIT 0;

-- name: fill
-- The mark is a hash of the row, or of its key: the same row is held out in every run, so that two
-- versions are judged by the same rows, and no row that one of them learnt is among these.
CREATE TABLE {new} AS
SELECT given.*, {mark} AS held_out
FROM (
{query}
) AS given
WHERE given.{target} IS NOT NULL;

-- name: mark_by_hash
abs(mod(hashtextextended({hashed}, 0), 1000000)) < {share}::float8 * 1000000

-- name: replace
DROP TABLE IF EXISTS {old};

-- name: rename
ALTER TABLE {new} RENAME TO {name};

-- name: analyze
ANALYZE {table};

-- name: describe
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: table_is_there
SELECT to_regclass(%(table)s)::oid::bigint AS oid;

-- name: counts
SELECT count(*) AS rows, count(*) FILTER (WHERE held_out) AS held_out FROM {table};

-- name: quantiles
SELECT q.share, q.value
FROM (
    SELECT percentile_cont(ARRAY[0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
               WITHIN GROUP (ORDER BY {target}::float8) AS found
    FROM {table}
) AS all_rows,
LATERAL unnest(ARRAY['min', '5%', '25%', '50%', '75%', '95%', 'max'], found) AS q (share, value);

-- name: shares
SELECT {target}::text AS label, count(*)::float8 / sum(count(*)) OVER () AS share
FROM {table}
GROUP BY {target}
ORDER BY count(*) DESC, 1
LIMIT 20;

-- name: learnt
SELECT {columns} FROM {table} WHERE NOT held_out

-- name: held_out
SELECT {columns} FROM {table} WHERE held_out

-- name: version_of_run
-- A run that was interrupted after its deploy finds its version again.
SELECT max(version) AS version
FROM pgpredict.version
WHERE model = %(model)s AND retired_at IS NULL AND metrics ->> 'dagster_run' = %(run)s;

-- name: answers
SELECT {actual}, {label}, {probability}
FROM {table} AS {alias}
WHERE {alias}.held_out;

-- name: function_texts
SELECT pg_get_functiondef(f.function) AS text
FROM pgpredict.frozen_functions(%(model)s, %(version)s) AS f (function)
ORDER BY f.function::text;

-- name: primary_key
SELECT a.attname AS name
FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = to_regclass(%(table)s) AND i.indisprimary
ORDER BY k.place;
