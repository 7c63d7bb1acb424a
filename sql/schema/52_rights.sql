-- Whose the functions are, and who may call them.

-- Functions belong to the owner of the schema, whoever made them: every operator can replace them.
CREATE OR REPLACE FUNCTION pgpredict.hand_over(function regprocedure) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    owner oid := (SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = 'pgpredict');
BEGIN
    IF owner <> (SELECT p.proowner FROM pg_proc AS p WHERE p.oid = function)
        AND pg_has_role(owner, 'MEMBER')
    THEN
        EXECUTE format('ALTER FUNCTION %s OWNER TO %I', function, pg_get_userbyid(owner));
    END IF;
END
$$;

-- What was granted and revoked on the live functions of a model; NULL: nothing was.
CREATE OR REPLACE FUNCTION pgpredict.live_rights(model text) RETURNS aclitem[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.proacl
    FROM pgpredict.live_functions(model) AS l
    JOIN pg_proc AS p ON p.oid = l
    WHERE p.proacl IS NOT NULL
    ORDER BY p.proname
    LIMIT 1
    $$;

-- Gives a new function the rights that others of its model had.
CREATE OR REPLACE FUNCTION pgpredict.copy_rights(function regprocedure, rights aclitem[])
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    granted record;
BEGIN
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
    FOR granted IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
                   AS role,
               CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS may_pass_on
        FROM aclexplode(rights) AS a
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s%s',
                       function, granted.role, granted.may_pass_on);
    END LOOP;
END
$$;
