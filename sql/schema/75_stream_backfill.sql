-- A backfill: which rows come next, and which cannot be told apart.

-- The columns of a key in the order of a unique index on them: only along that order can a table be
-- gone through without sorting what is left of it for every batch.
CREATE OR REPLACE FUNCTION pgpredict.index_order(relation regclass, key text[]) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(
        (SELECT o.names
         FROM pg_index AS i,
              LATERAL (
                  SELECT array_agg(a.attname::text ORDER BY k.place)
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
                  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  WHERE k.place <= i.indnkeyatts
              ) AS o (names)
         WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid
           AND i.indpred IS NULL AND i.indexprs IS NULL
           AND o.names @> key AND o.names <@ key
         ORDER BY o.names = key DESC, i.indisprimary DESC
         LIMIT 1),
        key)
    $$;

-- The query that gives the next keys of a backfill, as arrays, and how many they are; $1 is the
-- number that is wanted. Keys with a NULL in them stand in no order, and are left out.
CREATE OR REPLACE FUNCTION pgpredict.backfill_query(task pgpredict.backfill) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        'SELECT %s, count(*) FROM (SELECT %s, row_number() OVER (ORDER BY %s) AS place'
        ' FROM %s AS s WHERE %s ORDER BY %s LIMIT $1) AS k',
        pgpredict.each_key(task.stream, 'array_agg(k.key%4$s ORDER BY k.place)'),
        pgpredict.each_key(task.stream, 's.%1$I::%2$s AS key%4$s'),
        o.columns,
        task.relation,
        CASE WHEN task.after IS NULL
            THEN pgpredict.each_key(task.stream, 's.%1$I IS NOT NULL', ' AND ')
            ELSE format(
                '(%s) > (SELECT %s FROM jsonb_to_record(%L::jsonb) AS f (%s))',
                o.columns,
                o.after,
                task.after,
                pgpredict.each_key(task.stream, '%1$I %2$s')) END,
        o.columns)
    FROM pgpredict.stream AS s,
         LATERAL (
             SELECT string_agg(format('s.%I', k.name), ', ' ORDER BY k.place),
                    string_agg(format('f.%I', k.name), ', ' ORDER BY k.place)
             FROM unnest(pgpredict.index_order(task.relation::regclass, s.key))
                 WITH ORDINALITY AS k (name, place)
         ) AS o (columns, after)
    WHERE s.name = task.stream
    $$;

-- Makes dead letters of the keys of a backfill that have a NULL in them: such a row cannot be told
-- from others.
CREATE OR REPLACE FUNCTION pgpredict.fail_keyless(task pgpredict.backfill) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT
               FROM pgpredict.stream AS s, unnest(s.key) AS k (name)
               JOIN pg_attribute AS a
                   ON a.attrelid = task.relation::regclass AND a.attname = k.name
               WHERE s.name = task.stream AND NOT a.attnotnull)
    THEN
        EXECUTE format(
            'SELECT pgpredict.%I(%s, %L, %L)'
            ' FROM (SELECT DISTINCT %s FROM %s AS s WHERE %s) AS k HAVING count(*) > 0',
            task.stream || '_fail', pgpredict.each_key(task.stream, 'array_agg(k.key%4$s)'),
            '22004', 'a column of the key is NULL: the row cannot be told from others',
            pgpredict.each_key(task.stream, 's.%1$I::%2$s AS key%4$s'), task.relation,
            pgpredict.each_key(task.stream, 's.%1$I IS NULL', ' OR '));
    END IF;
END
$$;
