-- What hangs on a table of scores while another takes its place, by name.

-- name: is_partition
-- Whether a table is a partition of another, and is still called so.
SELECT EXISTS (
    SELECT FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhrelid = %(partition)s AND i.inhparent = to_regclass(%(parent)s)
      AND c.relname = %(name)s) AS is_so;

-- name: attached
-- What would be lost, since it is not given to the other table (see `kept`). What a partition has
-- because its parent has it comes with the parent.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what
FROM pg_class AS c
JOIN pg_depend AS d
    ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
    OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
            c.reltype, (SELECT t.typarray FROM pg_type AS t WHERE t.oid = c.reltype)))
LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
WHERE c.oid = %(table)s
  AND d.classid <> 'pg_type'::regclass
  AND NOT EXISTS (SELECT FROM pg_depend AS s
                  WHERE s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'S'
                    AND s.refclassid = 'pg_class'::regclass AND s.refobjid = c.oid)
  AND NOT (d.classid = 'pg_class'::regclass AND d.deptype = 'i')
  AND (k.conrelid = c.oid AND (k.contype IN ('p', 'n') OR NOT k.conislocal)) IS NOT TRUE
UNION ALL
SELECT o.what
FROM pg_class AS c
CROSS JOIN LATERAL (
    VALUES ('row security', c.relrowsecurity OR c.relforcerowsecurity),
           ('a type that it is made of', c.reloftype <> 0),
           ('a column NOT NULL', EXISTS (
               SELECT FROM pg_attribute AS a
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped
                 AND a.attname NOT IN ('version', 'at')
                 AND NOT EXISTS (
                     SELECT FROM pg_constraint AS p
                     WHERE p.conrelid = c.oid AND p.contype = 'p' AND a.attnum = ANY (p.conkey))
                 AND NOT EXISTS (
                     SELECT FROM pg_inherits AS i JOIN pg_attribute AS b ON b.attrelid = i.inhparent
                     WHERE i.inhrelid = c.oid AND b.attname = a.attname AND b.attnotnull))),
           ('a table that it inherits from', NOT c.relispartition AND EXISTS (
               SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)),
           ('an identity column', NOT c.relispartition AND EXISTS (
               SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attidentity <> '')),
           ('a tablespace', c.reltablespace <> 0),
           ('a replica identity', c.relreplident <> 'd'),
           ('no log', c.relpersistence = 'u'),
           ('an access method', (SELECT m.amname FROM pg_am AS m WHERE m.oid = c.relam)
                                <> current_setting('default_table_access_method')),
           ('settings of the primary key', EXISTS (
               SELECT FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
               WHERE x.indrelid = c.oid AND x.indisprimary
                 AND (x.indisclustered OR i.reloptions IS NOT NULL OR i.reltablespace <> 0
                      OR obj_description(i.oid, 'pg_class') IS NOT NULL))),
           ('rights on columns', EXISTS (
               SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)),
           ('storage of columns', EXISTS (
               SELECT FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
               WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND (a.attstorage <> t.typstorage OR a.attcompression <> ''))),
           ('security labels', EXISTS (
               SELECT FROM pg_seclabel AS l
               WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid))
) AS o (what, is_so)
WHERE c.oid = %(table)s AND o.is_so;

-- name: kept
-- What is said of a table, and who may do what with it, as statements for `made`, which takes its
-- place and is called `new` then. The first ones take what `made` got by default.
WITH old AS (SELECT * FROM pg_class WHERE oid = %(old)s),
     made AS (SELECT * FROM pg_class WHERE oid = to_regclass(%(made)s)),
     named AS (SELECT %(new)s::text AS new, %(key)s::text AS key),
     options AS (
         SELECT format('ALTER TABLE %%s SET (%%s%%I = %%L)', new, p.prefix,
                       split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)) AS statement
         FROM named
         CROSS JOIN (
             SELECT '' AS prefix, reloptions FROM old
             UNION ALL
             SELECT 'toast.', t.reloptions FROM old JOIN pg_class AS t ON t.oid = old.reltoastrelid
         ) AS p
         CROSS JOIN unnest(p.reloptions) AS o
     ),
     columns AS (
         SELECT format('ALTER TABLE %%s ALTER COLUMN %%I', new, a.attname) AS change,
                format('COMMENT ON COLUMN %%s.%%I IS %%L', new, a.attname, d.description) AS comment,
                a.attstattarget AS target, a.attoptions AS options
         FROM named, old
         JOIN pg_attribute AS a ON a.attrelid = old.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_description AS d
             ON d.classoid = 'pg_class'::regclass AND d.objoid = old.oid AND d.objsubid = a.attnum
     )
SELECT DISTINCT 1 AS step, format('REVOKE ALL ON %%s FROM %%s', new, CASE a.grantee
           WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS statement
FROM named, made, aclexplode(made.relacl) AS a
WHERE a.grantee <> made.relowner
UNION ALL
-- What an owner took from himself. The new table has another owner until it has the place.
SELECT 1, format('REVOKE ALL ON %%s FROM %%I', new, pg_get_userbyid(made.relowner))
FROM named, made, old
WHERE old.relacl IS NOT NULL
UNION ALL
SELECT 2, format('GRANT %%s ON %%s TO %%s%%s', a.privilege_type, new, CASE a.grantee
           WHEN 0 THEN 'PUBLIC'
           WHEN old.relowner THEN quote_ident(pg_get_userbyid(made.relowner))
           ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
           CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM named, old, made, aclexplode(old.relacl) AS a
UNION ALL
SELECT 3, format('COMMENT ON TABLE %%s IS %%L', new, obj_description(old.oid, 'pg_class'))
FROM named, old
UNION ALL
SELECT 3, format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', key, new,
                 obj_description(k.oid, 'pg_constraint'))
FROM named, old JOIN pg_constraint AS k ON k.conrelid = old.oid AND k.contype = 'p'
UNION ALL
-- Postgres 18 and later: NOT NULL has a name.
SELECT 3, format('ALTER TABLE %%s RENAME CONSTRAINT %%I TO %%I', new, n.conname, k.conname)
FROM named, old
JOIN pg_constraint AS k ON k.conrelid = old.oid AND k.contype = 'n'
JOIN pg_attribute AS a ON a.attrelid = old.oid AND a.attnum = k.conkey[1]
CROSS JOIN made
JOIN pg_attribute AS b ON b.attrelid = made.oid AND b.attname = a.attname
JOIN pg_constraint AS n ON n.conrelid = made.oid AND n.contype = 'n' AND n.conkey[1] = b.attnum
WHERE n.conname <> k.conname
UNION ALL
SELECT 3, comment FROM columns WHERE comment NOT LIKE '%% IS NULL'
UNION ALL
SELECT 4, format('%%s SET STATISTICS %%s', change, target) FROM columns WHERE target >= 0
UNION ALL
SELECT 4, format('%%s SET (%%s)', change, array_to_string(options, ', '))
FROM columns WHERE options IS NOT NULL
UNION ALL
SELECT 4, statement FROM options
ORDER BY step;

-- name: required
-- What a table must have to become a partition of this one: its CHECKs, and columns that are NOT
-- NULL beside those that are `named`.
SELECT format('ADD CONSTRAINT %%I %%s', k.conname, pg_get_constraintdef(k.oid)) AS change
FROM pg_constraint AS k
WHERE k.conrelid = %(table)s AND k.contype = 'c' AND NOT k.connoinherit
UNION ALL
SELECT format('ALTER COLUMN %%I SET NOT NULL', a.attname)
FROM pg_attribute AS a
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped
  AND a.attname <> ALL (%(named)s::text[]);
