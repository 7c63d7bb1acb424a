-- The version of the schema: the number of the last migration that these files contain.
--
-- The files after this one create what is missing, but leave a table as it is. So they suit an
-- empty database and one of the same version; all others are refused, before anything is changed.

CREATE TABLE IF NOT EXISTS pgpredict.schema_version (
    version      integer     PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT now(),
    installed_by text        NOT NULL DEFAULT session_user
);

DO $$
DECLARE
    of_these_files CONSTANT integer := 13;
    found integer := (SELECT max(version) FROM pgpredict.schema_version);
BEGIN
    IF found < of_these_files THEN
        RAISE EXCEPTION 'the pgpredict schema of this database has version %, these files have %',
                        found, of_these_files
        USING
            ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('run pgpredict init, or the files of sql/migrations/ from %s on first',
                          to_char(found + 1, 'FM0000'));
    ELSIF found > of_these_files THEN
        RAISE EXCEPTION 'the pgpredict schema of this database has version %, these files have %',
                        found, of_these_files
        USING
            ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'a newer pgpredict was here: use its files';
    END IF;
    INSERT INTO pgpredict.schema_version (version) VALUES (of_these_files) ON CONFLICT DO NOTHING;
END
$$;
