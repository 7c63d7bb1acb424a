-- Statements of the batch engine, by name. {pieces} are identifiers and expressions that the
-- client puts in, quoted; %(name)s are parameters.

-- name: session
-- What the connections of a run take over from the one that it was asked on.
SELECT current_setting('search_path') AS search_path,
       current_setting('role') AS role,
       current_setting('TimeZone') AS time_zone,
       1 + current_setting('max_parallel_workers_per_gather')::integer AS processes,
       quote_ident(current_user) AS who;

-- name: take_over
SELECT set_config('role', %(role)s, false),
       set_config('search_path', %(search_path)s, false),
       set_config('TimeZone', %(time_zone)s, false),
       set_config('DateStyle', 'ISO', false),
       set_config('jit', 'off', false),
       set_config('client_min_messages', 'warning', false),
       -- Work for a client that is gone ends soon; servers on Windows cannot tell.
       CASE WHEN version() !~* 'windows|mingw|visual' THEN
           set_config('client_connection_check_interval', '5s', false)
       END;

-- name: lock
-- Held by a transaction that does nothing else, so that a pooler between us keeps it in one piece.
SELECT pg_try_advisory_xact_lock(
           hashtextextended('pgpredict.score ' || %(target)s, 0)) AS locked,
       set_config('idle_in_transaction_session_timeout', '0', true);

-- name: version
SELECT v.version, v.kind, v.signature, v.form,
       v.label_type::regtype::text AS label_type,
       coalesce(v.probability_type, 'float8')::regtype::text AS probability_type,
       v.probability_type IS NOT NULL AS has_probability,
       v.classes,
       pgpredict.frozen_name(v.model, v.version, '') AS label_function,
       pgpredict.frozen_name(v.model, v.version, '_proba') AS probability_function
FROM pgpredict.version AS v
WHERE v.model = %(model)s
  AND v.version = pgpredict.usable_version(%(model)s, %(version)s);

-- name: learner
-- The same of a state of a learner; no row: it is a model that is asked for.
SELECT * FROM pgpredict.scored_learner(%(model)s, %(version)s);

-- name: function_texts
-- What PL/pgSQL wrote for the functions of a version; NULL: it is of another form.
SELECT max(p.prosrc) FILTER (WHERE p.proname = %(model)s || '_v' || %(version)s) AS label,
       max(p.prosrc) FILTER (WHERE p.proname = %(model)s || '_v' || %(version)s || '_proba')
           AS probability
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE p.pronamespace = 'predict_versions'::regnamespace;

-- name: make_view
CREATE TEMPORARY VIEW {view} AS {query};

-- name: find
-- A table or view by its name, as this session sees it; and what it is called everywhere.
SELECT c.oid::bigint AS oid, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       n.nspname AS schema, c.relname AS name,
       has_table_privilege(c.oid, 'SELECT') AS may_read,
       ARRAY(SELECT a.attname::text
             FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum) AS columns
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%(name)s);

-- name: misfits
SELECT pgpredict.misfits(%(source)s::oid::regclass, %(signature)s) AS misfits;

-- name: passed
-- How the columns of a row of the source are passed for the inputs, in their order.
SELECT pgpredict.passed(%(source)s::oid::regclass, %(alias)s, i.name, i.type) AS expression,
       quote_ident(i.name) AS name,
       EXISTS (SELECT FROM pg_attribute AS a
               WHERE a.attrelid = %(source)s AND a.attname = i.name
                 AND a.atttypid IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype))
           AS is_whole
FROM pgpredict.inputs(%(signature)s) AS i
ORDER BY i.position;

-- name: carried
-- The columns of the source that stand beside the answers: name, type, how they are declared.
SELECT k.name, k.type, format('%%I %%s %%s', k.name, k.type, k.collated) AS declared,
       k.type IN ('date', 'timestamp without time zone', 'timestamp with time zone') AS is_time
FROM pgpredict.key_columns(%(source)s::oid::regclass, %(names)s) AS k
ORDER BY k.position;

-- name: heaps
-- The tables that hold the rows of a table, if they can be read by ranges of pages.
WITH RECURSIVE below (oid) AS (
    SELECT %(source)s::oid
    UNION ALL
    SELECT i.inhrelid FROM below JOIN pg_inherits AS i ON i.inhparent = below.oid
)
SELECT n.nspname AS schema, c.relname AS name,
       (pg_relation_size(c.oid) / current_setting('block_size')::integer)::bigint AS pages,
       greatest(c.reltuples, 0)::bigint AS rows,
       c.relkind IN ('r', 'm') AND m.amname = 'heap' AND has_table_privilege(c.oid, 'SELECT')
           AND (c.oid = %(source)s OR NOT root.relrowsecurity) AS by_pages
FROM below
JOIN pg_class AS c ON c.oid = below.oid AND c.relkind <> 'p'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS root ON root.oid = %(source)s
LEFT JOIN pg_am AS m ON m.oid = c.relam
ORDER BY c.oid;

-- name: reads
-- Whether a view reads a table, itself or through other views, or is that table.
WITH RECURSIVE read_by (oid) AS (
    SELECT %(source)s::oid
    UNION
    SELECT d.refobjid
    FROM read_by
    JOIN pg_rewrite AS r ON r.ev_class = read_by.oid
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                       AND d.refclassid = 'pg_class'::regclass
)
SELECT EXISTS (
    SELECT FROM read_by
    WHERE read_by.oid = %(target)s
       OR EXISTS (SELECT FROM pg_partition_ancestors(read_by.oid::regclass) AS a
                  WHERE a = %(target)s::oid::regclass)
       OR EXISTS (SELECT FROM pg_partition_ancestors(%(target)s::oid::regclass) AS a
                  WHERE a = read_by.oid::regclass)) AS reads;

-- name: estimate
EXPLAIN (FORMAT json) SELECT FROM {relation};

-- name: cost
EXPLAIN (FORMAT json) {rows};

-- name: place
-- Where a table of this name is, or would be made. The schema is NULL if there is none.
SELECT coalesce(n.nspname, CASE cardinality(parts) WHEN 1 THEN current_schema() END) AS schema,
       parts[cardinality(parts)] AS name,
       parts[1] AS first_part,
       cardinality(parts) AS parts
FROM parse_ident(%(into)s) AS parts
LEFT JOIN pg_class AS c ON cardinality(parts) = 1 AND c.oid = to_regclass(%(into)s)
LEFT JOIN pg_namespace AS n
    ON n.oid = c.relnamespace OR (cardinality(parts) = 2 AND n.nspname = parts[1]);

-- name: may_create
SELECT has_schema_privilege(%(schema)s, 'CREATE') AS may_create;

-- name: target
-- All that matters of a table that is to hold scores, but what hangs on it: see batch_keeping.sql.
SELECT c.oid::bigint AS oid, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       c.relispartition AS is_partition,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       quote_ident(pg_get_userbyid(c.relowner)) AS owner,
       has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
           AS may_write,
       pg_get_partkeydef(c.oid) AS partitioned_by,
       ARRAY(SELECT a.attname::text
             FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum) AS names,
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod)
             FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum) AS types,
       ARRAY(SELECT a.attname::text
             FROM pg_index AS x, unnest(x.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
             JOIN pg_attribute AS a ON a.attnum = k.number
             WHERE x.indrelid = c.oid AND x.indisprimary AND a.attrelid = c.oid
             ORDER BY k.place) AS primary_key,
       k.conname AS key, k.condeferrable AS key_is_deferrable
FROM pg_class AS c
LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.oid = to_regclass(%(name)s);

-- name: leftovers
-- Unfinished tables of runs that died: nobody who lives has the lock that we hold.
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind = 'r' AND NOT c.relispartition
  AND obj_description(c.oid, 'pg_class') = %(mark)s;

-- name: create
CREATE TABLE {table} ({columns});

-- name: create_partitioned
CREATE TABLE {table} ({columns}, PRIMARY KEY ({key})) PARTITION BY {strategy} ({column});

-- name: mark
COMMENT ON TABLE {table} IS {mark};

-- name: unmark
COMMENT ON TABLE {table} IS NULL;

-- name: drop
DROP TABLE IF EXISTS {table};

-- name: snapshot
SELECT pg_export_snapshot() AS name;

-- name: use_snapshot
SET TRANSACTION SNAPSHOT {name};

-- name: fill
INSERT INTO {table} ({columns})
{rows};

-- name: build
CREATE TABLE {table} ({columns}) AS
{rows};

-- name: upsert
INSERT INTO {table} ({columns})
{rows}
ON CONFLICT ({key}) DO UPDATE SET ({others}) = ROW ({excluded});

-- name: forget
-- Scores of rows that are not there any more.
DELETE FROM {table} AS t
WHERE NOT EXISTS (SELECT FROM {relation} WHERE {same});

-- name: patience
SELECT set_config('lock_timeout', %(milliseconds)s, true);

-- name: lock_alone
LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;

-- name: own
ALTER TABLE {table} OWNER TO {owner};

-- name: rename
ALTER TABLE {table} RENAME TO {name};

-- name: rename_constraint
ALTER TABLE {table} RENAME CONSTRAINT {before} TO {name};

-- name: twice
-- Keys that more than one row has.
SELECT {key} FROM {relation} GROUP BY {key} HAVING count(*) > 1 LIMIT 3;

-- name: key_is_unique
-- Whether an index says that no two rows of a table share a key.
SELECT EXISTS (
    SELECT FROM pg_index AS x
    WHERE x.indrelid = %(source)s AND x.indisunique AND x.indisvalid AND x.indimmediate
      AND x.indpred IS NULL AND x.indexprs IS NULL
      AND NOT EXISTS (
          SELECT FROM unnest(x.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
          JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.number
          WHERE k.place <= x.indnkeyatts
            AND NOT (a.attname = ANY (%(key)s::text[]) AND a.attnotnull))) AS found;

-- name: counts
-- How many scores there are of each label, or of any; the missing ones apart.
SELECT ({label})::text AS label, count(*) AS rows FROM {scores} AS s GROUP BY {label};

-- name: quantiles
SELECT percentile_disc(ARRAY[0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]::float8[])
           WITHIN GROUP (ORDER BY v)
FROM (SELECT {value} AS v FROM {scores} AS s) AS s;

-- name: change
ALTER TABLE {table} {changes};

-- name: forget_stamps
-- Rows of later runs say themselves what made them, and when.
ALTER TABLE {table} ALTER COLUMN version DROP DEFAULT, ALTER COLUMN at DROP DEFAULT;

-- name: unique_index
CREATE UNIQUE INDEX {index} ON {table} ({key});

-- name: use_index
ALTER TABLE {table} ADD CONSTRAINT {constraint} PRIMARY KEY USING INDEX {index};

-- name: periods
-- The periods of time in which the source has rows; one of NULL where it has rows of none.
-- An hour that comes again when clocks are set back has another name the second time.
SELECT DISTINCT low::text AS low, (low + {step}::interval)::{type}::text AS high,
                to_char(low, {pattern}) || CASE
                    WHEN to_char(low - {step}::interval, {pattern}) = to_char(low, {pattern})
                    THEN '_again' ELSE '' END AS slug
FROM (SELECT date_trunc({every}, {column}::{moment})::{type} AS low FROM {values} AS s) AS p
ORDER BY low;

-- name: values
-- The values of a column, as text and as a part of a name. Equal values may be written otherwise, 0
-- and -0, and are one. Names of tables that are not finished, and of keys, end otherwise.
SELECT p.low,
       CASE WHEN p.low ~ '^[a-z0-9_]{{1,20}}$' AND p.low !~ '(unfinished|key)$' THEN p.low
            ELSE substr(md5(p.low), 1, 12) END AS slug
FROM (SELECT max({text}::text) AS low
      FROM (SELECT {column} AS v FROM {values} AS s) AS v
      GROUP BY v) AS p
ORDER BY p.low;

-- name: partitions
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name,
       quote_ident(pg_get_userbyid(c.relowner)) AS owner, k.conname AS key,
       pg_get_expr(c.relpartbound, c.oid) AS bound, c.relkind::text AS kind
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE i.inhparent = %(target)s;

-- name: overlaps
-- Partitions that are there and hold a part of a period that a new one is to hold.
WITH new AS (
    SELECT n.low::{type} AS low, n.high::{type} AS high
    FROM unnest({lows}::text[], {highs}::text[]) AS n (low, high)
), old AS (
    -- NULL where a bound is MINVALUE or MAXVALUE.
    SELECT o.name,
           substring(o.bound FROM $$FROM \('([^']*)'\)$$)::{type} AS low,
           substring(o.bound FROM $$TO \('([^']*)'\)$$)::{type} AS high
    FROM unnest({names}::text[], {bounds}::text[]) AS o (name, bound)
    WHERE o.bound <> 'DEFAULT'
)
SELECT old.name, new.low::text AS low, new.high::text AS high
FROM new JOIN old ON (old.low < new.high) IS NOT FALSE AND (old.high > new.low) IS NOT FALSE
ORDER BY new.low, old.name
LIMIT 5;

-- name: holders
-- Partitions that are there and hold a value that a new one is to hold, besides others.
SELECT old.name, new.low, NULL AS high
FROM unnest({lows}::text[]) AS new (low)
JOIN (SELECT o.name, coalesce(replace(m.found[1], $$''$$, $$'$$), m.found[2]) AS value
      FROM unnest({names}::text[], {bounds}::text[]) AS o (name, bound),
           regexp_matches(substring(o.bound FROM 'IN \((.*)\)$'),
                          $$'((?:[^']|'')*)'|([^ ,]+)$$, 'g') AS m (found)) AS old
    ON old.value = new.low
ORDER BY new.low
LIMIT 5;

-- name: step
-- The period by which a table is partitioned that begins and ends its partitions so.
SELECT p.every
FROM (VALUES ('hour'), ('day'), ('week'), ('month'), ('year')) AS p (every)
WHERE %(low)s::timestamptz + ('1 ' || p.every)::interval = %(high)s::timestamptz;

-- name: stale
-- Whether a partition holds anything else than a score of this version for each row.
SELECT EXISTS (SELECT FROM {relation} WHERE {current})
       OR (SELECT count(*) FROM {whole}) <> (SELECT count(*) FROM {table}) AS stale;

-- name: lock_parent
LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE;

-- name: detach
ALTER TABLE {table} DETACH PARTITION {partition};

-- name: attach
ALTER TABLE {table} ATTACH PARTITION {partition} {bound};

-- name: drop_check
ALTER TABLE {table} DROP CONSTRAINT pgpredict_bound;
