-- What people read of learners.

CREATE OR REPLACE VIEW pgpredict.learners AS
SELECT l.name,
       l.status,
       l.why,
       c.state,
       c.rows,
       s.at AS learnt_at,
       coalesce(q.rows, 0)::bigint AS depth,
       statement_timestamp() - q.since AS oldest_age,
       (SELECT count(*) FROM pgpredict.quarantine AS h WHERE h.learner = l.name) AS quarantined,
       l.estimator,
       l.source,
       l.key,
       l.target,
       l.features,
       l.classes,
       l.label_type,
       l.place,
       l.level,
       l.notify,
       l.retention,
       l.created_at,
       l.created_by,
       l.updates,
       l.prediction IS NOT NULL AS answers
FROM pgpredict.learner AS l
JOIN pgpredict.learner_current AS c ON c.learner = l.name
JOIN pgpredict.learner_state AS s ON s.learner = c.learner AND s.state = c.state
LEFT JOIN (
    SELECT q.tableoid, sum(q.rows) AS rows, min(q.enqueued_at) AS since
    FROM pgpredict.queue AS q
    GROUP BY q.tableoid
) AS q ON q.tableoid = to_regclass(format('pgpredict.%I', l.name || '_queue'))
ORDER BY l.name;

CREATE OR REPLACE VIEW pgpredict.learner_states AS
SELECT s.learner,
       s.state,
       c.state IS NOT NULL AS current,
       s.came_from,
       s.made_by,
       s.rows,
       s.batch_rows,
       s.quarantined,
       s.log_loss,
       s.accuracy,
       CASE WHEN l.probability IS NOT NULL AND cardinality(l.classes) = 2
           THEN (SELECT pgpredict.auc(b.labels, b.predicted)
                 FROM pgpredict.learner_batch AS b
                 WHERE b.learner = s.learner AND b.state = s.state) END AS auc,
       s.mae,
       s.rmse,
       s.checkpoint,
       s.at,
       s.taken_back
FROM pgpredict.learner_state AS s
JOIN pgpredict.learner AS l ON l.name = s.learner
LEFT JOIN pgpredict.learner_current AS c ON c.learner = s.learner AND c.state = s.state;

-- Over the last hundred batches of each learner that are kept. A batch weighs as much as it has rows
-- that had a prediction: its own metrics are of these.
CREATE OR REPLACE VIEW pgpredict.learner_metrics AS
SELECT l.name AS learner,
       w.batches,
       w.rows,
       w.since,
       w.until,
       w.log_loss,
       w.accuracy,
       CASE WHEN l.probability IS NOT NULL AND cardinality(l.classes) = 2
           THEN (SELECT pgpredict.auc(array_agg(r.label), array_agg(r.score))
                 FROM pgpredict.learner_batch AS b,
                      unnest(b.labels, b.predicted) AS r (label, score)
                 WHERE b.learner = l.name AND b.state = ANY (w.states)) END AS auc,
       w.mae,
       w.rmse
FROM pgpredict.learner AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS batches,
           sum(s.batch_rows) AS rows,
           min(s.at) AS since,
           max(s.at) AS until,
           sum(s.log_loss * s.answered)
               / sum(s.answered) FILTER (WHERE s.log_loss IS NOT NULL) AS log_loss,
           sum(s.accuracy * s.answered)
               / sum(s.answered) FILTER (WHERE s.accuracy IS NOT NULL) AS accuracy,
           sum(s.mae * s.answered)
               / sum(s.answered) FILTER (WHERE s.mae IS NOT NULL) AS mae,
           sqrt(sum(s.rmse * s.rmse * s.answered)
                / sum(s.answered) FILTER (WHERE s.rmse IS NOT NULL)) AS rmse,
           array_agg(s.state) AS states
    FROM (SELECT s.*, cardinality(array_remove(b.predicted, NULL)) AS answered
          FROM pgpredict.learner_state AS s
          JOIN pgpredict.learner_batch AS b ON b.learner = s.learner AND b.state = s.state
          WHERE s.learner = l.name AND s.made_by = 'learnt'
          ORDER BY s.state DESC
          LIMIT 100) AS s
) AS w;

COMMENT ON VIEW pgpredict.learner_metrics IS
    'how good the predictions of the last hundred batches were, before they were learnt';
COMMENT ON VIEW pgpredict.learners IS 'one row per learner: where it stands, what waits';
COMMENT ON VIEW pgpredict.learner_states IS
    'one row per state: how it was made, and how good the predictions of its batch were before';
