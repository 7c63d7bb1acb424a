-- Statements of the second act of `pgpredict demo`: a day's flights arrive, one after the other.

-- name: make_departures
DROP TABLE IF EXISTS nycflights.departures;

CREATE TABLE nycflights.departures (
    LIKE nycflights.flights INCLUDING ALL,
    arrived timestamptz NOT NULL DEFAULT clock_timestamp()  -- when the row did
);

-- name: has_stream
SELECT EXISTS (SELECT FROM pgpredict.streams WHERE name = %(stream)s);

-- name: minutes
-- The minutes of the day in which flights were to leave.
SELECT minute_of_day
FROM nycflights.flights
WHERE scheduled::date = %(day)s
GROUP BY minute_of_day
ORDER BY minute_of_day;

-- name: depart
-- arr_delay stays NULL: nobody knows yet.
INSERT INTO nycflights.departures (
    id, scheduled, carrier, flight, tailnum, origin, dest, distance,
    temp, humid, wind_speed, wind_gust, precip, pressure, visib)
SELECT id, scheduled, carrier, flight, tailnum, origin, dest, distance,
       temp, humid, wind_speed, wind_gust, precip, pressure, visib
FROM nycflights.flights
WHERE scheduled::date = %(day)s AND minute_of_day = %(minute)s;

-- name: state
SELECT (SELECT count(*) FROM nycflights.departures) AS rows,
       (SELECT count(*) FROM predict.late_now_live) AS predictions,
       s.depth,
       1000 * extract(epoch FROM s.lag)::float8 AS lag_ms
FROM pgpredict.streams AS s
WHERE s.name = 'late_now';

-- name: latest
SELECT to_char(d.scheduled, 'HH24:MI') || '  ' || d.carrier || ' ' || d.flight AS flight,
       d.origin || '-' || d.dest AS route,
       CASE WHEN l.prediction THEN 'late' ELSE 'on time' END AS prediction,
       round(100 * l.probability)::int AS percent
FROM predict.late_now_live AS l
JOIN nycflights.departures AS d USING (id)
ORDER BY l.at DESC, d.id DESC
LIMIT 3;

-- name: delays
-- From the row's insert until the worker asked the model, in milliseconds.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY w.ms) AS half,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY w.ms) AS most
FROM nycflights.departures AS d
JOIN predict.late_now_live AS l USING (id),
     LATERAL (SELECT 1000 * extract(epoch FROM l.at - d.arrived)::float8) AS w (ms);

-- name: wrong
-- Flights without a prediction, or with another one than predict.late gives now; {columns} are the
-- inputs of the model.
SELECT count(*)
FROM nycflights.departures AS d
LEFT JOIN predict.late_now_live AS l USING (id)
WHERE l.prediction IS DISTINCT FROM predict.late({columns})
   OR l.probability IS DISTINCT FROM predict.late_proba({columns});

-- name: your_turn
SELECT id, prediction, probability, at FROM predict.late_now_live ORDER BY at DESC LIMIT 5;
