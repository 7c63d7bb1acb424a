-- The history of a learner: any state again.

-- The parameters of a state: as they were kept, or learnt again from the nearest state before that
-- was. Raises where there is no such state any more.
CREATE OR REPLACE FUNCTION pgpredict.parameters_at(learner text, state bigint) RETURNS float8[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found float8[] := (
        SELECT s.parameters FROM pgpredict.learner_state AS s
        WHERE s.learner = parameters_at.learner AND s.state = parameters_at.state);
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'learner % has no state %', learner, coalesce(state::text, 'NULL') USING
            ERRCODE = 'PP011',
            DETAIL = (SELECT format('it has those from %s to %s', min(s.state), max(s.state))
                      FROM pgpredict.learner_state AS s WHERE s.learner = parameters_at.learner),
            HINT = 'SELECT * FROM pgpredict.learner_states';
    END IF;
    RETURN found;
END
$$;
