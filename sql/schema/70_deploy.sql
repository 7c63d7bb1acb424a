-- What a deploy needs of the database. The client creates the frozen functions between the two.

-- The number of the next version, with the model's lock held until the transaction ends.
CREATE OR REPLACE FUNCTION pgpredict.next_version(model text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pgpredict.lock_model(model);
    PERFORM pgpredict.check_no_learner(model);
    PERFORM pgpredict.follow_source(model);
    INSERT INTO pgpredict.model (name) VALUES (next_version.model) ON CONFLICT DO NOTHING;
    RETURN (SELECT coalesce(max(v.version), 0) + 1
            FROM pgpredict.version AS v WHERE v.model = next_version.model);
END
$$;

-- Comments on the frozen functions, and their owner.
CREATE OR REPLACE FUNCTION pgpredict.label_frozen(model text, version integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    frozen regprocedure;
BEGIN
    FOR frozen IN
        SELECT pgpredict.frozen_functions(model, version)
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L',
                       frozen, 'frozen: ' || pgpredict.describe(model, version));
        PERFORM pgpredict.hand_over(frozen);
    END LOOP;
END
$$;
