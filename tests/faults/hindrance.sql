-- Makes moments long that are too short to meet otherwise. Now and then a worker lingers when he has
-- read the rows and has not written yet; and when he has written and looked again, but has not
-- committed. Others can overtake him there. And sometimes he meets an error of the moment.

CREATE FUNCTION linger_before_writing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF random() < 0.06 THEN
        PERFORM pg_sleep(random());
    ELSIF random() < 0.02 THEN
        RAISE EXCEPTION 'of the moment' USING ERRCODE = 'deadlock_detected';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER linger BEFORE INSERT ON predict.by_id_live
    EXECUTE FUNCTION linger_before_writing();
CREATE TRIGGER linger BEFORE INSERT ON predict.by_code_live
    EXECUTE FUNCTION linger_before_writing();

-- Tells clients the id of a row that a worker has predicted and not committed: nobody waits for a
-- sequence, and everybody sees it at once.
CREATE SEQUENCE at_work;

CREATE FUNCTION linger_before_commit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF random() < 0.1 THEN
        PERFORM setval('public.at_work', l.id), pg_sleep(0.2 + 0.6 * random())
        FROM (SELECT l.id FROM predict.by_id_live AS l
              WHERE l.at >= now() ORDER BY random() LIMIT 1) AS l;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER linger BEFORE INSERT ON pgpredict.worker EXECUTE FUNCTION linger_before_commit();
