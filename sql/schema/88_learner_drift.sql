-- Drift of a learner: its errors, in the order in which rows were learnt, are fed to a detector.
--
-- The detector is river's ADWIN, in a worker; here are its state, a mark up to which it was fed, and
-- what is done when it finds something. One transaction takes the errors after the mark, feeds them,
-- and moves the mark: none is fed twice, and none is left out.

-- Watches the errors of a learner from now on, those of rows that it is yet to learn. What is done
-- when they grow: 'alert' notes an event and notifies, 'pause' also lets rows wait, 'reset' also goes
-- back to the last checkpoint. NULL: they are not watched any more. `delta` is how often, about, a
-- learner whose errors do not change is said to drift. Returns whether it was watched before.
CREATE OR REPLACE FUNCTION pgpredict.set_learner_drift(
    learner text, action text, delta float8 DEFAULT 0.002) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    problem text := CASE
        WHEN action NOT IN ('alert', 'pause', 'reset')
            THEN format('there is no action %s: it is alert, pause or reset', action)
        WHEN NOT coalesce(delta > 0 AND delta < 1, false)
            THEN format('delta is %s: it is between 0 and 1', coalesce(delta::text, 'NULL'))
        WHEN l.target IS NULL THEN 'it predicts no label, so that it has no errors'
        WHEN action = 'reset' AND l.updates = 'revise'
            THEN 'it knows the rows of its source, and cannot forget them; let it pause'
    END;
    was_watched boolean;
BEGIN
    IF problem IS NOT NULL AND action IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot be watched for drift: %', learner, problem USING
            ERRCODE = 'PP011',
            HINT = 'SELECT pgpredict.set_learner_drift(learner, ''alert'')';
    END IF;
    DELETE FROM pgpredict.learner_detector AS d WHERE d.learner = l.name;
    was_watched := FOUND;
    IF action IS NOT NULL THEN
        INSERT INTO pgpredict.learner_detector (learner, action, delta, fed_state)
        SELECT l.name, action, delta, c.state
        FROM pgpredict.learner_current AS c WHERE c.learner = l.name;
    END IF;
    PERFORM pgpredict.record(l.name, NULL, 'set_learner_drift', jsonb_build_object(
        'action', action, 'delta', delta));
    RETURN was_watched;
END
$$;

-- The learners with errors that were not fed yet. For workers, which have no other right.
CREATE OR REPLACE FUNCTION pgpredict.learners_to_watch() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    SELECT d.learner
    FROM pgpredict.learner_detector AS d
    JOIN pgpredict.learner_current AS c ON c.learner = d.learner AND c.state > d.fed_state
    $$;

-- The errors of a batch, row by row: 1 where another class was predicted, or how far the number was
-- off. Rows that had no answer have none.
CREATE OR REPLACE FUNCTION pgpredict.errors_of(
    kind text, labels float8[], predicted float8[]) RETURNS float8[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
    SELECT coalesce(array_agg(e.error ORDER BY r.place) FILTER (WHERE e.error IS NOT NULL), '{}')
    FROM unnest(labels, predicted) WITH ORDINALITY AS r (label, answer, place),
         LATERAL (SELECT CASE kind
             WHEN 'number' THEN pgpredict.size_of_error(r.label, r.answer)
             WHEN 'two classes' THEN ((r.answer > 0.5) <> (r.label = 1))::integer
             ELSE (r.answer <> r.label)::integer END::float8) AS e (error)
    $$;

-- What a detector is to be fed next, at most `batches` of what was learnt: its state, and errors by
-- the state that they led to. Nothing: nobody watches this learner, or all is fed. The learner is
-- locked until the transaction ends, which is to end with note_drift(learner, …).
CREATE OR REPLACE FUNCTION pgpredict.errors_to_watch(learner text, batches integer DEFAULT 100)
    RETURNS TABLE (delta float8, detector bytea, state bigint, errors float8[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    kind CONSTANT text := pgpredict.learner_kind(pgpredict.lock_learner(learner));
BEGIN
    RETURN QUERY
    SELECT d.delta, d.detector, s.state,
           CASE WHEN s.made_by = 'learnt'
               THEN pgpredict.errors_of(kind, b.labels, b.predicted) ELSE '{}' END
    FROM pgpredict.learner_detector AS d
    JOIN pgpredict.learner_state AS s ON s.learner = d.learner AND s.state > d.fed_state
    LEFT JOIN pgpredict.learner_batch AS b ON b.learner = s.learner AND b.state = s.state
    WHERE d.learner = errors_to_watch.learner
    ORDER BY s.state
    LIMIT batches;
END
$$;

-- Notes how far a detector was fed, and what it found: mean errors that grew, as in
-- [{"state": 17, "before": 0.1, "after": 0.3}]. Does what set_learner_drift says. Returns what it
-- did: 'alert', 'pause', 'reset', NULL where nothing was found.
CREATE OR REPLACE FUNCTION pgpredict.note_drift(
    learner text, fed_state bigint, fed_rows bigint, detector bytea, error float8, width bigint,
    growths jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.lock_learner(learner);
    one jsonb;
    wanted text;
    back bigint;
BEGIN
    UPDATE pgpredict.learner_detector AS d
    SET fed_state = note_drift.fed_state, fed_rows = d.fed_rows + note_drift.fed_rows,
        detector = note_drift.detector, error = note_drift.error, width = note_drift.width
    WHERE d.learner = l.name AND d.fed_state < note_drift.fed_state
    RETURNING d.action INTO wanted;
    IF wanted IS NULL OR jsonb_array_length(growths) = 0 THEN
        RETURN NULL;
    END IF;
    IF wanted = 'reset' THEN
        back := pgpredict.last_checkpoint(l.name, (growths -> 0 ->> 'state')::bigint);
    END IF;
    FOR one IN SELECT f FROM jsonb_array_elements(growths) AS f LOOP
        one := one || jsonb_build_object('action', wanted, 'back_to', back);
        PERFORM pgpredict.record(l.name, NULL, 'drift_detected', one);
        PERFORM pg_notify('pgpredict_' || l.name, (one || '{"event": "drift_detected"}')::text);
    END LOOP;
    IF wanted = 'pause' AND pgpredict.pause_learner(l.name) THEN
        UPDATE pgpredict.learner AS p
        SET why = format('its errors grew from %s to %s at state %s',
                         round((one ->> 'before')::numeric, 4),
                         round((one ->> 'after')::numeric, 4), one ->> 'state')
        WHERE p.name = l.name;
    ELSIF back IS NOT NULL THEN
        UPDATE pgpredict.learner_detector AS d
        SET detector = NULL, error = NULL, width = NULL,
            fed_state = pgpredict.rollback_learner(l.name, back)
        WHERE d.learner = l.name;
    END IF;
    RETURN wanted;
END
$$;

-- The last checkpoint on the way to a state, or NULL.
CREATE OR REPLACE FUNCTION pgpredict.last_checkpoint(learner text, state bigint) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT max(s.state)
    FROM pgpredict.lineage(learner, state) AS w
    JOIN pgpredict.learner_state AS s
        ON s.learner = last_checkpoint.learner AND s.state BETWEEN w.first_state AND w.last_state
    WHERE s.checkpoint
    $$;

CREATE OR REPLACE VIEW pgpredict.learner_drift AS
SELECT d.learner,
       d.action,
       d.delta,
       d.fed_state,
       d.fed_rows,
       c.state - d.fed_state AS behind,
       d.error,
       d.width,
       e.found,
       e.found_at,
       d.created_at,
       d.created_by
FROM pgpredict.learner_detector AS d
JOIN pgpredict.learner_current AS c ON c.learner = d.learner
CROSS JOIN LATERAL (
    SELECT count(*) AS found, max(e.at) AS found_at
    FROM pgpredict.event AS e
    WHERE e.model = d.learner AND e.what = 'drift_detected' AND e.at >= d.created_at
) AS e
ORDER BY d.learner;

COMMENT ON VIEW pgpredict.learner_drift IS
    'one row per learner whose errors are watched: how far, how large they are, what was found';
