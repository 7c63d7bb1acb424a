-- Learners in the worker: it does what waits in their queues as it does for streams. work(),
-- ready_streams() and maintain() pass them on to these.

CREATE OR REPLACE FUNCTION pgpredict.is_learner(name text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM pgpredict.learner AS l WHERE l.name = is_learner.name) $$;

-- Learners that have something to do now.
CREATE OR REPLACE FUNCTION pgpredict.ready_learners() RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    SELECT l.name FROM pgpredict.learner AS l
    WHERE l.status = 'learning' AND pgpredict.has_waiting(l.name)
    ORDER BY l.name
    $$;

-- The tables of the source of a learner, those that have its triggers.
CREATE OR REPLACE FUNCTION pgpredict.tables_now(learner text) RETURNS oid[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$ SELECT ARRAY(SELECT t::oid FROM pgpredict.captured_tables(learner) AS t ORDER BY t::oid) $$;

-- Keeps with a learner that revises which tables its source has.
CREATE OR REPLACE FUNCTION pgpredict.note_learner_tables(learner text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    UPDATE pgpredict.learner_sums AS s
    SET tables = n.tables
    FROM pgpredict.tables_now(note_learner_tables.learner) AS n (tables)
    WHERE s.learner = note_learner_tables.learner AND s.tables <> n.tables
    $$;

-- Has the source of a learner that revises compared, where a table of it is gone: no trigger tells of
-- a partition that is dropped. Returns what it found.
CREATE OR REPLACE FUNCTION pgpredict.mend_dropped_partitions(learner text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM pgpredict.learner_sums AS s
               WHERE s.learner = mend_dropped_partitions.learner
                 AND NOT s.tables <@ pgpredict.tables_now(s.learner))
    THEN
        EXECUTE pgpredict.fill(
            pgpredict.ask_to_compare_template(),
            pgpredict.learner_pieces(learner) || pgpredict.revision_pieces(learner));
        RETURN NEXT 'a table of the source is gone: all rows are compared';
    END IF;
END
$$;

-- What a learner needs from time to time: the new name of a renamed source, triggers on its new
-- partitions, its queue, a small one when it is empty. Rows that were in a table when it became a
-- partition are not learnt: nobody can tell whether they were before, unless the learner keeps them
-- to revise what it knows. Returns what it found.
CREATE OR REPLACE FUNCTION pgpredict.maintain_learner(learner text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '200ms'
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    adopted integer := 0;
    new_one regclass;
BEGIN
    IF pgpredict.follow_learner_source(learner) THEN
        PERFORM pgpredict.build_learner(learner);
        RETURN NEXT format('the source is called %s now',
                           (SELECT n.source FROM pgpredict.learner AS n WHERE n.name = learner));
    END IF;
    IF to_regclass(format('pgpredict.%I', learner || '_queue')) IS NULL
        OR to_regclass(format('pgpredict.%I', learner || '_wake')) IS NULL
    THEN
        PERFORM pgpredict.create_learner_queue(learner);
        RETURN NEXT 'the queue was gone, and is made anew';
    END IF;
    IF NOT EXISTS (SELECT FROM pgpredict.captured_tables(learner)) THEN
        RETURN NEXT format('the source %s is gone, or its triggers are', l.source);
        RETURN;
    END IF;
    FOR new_one IN
        SELECT t FROM pgpredict.tables_to_learn(learner) AS t
        EXCEPT
        SELECT t FROM pgpredict.captured_tables(learner) AS t
    LOOP
        PERFORM pgpredict.create_learner_triggers(learner, new_one);
        adopted := adopted + 1;
    END LOOP;
    IF adopted > 0 THEN
        RETURN NEXT format('%s new partitions of %s', adopted, l.source);
    END IF;
    PERFORM pgpredict.forget_rates(learner);
    IF l.updates = 'revise' THEN
        RETURN QUERY SELECT pgpredict.mend_learner_rows(learner);
        RETURN QUERY SELECT pgpredict.mend_dropped_partitions(learner);
    END IF;
    RETURN QUERY SELECT pgpredict.mend_partitions(learner, adopted);
    PERFORM pgpredict.note_learner_tables(learner);
    -- Last: it may lock the queue until all of this is committed.
    PERFORM pgpredict.shrink_queue(learner);
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NEXT format('put off, since somebody else holds a lock: %s', SQLERRM);
    WHEN insufficient_privilege THEN
        RETURN NEXT SQLERRM;
END
$$;
