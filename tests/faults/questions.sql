-- What the judge asks when all work is done. Each question has two statements: how many there are
-- to look at, and those that are wrong. `table` is asked once, `stream` of each stream, the others
-- of those in that mode.
--
-- expected: the rows that clients know to be there. {times}: how often each key was to be
-- predicted. {untouched}: the keys of rows that were inserted under a key that was new, and that
-- nobody wrote since.

-- table: each committed row is in the table, as it was written last
SELECT count(*) FROM expected;
SELECT e.*
FROM expected AS e
LEFT JOIN item AS s
    ON s.id = e.id AND s."Région" = e.region AND s.code = e.code AND s.change = e.change
WHERE s.id IS NULL;

-- table: nothing that was rolled back is in the table
SELECT count(*) FROM item;
SELECT s.id
FROM item AS s
LEFT JOIN expected AS e ON e.id = s.id
WHERE e.id IS NULL;

-- stream: each row has a prediction
SELECT count(*) FROM item;
SELECT {keys} FROM item EXCEPT SELECT {keys} FROM {live};

-- stream: each prediction has its row
SELECT count(*) FROM {live};
SELECT {keys} FROM {live} EXCEPT SELECT {keys} FROM item;

-- stream: each prediction is what the model says of the row now
SELECT count(*) FROM {live};
SELECT s.*, l.prediction, l.probability, l.version
FROM {live} AS l
JOIN item AS s USING ({keys})
WHERE ROW(l.prediction, l.probability) IS DISTINCT FROM ROW(predict.m(s), predict.m_proba(s));

-- stream: no row has two predictions
SELECT count(*) FROM {live};
SELECT {keys}, count(*) FROM {live} GROUP BY {keys} HAVING count(*) > 1;

-- stream: nothing waits in the queue
SELECT count(*) FROM {queue};
SELECT * FROM {queue};

-- stream: nothing failed
SELECT count(*) FROM pgpredict.failure WHERE stream = {name};
SELECT key, error, not_before FROM pgpredict.failure WHERE stream = {name};

-- stream: each prediction is in the log
SELECT count(*) FROM {live};
SELECT {keys}, prediction, probability, version, at FROM {live}
EXCEPT
SELECT {keys}, prediction, probability, version, at FROM {log};

-- stream: a row that was inserted and never changed is in the log once
SELECT count(*) FROM {untouched} AS u;
SELECT {keys}, count(l.at)
FROM {untouched} AS u
LEFT JOIN {log} AS l USING ({keys})
GROUP BY {keys}
HAVING count(l.at) <> 1;

-- queue: the log holds no more predictions than workers claimed keys
SELECT count(*) FROM {log};
SELECT l.lines, w.claims
FROM (SELECT count(*) AS lines FROM {log}) AS l,
     (SELECT coalesce(sum(rows), 0) AS claims
      FROM pgpredict.worker WHERE stream = {name}) AS w
WHERE l.lines > w.claims;

-- transaction: each key is in the log as often as a committed change wanted it
SELECT count(*) FROM {log};
SELECT {keys}, t.times, l.lines
FROM {times} AS t
FULL JOIN (SELECT {keys}, count(*) AS lines FROM {log} GROUP BY {keys}) AS l USING ({keys})
WHERE t.times IS DISTINCT FROM l.lines;
