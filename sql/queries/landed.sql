-- Statements of the reference deployment (dagster_project/defs/landed.py): the flights that have
-- landed, from which a learner learns.

-- name: make
CREATE TABLE IF NOT EXISTS nycflights.landed (
    id            integer   PRIMARY KEY,
    scheduled     timestamp NOT NULL,
    minute_of_day smallint  NOT NULL,
    weekend       smallint  NOT NULL,   -- 1: Saturday or Sunday
    distance      integer   NOT NULL,
    temp          float8,               -- the weather, where it was measured
    humid         float8,
    wind_speed    float8,
    precip        float8,
    visib         float8,
    late          boolean   NOT NULL
);

-- name: land
-- In the order in which they were to leave, which is the order in which they are learnt. A flight
-- that has landed already is not written again, and so not learnt again.
INSERT INTO nycflights.landed
SELECT f.id, f.scheduled, f.minute_of_day, (f.weekday > 5)::integer, f.distance,
       f.temp, f.humid, f.wind_speed, f.precip, f.visib, f.late
FROM nycflights.flights AS f
WHERE f.scheduled >= %(begin)s AND f.scheduled < %(end)s AND f.late IS NOT NULL
ORDER BY f.scheduled, f.id
ON CONFLICT (id) DO NOTHING;

-- name: total
SELECT count(*) AS rows FROM nycflights.landed;
