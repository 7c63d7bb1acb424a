-- Rows whose keys change before they were learnt: the queue gets the new ones.
--
-- A trigger per row does it, which fires for no other UPDATE: a trigger per statement cannot tell
-- which row became which.

-- What stands for the {names} in these queries, besides those of all templates.
CREATE OR REPLACE FUNCTION pgpredict.rekeyed_pieces(learner text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'q_keys', pgpredict.each_learner_key(learner, 'q.key%4$s'),
        'k_is_old', pgpredict.each_learner_key(learner, 'k.key%4$s = OLD.%1$I', ' AND '))
    $$;

-- The new key of a row that waits by its old one. The entry of the queue in which that is stays
-- locked until the writer commits: a worker who has claimed it is waited for, and has learnt the row
-- then; one who comes later waits, and finds no row of the old key.
--
-- A row that gets its label along with another key is what the other trigger of a learner at the
-- level of rows puts in the queue; at the level of statements it is put there here.
CREATE OR REPLACE FUNCTION pgpredict.rekeyed_keys(level text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN format(
        'SELECT {new_as_keys} WHERE {new_labelled} AND CASE WHEN {old_unlabelled} THEN %s'
        ' ELSE EXISTS (SELECT FROM pgpredict.{name_queue} AS q WHERE EXISTS ('
        ' SELECT FROM unnest({q_keys}) AS k ({key_columns}) WHERE {k_is_old}) FOR SHARE) END',
        (level = 'statement')::text);

-- Creates the trigger on the source, whose partitions get it by themselves. Not where a row moves to
-- another partition: that is a DELETE and an INSERT.
CREATE OR REPLACE FUNCTION pgpredict.create_rekey_trigger(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    name CONSTANT text := format('pgpredict_%s_rekeyed', learner);
BEGIN
    EXECUTE format(
        'CREATE TRIGGER %I AFTER UPDATE OF %s ON %s FOR EACH ROW WHEN (%s)'
        ' EXECUTE FUNCTION pgpredict.%I(''rekeyed'')',
        name, pgpredict.each_learner_key(learner, '%1$I'), l.source,
        pgpredict.each_learner_key(learner, 'OLD.%1$I IS DISTINCT FROM NEW.%1$I', ' OR '),
        learner || '_capture');
    IF l.level = 'row' THEN
        PERFORM pgpredict.enable_always(p.relid, name)
        FROM pg_partition_tree(l.source::regclass) AS p;
        PERFORM pgpredict.enable_always(l.source::regclass, name);
    END IF;
END
$$;
