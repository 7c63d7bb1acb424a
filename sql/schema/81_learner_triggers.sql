-- The triggers of a learner: what they do, where they belong, and how they get there.

-- What the trigger function of a learner does with the rows that somebody writes, and what it does
-- with them where that fails.
CREATE OR REPLACE FUNCTION pgpredict.learner_captures(learner pgpredict.learner, pieces jsonb)
    RETURNS TABLE (capture text, keep text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(E'IF TG_NARGS > 0 THEN\n        %s\n    ELSIF TG_OP = ''INSERT'' THEN\n        %s\n'
                  '    ELSE\n        %s\n    END IF;',
                  pgpredict.enqueue_labelled(
                      pieces || pgpredict.rekeyed_pieces((learner).name),
                      pgpredict.rekeyed_keys((learner).level)),
                  pgpredict.enqueue_labelled(
                      pieces, pgpredict.labelled_keys((learner).level, 'INSERT')),
                  pgpredict.enqueue_labelled(
                      pieces, pgpredict.labelled_keys((learner).level, 'UPDATE'))),
           CASE (learner).level
               WHEN 'row' THEN pgpredict.keep_uncaptured(pieces, 'SELECT to_jsonb(NEW)')
               ELSE format(E'IF TG_NARGS > 0 THEN\n        %s\n    ELSE\n        %s\n    END IF;',
                           pgpredict.keep_uncaptured(pieces, 'SELECT to_jsonb(NEW)'),
                           pgpredict.keep_uncaptured(
                               pieces, 'SELECT to_jsonb(n.*) FROM new_rows AS n')) END
    WHERE (learner).updates = 'ignore'
    UNION ALL
    SELECT r.capture, r.keep
    FROM pgpredict.revision_captures(learner, pieces) AS r
    WHERE (learner).updates = 'revise'
    $$;

-- The body of the trigger function.
CREATE OR REPLACE FUNCTION pgpredict.learner_capture(learner text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT pgpredict.fill(pgpredict.learner_capture_template(), p.pieces || jsonb_build_object(
        'capture', c.capture,
        'keep', c.keep,
        'wake', CASE WHEN l.notify
            THEN pgpredict.fill(pgpredict.wake_template(), p.pieces) ELSE '' END))
    FROM pgpredict.learner AS l,
         pgpredict.learner_pieces(l.name) AS p (pieces),
         pgpredict.learner_captures(l, p.pieces) AS c
    WHERE l.name = learner_capture.learner
    $$;

-- The tables that need the triggers of a learner: its source, and the partitions too, since a
-- statement that names a partition fires only the partition's own.
CREATE OR REPLACE FUNCTION pgpredict.tables_to_learn(learner text) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT l.source::regclass FROM pgpredict.learner AS l WHERE l.name = learner
    UNION
    SELECT p.relid
    FROM pgpredict.learner AS l, pg_partition_tree(l.source::regclass) AS p
    JOIN pg_class AS c ON c.oid = p.relid
    WHERE l.name = learner AND (l.level = 'statement' OR l.updates = 'revise')
      AND c.relkind IN ('r', 'p')
    $$;

-- Creates the triggers of a learner on a table. Writers are kept out meanwhile; a table that
-- somebody else keeps for longer than five seconds raises.
CREATE OR REPLACE FUNCTION pgpredict.create_learner_triggers(learner text, relation regclass)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    SET lock_timeout = '5s'
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    one record;
BEGIN
    FOR one IN
        SELECT t.*
        FROM pgpredict.capturing_triggers(
                 learner, l.level, to_regclass(l.source), relation) AS t
        WHERE t.operation = 'INSERT'
           OR t.operation = 'UPDATE' AND l.target IS NOT NULL
           OR l.updates = 'revise'
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION pgpredict.%I()',
                       one.name, one.operation, relation, one.scope, learner || '_capture');
        IF l.level = 'row' THEN
            PERFORM pgpredict.enable_always(p.relid, one.name)
            FROM pg_partition_tree(relation) AS p
            WHERE one.operation <> 'TRUNCATE' OR p.relid = relation;
            PERFORM pgpredict.enable_always(relation, one.name);
        END IF;
    END LOOP;
    IF relation = to_regclass(l.source) AND l.updates = 'ignore' THEN
        PERFORM pgpredict.create_rekey_trigger(learner);
    END IF;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'cannot put the triggers of learner % on %: somebody else uses the table',
                    learner, relation
    USING
        ERRCODE = 'lock_not_available',
        HINT = 'try again when no long transaction writes to it: SELECT * FROM pg_stat_activity';
END
$$;

-- Takes the triggers of a learner off partitions that left its source; one that revises compares
-- where some left or came: `adopted` says how many came. Returns what it found.
CREATE OR REPLACE FUNCTION pgpredict.mend_partitions(learner text, adopted integer)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    stray regclass;
    left_it integer := 0;
    revises CONSTANT boolean := (pgpredict.check_learner(learner)).updates = 'revise';
BEGIN
    FOR stray IN
        SELECT t FROM pgpredict.captured_tables(learner) AS t
        EXCEPT
        SELECT t FROM pgpredict.tables_to_learn(learner) AS t
    LOOP
        BEGIN
            PERFORM pgpredict.drop_triggers_on(learner, stray);
            left_it := left_it + 1;
            RETURN NEXT format('%s is no partition of the source any more: its %s', stray,
                               CASE WHEN revises THEN 'rows are taken back'
                                   ELSE 'triggers are gone' END);
        EXCEPTION WHEN insufficient_privilege THEN
            RETURN NEXT format('%s is no partition of the source any more, but keeps its triggers:'
                               ' %s', stray, SQLERRM)
                || CASE WHEN revises
                    THEN format('; its rows are taken back by SELECT'
                                ' pgpredict.reconcile_learner(%L)', learner) ELSE '' END;
        END;
    END LOOP;
    IF revises AND left_it + adopted > 0 THEN
        PERFORM pgpredict.enqueue_differences(learner);
    END IF;
END
$$;
