-- What an operator does with what is deployed: promote, rollback, retire, drop_model.

-- Makes a version live: predict.<model> answers with it from the moment of the commit, and views
-- on predict.<model> stay. Promoting the live version again only puts its aliases back in place.
-- Returns the version that is live now.
CREATE OR REPLACE FUNCTION pgpredict.promote(model text, version integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen integer;
    before integer;
    detail jsonb;
BEGIN
    PERFORM pgpredict.lock_model(model);
    chosen := pgpredict.usable_version(model, version);
    before := pgpredict.live_version(model);
    detail := pgpredict.make_live(model, chosen, format('cannot promote %s v%s', model, chosen));
    IF before IS DISTINCT FROM chosen OR detail ? 'without_rows_of' THEN
        PERFORM pgpredict.record(model, chosen, 'promote', detail);
    END IF;
    RETURN chosen;
END
$$;

-- The version that a rollback goes to; NULL: there is none. Promotions are a stack: each rollback
-- undoes the last promotion that is not undone yet, so that a second one goes further back. One
-- of the version that was live already undoes nothing.
CREATE OR REPLACE FUNCTION pgpredict.version_before(model text) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    undone integer := 0;
    past record;
BEGIN
    FOR past IN
        SELECT e.what, (e.detail ->> 'from')::integer AS came_from
        FROM pgpredict.event AS e
        WHERE e.model = version_before.model AND e.what IN ('promote', 'rollback')
          AND (e.detail ->> 'from')::integer IS DISTINCT FROM e.version
        ORDER BY e.id DESC
    LOOP
        IF past.what = 'rollback' THEN
            undone := undone + 1;
        ELSIF undone > 0 THEN
            undone := undone - 1;
        ELSE
            RETURN past.came_from;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Makes the version live that was live before. Returns it.
CREATE OR REPLACE FUNCTION pgpredict.rollback(model text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    now_live integer;
    target integer;
    detail jsonb;
    choose text := format('choose one: SELECT pgpredict.promote(%L, version)', model);
BEGIN
    PERFORM pgpredict.lock_model(model);
    now_live := pgpredict.usable_version(model, NULL);
    target := pgpredict.version_before(model);
    IF target IS NULL THEN
        RAISE EXCEPTION 'cannot roll % back: no version was live before v%', model, now_live USING
            ERRCODE = 'PP004', HINT = choose;
    ELSIF EXISTS (SELECT FROM pgpredict.version AS v
                  WHERE v.model = rollback.model AND v.version = target
                    AND v.retired_at IS NOT NULL)
    THEN
        RAISE EXCEPTION 'cannot roll % back: v%, live before v%, is retired',
                        model, target, now_live
        USING ERRCODE = 'PP004', HINT = choose;
    END IF;
    detail := pgpredict.make_live(
        model, target, format('cannot roll %s back to v%s', model, target));
    PERFORM pgpredict.record(model, target, 'rollback', detail);
    RETURN target;
END
$$;

-- Drops the frozen functions of a version. Its row, golden rows and model file stay, as the record
-- of what was live when. Refused while the version is live, or while a view, an index or anything
-- else uses one of its functions. Returns the version.
CREATE OR REPLACE FUNCTION pgpredict.retire(model text, version integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    chosen integer;
BEGIN
    PERFORM pgpredict.lock_model(model);
    chosen := pgpredict.usable_version(model, version);
    IF chosen = pgpredict.live_version(model) THEN
        RAISE EXCEPTION 'cannot retire % v%: it is live', model, chosen USING
            ERRCODE = 'PP003',
            HINT = format('promote another first: SELECT pgpredict.promote(%L, version)', model);
    END IF;
    PERFORM pgpredict.check_no_shadow(model, chosen);
    PERFORM pgpredict.drop_functions(
        ARRAY(SELECT pgpredict.frozen_functions(model, chosen)),
        cannot => format('cannot retire %s v%s: something still uses its functions', model, chosen),
        code => 'PP003',
        details => NULL,
        hint => 'drop these, or move them to another version, first');
    UPDATE pgpredict.version AS v
    SET retired_at = clock_timestamp(), retired_by = session_user
    WHERE v.model = retire.model AND v.version = chosen;
    PERFORM pgpredict.record(model, chosen, 'retire');
    RETURN chosen;
END
$$;

-- Removes a model: its functions, versions, golden rows and model files. The events stay, and one
-- more says who removed it. Refused while a view, an index or anything else uses one of its
-- functions. Returns how many versions went.
CREATE OR REPLACE FUNCTION pgpredict.drop_model(model text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    versions integer[];
BEGIN
    PERFORM pgpredict.lock_model(model);
    PERFORM pgpredict.check_model(model);
    PERFORM pgpredict.check_no_stream(model);
    versions := ARRAY(
        SELECT v.version
        FROM pgpredict.version AS v
        WHERE v.model = drop_model.model
        ORDER BY v.version);
    PERFORM pgpredict.drop_functions(
        ARRAY(
            SELECT pgpredict.live_functions(model)
            UNION ALL
            SELECT pgpredict.frozen_functions(model, v) FROM unnest(versions) AS v),
        cannot => format('cannot drop %s: something still uses its functions', model),
        code => 'PP003',
        details => NULL,
        hint => 'drop these, or move them to another model, first');
    DELETE FROM pgpredict.version AS v WHERE v.model = drop_model.model;
    DELETE FROM pgpredict.model AS m WHERE m.name = drop_model.model;
    PERFORM pgpredict.record(
        model, NULL, 'drop', jsonb_build_object('versions', to_jsonb(versions)));
    RETURN cardinality(versions);
END
$$;
