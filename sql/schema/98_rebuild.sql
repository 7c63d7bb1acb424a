-- Streams and learners of an older release get the functions of this one. One that cannot, since its
-- source is gone, keeps those that it has, and a warning says so.

CREATE OR REPLACE FUNCTION pgpredict.rebuild(stream text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problem text;
BEGIN
    IF pgpredict.is_learner(stream) THEN
        PERFORM pgpredict.lock_learner(stream);
        PERFORM pgpredict.follow_learner_source(stream);
        PERFORM pgpredict.build_learner(stream);
    ELSE
        PERFORM pgpredict.lock_model((pgpredict.check_stream(stream)).model);
        PERFORM pgpredict.follow_stream_source(stream);
        PERFORM pgpredict.build_stream(stream);
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
    RAISE WARNING '% keeps the functions that it has: %', stream, problem;
END
$$;

DO $$
BEGIN
    PERFORM pgpredict.rebuild(name)
    FROM (SELECT name FROM pgpredict.stream UNION SELECT name FROM pgpredict.learner) AS s
    ORDER BY name;
END
$$;
