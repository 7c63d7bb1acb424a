-- What a learner needs of its source, and the errors where it is not so.
--
--   PP010 unknown learner     PP011 a learner that exists, or that cannot be      PP008 a bad name

-- Raises unless there is such a learner. Returns its row.
CREATE OR REPLACE FUNCTION pgpredict.check_learner(learner text) RETURNS pgpredict.learner
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    found pgpredict.learner;
BEGIN
    SELECT l.* INTO found FROM pgpredict.learner AS l WHERE l.name = check_learner.learner;
    IF found.name IS NULL THEN
        RAISE EXCEPTION 'there is no learner %', coalesce(learner, 'NULL') USING
            ERRCODE = 'PP010',
            DETAIL = coalesce(
                (SELECT 'learners: ' || string_agg(l.name, ', ' ORDER BY l.name)
                 FROM pgpredict.learner AS l),
                'there are no learners yet'),
            HINT = 'SELECT * FROM pgpredict.learners';
    END IF;
    RETURN found;
END
$$;

-- The row of a learner, which nobody else changes or teaches until the transaction ends.
CREATE OR REPLACE FUNCTION pgpredict.lock_learner(learner text) RETURNS pgpredict.learner
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pgpredict.learner ' || learner, 0));
    RETURN pgpredict.check_learner(learner);
END
$$;

-- What the names of a learner's functions in the schema pgpredict end with, and in predict.
CREATE OR REPLACE FUNCTION pgpredict.learner_functions(schema_name name) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT unnest(CASE schema_name
        WHEN 'predict'
            THEN ARRAY['', '_proba', '_at', '_proba_at', '_state', '_parameters']
        ELSE ARRAY['_kernel', '_label', '_answer', '_answer_proba', '_gate', '_quarantine',
                   '_apply', '_learn', '_claim', '_keep', '_capture', '_change', '_solve']
    END)
    $$;

-- The functions of a learner that are there.
CREATE OR REPLACE FUNCTION pgpredict.functions_of_learner(learner text)
    RETURNS SETOF regprocedure
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.oid::regprocedure
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('predict', 'pgpredict')
      AND p.proname IN (SELECT learner || f FROM pgpredict.learner_functions(n.nspname) AS f)
    $$;

-- Raises unless a new learner can have this name.
CREATE OR REPLACE FUNCTION pgpredict.check_new_learner(learner text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    taken text;
BEGIN
    IF learner IS NULL OR learner !~ '^[a-z][a-z0-9_]{0,40}$' THEN
        RAISE EXCEPTION '% is not allowed as the name of a learner',
                        coalesce(quote_literal(learner), 'NULL')
        USING
            ERRCODE = 'PP008',
            HINT = 'use small letters, digits and _, a letter first, at most 41 characters';
    ELSIF learner IN ('work', 'probe') THEN
        RAISE EXCEPTION '% is not allowed as the name of a learner', learner USING
            ERRCODE = 'PP008',
            DETAIL = format('workers use the channel pgpredict_%s themselves', learner),
            HINT = 'choose another name for the learner';
    ELSIF EXISTS (SELECT FROM pgpredict.learner AS l WHERE l.name = learner) THEN
        RAISE EXCEPTION 'there is a learner % already', learner USING
            ERRCODE = 'PP011',
            HINT = format('choose another name, or: SELECT pgpredict.drop_learner(%L)', learner);
    END IF;
    SELECT format('model %s', m.name) INTO taken
    FROM pgpredict.model AS m, pgpredict.learner_functions('predict') AS f
    WHERE learner || f IN (m.name, m.name || '_proba')
    LIMIT 1;
    taken := coalesce(
        taken,
        (SELECT format('stream %s', s.name) FROM pgpredict.stream AS s WHERE s.name = learner),
        (SELECT format('function %s', f) FROM pgpredict.functions_of_learner(learner) AS f LIMIT 1),
        (SELECT format('table %s.%I', c.relnamespace::regnamespace, c.relname)
         FROM pg_class AS c
         WHERE c.relnamespace = 'pgpredict'::regnamespace
           AND c.relname IN (learner || '_queue', learner || '_wake', learner || '_rows')
         LIMIT 1));
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'cannot create learner %: there is a % already', learner, taken USING
            ERRCODE = 'PP011',
            HINT = 'choose another name for the learner';
    END IF;
END
$$;

-- Raises where a new model would have the functions of a learner.
CREATE OR REPLACE FUNCTION pgpredict.check_no_learner(model text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    learner text := (
        SELECT min(l.name)
        FROM pgpredict.learner AS l, pgpredict.learner_functions('predict') AS f
        WHERE l.name || f IN (model, model || '_proba'));
BEGIN
    IF learner IS NOT NULL THEN
        RAISE EXCEPTION '% is not allowed as the name of a model', model USING
            ERRCODE = 'PP008',
            DETAIL = format('learner %s has functions of this name', learner),
            HINT = 'choose another name for the model';
    END IF;
END
$$;

-- Raises unless the source has the columns of a learner, with types that its kernel can take.
CREATE OR REPLACE FUNCTION pgpredict.check_learner_columns(
    source regclass, key text[], target text, features text[], label_type text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problems text;
BEGIN
    SELECT string_agg(c.problem, E'\n' ORDER BY c.place) INTO problems
    FROM (
        SELECT f.place,
               CASE
                   WHEN f.name ~ '^\$\d+$' THEN format('%I is no name of an argument', f.name)
                   WHEN f.name = target THEN format('%I is the target too', f.name)
                   WHEN count(*) OVER (PARTITION BY f.name) > 1
                       THEN format('%I stands there twice', f.name)
                   ELSE pgpredict.why_not(source, f.name, 'double precision')
               END AS problem
        FROM unnest(features) WITH ORDINALITY AS f (name, place)
        UNION ALL
        SELECT 1000, pgpredict.why_not(source, target, pgpredict.label_input(label_type))
        WHERE target IS NOT NULL
        UNION ALL
        SELECT 1001, format('%I, of the key, may be NULL', a.attname)
        FROM pg_attribute AS a
        WHERE a.attrelid = source AND a.attname = ANY (key) AND NOT a.attnotnull
    ) AS c;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'the rows of % do not fit the learner', source USING
            ERRCODE = 'PP005',
            DETAIL = problems,
            HINT = 'the table needs a number for each feature, a label, and a key that is NOT NULL';
    END IF;
END
$$;

-- As what a label is read: numbers of all types as float8.
CREATE OR REPLACE FUNCTION pgpredict.label_input(label_type text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN label_type IN ('text', 'boolean') THEN label_type ELSE 'double precision' END
    $$;

-- Raises unless what is to learn makes sense: names, classes, options.
CREATE OR REPLACE FUNCTION pgpredict.check_learner_options(wanted pgpredict.learner)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(cardinality(wanted.features), 0) NOT BETWEEN 1 AND 99
            THEN 'it needs 1 to 99 features'
        WHEN array_position(wanted.features, NULL) IS NOT NULL THEN 'the name of a feature is NULL'
        WHEN 'parameters' = ANY (wanted.features)
            THEN 'a feature is called parameters, as the first argument of its functions is'
        WHEN wanted.label_type NOT IN ('text', 'boolean', 'bigint', 'double precision', 'integer',
                                       'double precision[]')
            THEN format('labels of the type %s are not known', wanted.label_type)
        WHEN wanted.target IS NULL AND cardinality(wanted.classes) > 0
            THEN 'it has classes, but no target'
        WHEN cardinality(wanted.classes) = 1 THEN 'one class alone cannot be told from others'
        WHEN array_position(wanted.classes, NULL) IS NOT NULL THEN 'a class is NULL'
        WHEN cardinality(wanted.classes)
             <> (SELECT count(DISTINCT c) FROM unnest(wanted.classes) AS c)
            THEN 'a class stands there twice'
        WHEN wanted.place IS NULL OR wanted.place NOT IN ('database', 'worker')
            THEN format('place is %L: it is database or worker', wanted.place)
        WHEN wanted.place = 'database' AND num_nulls(wanted.kernel, wanted.prediction) > 0
            THEN 'in the database it needs a kernel and a prediction'
        WHEN wanted.place = 'worker' AND wanted.kernel IS NOT NULL
            THEN 'in the worker it has no kernel'
        WHEN wanted.place = 'worker' AND wanted.updates = 'revise'
            THEN 'what revises learns in the database'
        WHEN wanted.level NOT IN ('statement', 'row')
            THEN format('level is %L: it is statement or row', wanted.level)
        WHEN wanted.updates IS NULL OR wanted.updates NOT IN ('ignore', 'revise')
            THEN format('updates is %L: it is ignore or revise', wanted.updates)
        WHEN wanted.retention < 1
            THEN format('retention is %s: it is at least 1 state, or NULL for all',
                        wanted.retention)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'learner % cannot be so: %', wanted.name, problem USING
            ERRCODE = 'PP011',
            HINT = 'docs/learners.md says what a learner is made of';
    END IF;
END
$$;

-- Whether one of some numbers is missing, NaN or infinite, as an expression, which costs a small
-- batch less than a call. NULL: there are no numbers at all.
CREATE OR REPLACE FUNCTION pgpredict.not_finite_expression(numbers text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN format('(array_position(%1$s, NULL) IS NOT NULL'
                  ' OR 1.7976931348623157e308::float8 < ANY (%1$s)'
                  ' OR -1.7976931348623157e308::float8 > ANY (%1$s))', numbers);

-- Raises for a learner for which nothing in SQL answers. Returns its name.
CREATE OR REPLACE FUNCTION pgpredict.check_answers(learner pgpredict.learner) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    IF (learner).prediction IS NULL THEN
        RAISE EXCEPTION 'nothing in SQL answers for learner %', (learner).name USING
            ERRCODE = 'PP011',
            DETAIL = format('it is %s', (learner).estimator),
            HINT = 'ask the estimator that db.export_learner gives';
    END IF;
    RETURN (learner).name;
END
$$;

-- How many numbers the blocks of a learner hold.
CREATE OR REPLACE FUNCTION pgpredict.parameter_count(blocks jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(sum((SELECT coalesce(round(exp(sum(ln(s.n::float8)))), 1)
                FROM jsonb_array_elements_text(b.block -> 'shape') AS s (n)
                WHERE s.n::bigint > 0)), 0)::bigint
    FROM jsonb_array_elements(blocks) AS b (block)
    $$;

-- Raises unless these can be the parameters of a learner.
CREATE OR REPLACE FUNCTION pgpredict.check_parameters(
    learner text, blocks jsonb, parameters float8[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    wanted CONSTANT bigint := pgpredict.parameter_count(blocks);
    given CONSTANT bigint := coalesce(cardinality(parameters), 0);
BEGIN
    IF given IS DISTINCT FROM wanted OR array_position(parameters, NULL) IS NOT NULL
        OR 1.7976931348623157e308 < ANY (parameters) OR -1.7976931348623157e308 > ANY (parameters)
    THEN
        RAISE EXCEPTION 'these cannot be the parameters of learner %', learner USING
            ERRCODE = 'PP011',
            DETAIL = CASE WHEN given <> wanted
                THEN format('there are %s, its blocks are of %s', given, wanted)
                ELSE 'one of them is not finite' END,
            HINT = 'the client makes them of an estimator; or export a state, and import it again';
    END IF;
END
$$;
