-- What `pgpredict.Database` asks about learners, by name.

-- name: name_of
SELECT n.nspname AS schema, c.relname AS relation
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = %(source)s;

-- name: labels
-- The labels that a table holds now; at most one more than a classifier can have.
SELECT array_agg(l.label) AS labels
FROM (SELECT DISTINCT t.{target} AS label FROM {source} AS t
      WHERE t.{target} IS NOT NULL LIMIT 1001) AS l;

-- name: create
SELECT pgpredict.create_learner(
    name        => %(name)s,
    source      => %(source)s::oid::regclass,
    target      => %(target)s::name,
    features    => %(features)s::name[],
    estimator   => %(estimator)s,
    label_type  => %(label_type)s,
    classes     => %(classes)s::text[],
    blocks      => %(blocks)s,
    initial     => %(initial)s::float8[],
    kernel      => %(kernel)s,
    prediction  => %(prediction)s,
    probability => %(probability)s,
    accepts     => %(accepts)s,
    expects     => %(expects)s,
    key         => %(key)s::name[],
    backfill    => %(backfill)s,
    retention   => %(retention)s,
    notify      => %(notify)s,
    level       => %(level)s,
    model_file  => %(model_file)s,
    updates     => %(updates)s,
    solve       => %(solve)s,
    sums        => %(sums)s,
    place       => %(place)s,
    model       => %(model)s) AS state;

-- name: check
SELECT (pgpredict.check_learner(%(name)s)).name;

-- name: learners
SELECT * FROM pgpredict.learners
WHERE name = %(name)s OR %(name)s::text IS NULL
ORDER BY name;

-- name: states
SELECT * FROM pgpredict.learner_states
WHERE learner = %(name)s
ORDER BY state DESC
LIMIT %(at_most)s;

-- name: learn
SELECT pgpredict.learn(%(name)s, %(batch)s::integer) AS rows;

-- name: catch_up
CALL pgpredict.catch_up(%(name)s, %(batch)s::integer);

-- name: pause
SELECT pgpredict.pause_learner(%(name)s) AS was_learning;

-- name: resume
SELECT pgpredict.resume_learner(%(name)s) AS was_resting;

-- name: drop
SELECT pgpredict.drop_learner(%(name)s) AS waited;

-- name: stored
-- What a learner was made of, and the parameters of a state; NULL is the current one.
SELECT l.features, l.classes, l.label_type, l.blocks, l.model_file, l.updates, l.source,
       pgpredict.parameters_at(l.name, coalesce(%(state)s::bigint, c.state)) AS parameters
FROM pgpredict.learner AS l
JOIN pgpredict.learner_current AS c ON c.learner = l.name
WHERE l.name = (pgpredict.check_learner(%(name)s)).name;

-- name: reconcile
SELECT pgpredict.reconcile_learner(%(name)s) AS rows;

-- name: unlearn
SELECT pgpredict.unlearn(%(name)s, %(keys)s::text[]) AS rows;

-- name: rollback
SELECT pgpredict.rollback_learner(%(name)s, %(state)s::bigint) AS state;

-- name: checkpoint
SELECT pgpredict.checkpoint(%(name)s) AS state;

-- name: set_retention
SELECT pgpredict.set_learner_retention(%(name)s, %(states)s::integer) AS pruned;

-- name: import
SELECT pgpredict.import_parameters(%(name)s, %(parameters)s::float8[]) AS state;

-- name: quarantine
SELECT * FROM pgpredict.quarantine
WHERE learner = %(name)s
ORDER BY id
LIMIT %(at_most)s;

-- name: release
SELECT pgpredict.release_quarantine(%(name)s, %(ids)s::bigint[]) AS rows;

-- name: discard
SELECT pgpredict.discard_quarantine(%(name)s, %(ids)s::bigint[]) AS rows;

-- name: add_rule
SELECT pgpredict.add_rule(%(name)s, %(rule)s, %(condition)s) AS rule;

-- name: add_range_rule
SELECT pgpredict.add_range_rule(
    %(name)s, %(feature)s, %(low)s::float8, %(high)s::float8) AS rule;

-- name: add_outlier_rule
SELECT pgpredict.add_outlier_rule(%(name)s, %(feature)s, %(at_most)s::float8) AS rule;

-- name: add_category_rule
SELECT pgpredict.add_category_rule(%(name)s, %(column)s, %(allowed)s::text[]) AS rule;

-- name: add_null_rule
SELECT pgpredict.add_null_rule(%(name)s, %(column)s) AS rule;

-- name: add_distance_rule
SELECT pgpredict.add_distance_rule(
    %(name)s, %(features)s::text[], %(at_most)s::float8) AS rule;

-- name: add_rate_rule
SELECT pgpredict.add_rate_rule(
    %(name)s, %(by)s, %(at_most)s::bigint, %(within)s::interval, %(at)s) AS rule;

-- name: add_flip_rule
SELECT pgpredict.add_flip_rule(
    %(name)s, %(by)s, %(at_most)s::float8, %(memory)s::integer, %(after)s::bigint) AS rule;

-- name: drop_rule
SELECT pgpredict.drop_rule(%(name)s, %(rule)s);

-- name: rules
SELECT * FROM pgpredict.rules
WHERE learner = %(name)s OR %(name)s::text IS NULL;

-- name: set_learner_drift
SELECT pgpredict.set_learner_drift(%(name)s, %(action)s, %(delta)s::float8) AS was_watched;

-- name: learner_drift
SELECT * FROM pgpredict.learner_drift
WHERE learner = %(name)s OR %(name)s::text IS NULL;

-- name: errors_to_watch
SELECT delta, detector, state, errors FROM pgpredict.errors_to_watch(%(name)s);

-- name: note_drift
SELECT pgpredict.note_drift(
    %(name)s, %(fed_state)s::bigint, %(fed_rows)s::bigint, %(detector)s::bytea, %(error)s::float8,
    %(width)s::bigint, %(growths)s::jsonb) AS done;

-- name: taught
-- What a learner that runs in the worker is made of.
SELECT * FROM pgpredict.taught_outside(%(name)s);

-- name: claim_batch
-- A commit that does not wait for the disk may be lost in a crash: then the claim is, too.
SELECT c.*
FROM set_config('synchronous_commit',
                CASE WHEN %(soon)s THEN 'off' ELSE current_setting('synchronous_commit') END,
                true),
     pgpredict.claim_batch(%(name)s, %(batch)s::integer) AS c;

-- name: model
SELECT pgpredict.model_at(%(name)s, %(state)s::bigint) AS model;

-- name: keep_batch
SELECT * FROM pgpredict.keep_batch(
    %(name)s, %(how)s, %(keys)s::text[], %(features)s::float8[], %(labels)s::float8[],
    %(predicted)s::float8[], %(likely)s::float8[], %(parameters)s::float8[], %(model)s::bytea);

-- name: hold_batch
SELECT pgpredict.hold_batch(
    %(name)s, %(keys)s::text[], %(reasons)s::text[], %(held)s::integer, %(learnt)s::bigint,
    %(tried)s::integer, %(beyond)s);

-- name: state_outside
-- A state, and the nearest one before it, or itself, whose model is kept; NULL is the current one.
SELECT s.state, s.rows, b.state AS base, b.rows AS base_rows, b.at
FROM pgpredict.learner_current AS c,
     pgpredict.check_state(c.learner, coalesce(%(state)s::bigint, c.state)) AS s
LEFT JOIN pgpredict.learner_state AS b
    ON b.learner = s.learner AND b.state = pgpredict.kept_before(s.learner, s.state)
WHERE c.learner = (pgpredict.check_learner(%(name)s)).name;

-- name: batches_between
SELECT * FROM pgpredict.batches_between(%(name)s, %(base)s::bigint, %(state)s::bigint);

-- name: restore_model
SELECT pgpredict.restore_model(
    %(name)s, %(state)s::bigint, %(parameters)s::float8[], %(model)s::bytea);

-- name: blocks
SELECT l.blocks FROM pgpredict.check_learner(%(name)s) AS l;

-- name: import_model
SELECT pgpredict.import_model(%(name)s, %(parameters)s::float8[], %(model)s::bytea) AS state;

-- name: lock
-- Nobody else teaches the learner until the transaction ends.
SELECT (pgpredict.lock_learner(%(name)s)).place;

-- name: before_keys
SELECT * FROM pgpredict.before_keys(
    %(name)s, pgpredict.key_texts(%(name)s, %(keys)s::text[]));

-- name: batches_without
SELECT *
FROM pgpredict.batches_without(
    %(name)s, %(ranges)s::int8range[], %(first_state)s::bigint,
    pgpredict.key_texts(%(name)s, %(keys)s::text[]));

-- name: add_unlearnt
SELECT pgpredict.add_model(
    %(name)s, %(base)s::bigint, 'unlearnt', %(rows)s::bigint, %(parameters)s::float8[],
    %(model)s::bytea) AS state;

-- name: note_unlearnt
SELECT pgpredict.note_unlearnt(%(name)s, %(taken)s::bigint, %(first_state)s::bigint);

-- name: source_of
SELECT l.source, l.features FROM pgpredict.check_learner(%(name)s) AS l;

-- name: answers
SELECT {function}({arguments}) AS answer
FROM (SELECT %(rows)s::float8[] AS row, (n - 1) * %(width)s::integer AS at
      FROM generate_series(1, %(count)s::integer) AS n) AS x
ORDER BY x.at;
