-- Statements of `pgpredict demo`, by name. Everything that it makes lies in the schema nycflights,
-- apart from the model `late`.

-- name: what_is_there
-- Whose the schema is: the demo marks its own.
SELECT obj_description(n.oid, 'pg_namespace') AS mark
FROM pg_namespace AS n
WHERE n.nspname = 'nycflights';

-- name: make_tables
-- Tables of an earlier run are kept and filled anew: views and functions that use them stay.
CREATE SCHEMA IF NOT EXISTS nycflights;

CREATE TABLE IF NOT EXISTS nycflights.airlines (
    carrier text PRIMARY KEY,
    name    text NOT NULL
);

CREATE TABLE IF NOT EXISTS nycflights.flights (
    id            integer   PRIMARY KEY,
    scheduled     timestamp NOT NULL,   -- departure, in New York's time
    carrier       text      NOT NULL,
    flight        integer   NOT NULL,
    tailnum       text,
    origin        text      NOT NULL,
    dest          text      NOT NULL,
    distance      integer   NOT NULL,   -- miles
    -- The weather at the origin in that hour; often it was not measured.
    temp          float8,               -- degrees Fahrenheit
    humid         float8,               -- percent
    wind_speed    float8,               -- miles an hour
    wind_gust     float8,
    precip        float8,               -- inches
    pressure      float8,               -- millibars
    visib         float8,               -- miles
    arr_delay     integer,              -- minutes; NULL: it never arrived
    weekday       smallint  GENERATED ALWAYS AS (extract(isodow FROM scheduled)) STORED,
    minute_of_day smallint  GENERATED ALWAYS AS (
        extract(hour FROM scheduled) * 60 + extract(minute FROM scheduled)) STORED,
    late          boolean   GENERATED ALWAYS AS (arr_delay > 15) STORED
);

CREATE INDEX IF NOT EXISTS flights_scheduled_idx ON nycflights.flights (scheduled);

CREATE TABLE IF NOT EXISTS nycflights.late_scores (
    flight_id   integer PRIMARY KEY,
    late        boolean NOT NULL,
    probability float8  NOT NULL
);

TRUNCATE nycflights.airlines, nycflights.flights, nycflights.late_scores;

CREATE TEMPORARY TABLE raw_flights (
    id             integer GENERATED ALWAYS AS IDENTITY,
    year           integer,
    month          integer,
    day            integer,
    dep_time       integer,
    sched_dep_time integer,
    dep_delay      integer,
    arr_time       integer,
    sched_arr_time integer,
    arr_delay      integer,
    carrier        text,
    flight         integer,
    tailnum        text,
    origin         text,
    dest           text,
    air_time       integer,
    distance       integer,
    hour           integer,
    minute         integer,
    time_hour      timestamptz
) ON COMMIT DROP;

CREATE TEMPORARY TABLE raw_weather (
    origin     text,
    year       integer,
    month      integer,
    day        integer,
    hour       integer,
    temp       float8,
    dewp       float8,
    humid      float8,
    wind_dir   float8,
    wind_speed float8,
    wind_gust  float8,
    precip     float8,
    pressure   float8,
    visib      float8,
    time_hour  timestamptz
) ON COMMIT DROP;

-- name: copy_flights
COPY raw_flights (
    year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay,
    carrier, flight, tailnum, origin, dest, air_time, distance, hour, minute, time_hour)
FROM STDIN (FORMAT csv, HEADER, NULL 'NA');

-- name: copy_weather
COPY raw_weather FROM STDIN (FORMAT csv, HEADER, NULL 'NA');

-- name: copy_airlines
COPY nycflights.airlines FROM STDIN (FORMAT csv, HEADER);

-- name: fill_flights
INSERT INTO nycflights.flights (
    id, scheduled, carrier, flight, tailnum, origin, dest, distance,
    temp, humid, wind_speed, wind_gust, precip, pressure, visib, arr_delay)
SELECT f.id, make_timestamp(f.year, f.month, f.day, f.hour, f.minute, 0),
       f.carrier, f.flight, f.tailnum, f.origin, f.dest, f.distance,
       w.temp, w.humid, w.wind_speed, w.wind_gust, w.precip, w.pressure, w.visib, f.arr_delay
FROM raw_flights AS f
LEFT JOIN raw_weather AS w USING (origin, time_hour)
ORDER BY f.id;

-- name: analyze
ANALYZE nycflights.flights;

-- name: mark
-- {mark} is filled in by the client: COMMENT takes no parameters.
COMMENT ON SCHEMA nycflights IS {mark};

-- name: counts
SELECT count(*) AS flights,
       count(late) AS arrived,
       count(*) FILTER (WHERE late) AS late,
       count(*) FILTER (WHERE temp IS NULL OR humid IS NULL OR wind_speed IS NULL
                              OR wind_gust IS NULL OR pressure IS NULL) AS incomplete
FROM nycflights.flights;

-- name: read_flights
-- {columns} are the inputs of the model.
SELECT {columns}, scheduled < '2013-10-01' AS in_training, late
FROM nycflights.flights
ORDER BY id;

-- name: make_view
CREATE OR REPLACE VIEW nycflights.watch_list AS
SELECT * FROM nycflights.flights f
WHERE predict.late_proba(f) > 0.5;

-- name: count_view
SELECT count(*) FROM nycflights.watch_list;

-- name: empty_scores
TRUNCATE nycflights.late_scores;

-- name: score
INSERT INTO nycflights.late_scores
SELECT f.id, {late}, {late_proba}
FROM nycflights.flights f
WHERE f.scheduled >= make_date(2013, %(month)s, 1)
  AND f.scheduled < make_date(2013, %(month)s, 1) + interval '1 month';

-- name: read_scores
SELECT late, probability FROM nycflights.late_scores ORDER BY flight_id;

-- name: worst_flights
SELECT to_char(f.scheduled, 'HH24:MI') AS departs, a.name AS airline,
       f.origin || '-' || f.dest AS route,
       coalesce(f.arr_delay || ' min', 'never') AS came_late_by,
       round(100 * predict.late_proba(f))::int AS percent
FROM nycflights.flights f JOIN nycflights.airlines a USING (carrier)
WHERE f.scheduled::date = '2013-12-23'
ORDER BY predict.late_proba(f) DESC
LIMIT 5;

-- name: expected_and_happened
SELECT a.name AS airline, count(*) AS flights,
       round(100 * avg(predict.late_proba(f)))::int AS expected,
       round(100 * avg(f.late::int))::int AS happened
FROM nycflights.flights f JOIN nycflights.airlines a USING (carrier)
WHERE f.scheduled >= '2013-10-01' AND f.late IS NOT NULL
GROUP BY a.name
ORDER BY flights DESC
LIMIT 6;

-- name: what_if
SELECT to_char(make_time(h, 0, 0), 'HH24:MI') AS departs,
       round(100 * predict.late_proba(jsonb_populate_record(f,
           jsonb_build_object('minute_of_day', 60 * h))))::int AS as_it_was,
       round(100 * predict.late_proba(jsonb_populate_record(f,
           jsonb_build_object('minute_of_day', 60 * h,
                              'precip', 0.3, 'visib', 1))))::int AS in_a_storm
FROM nycflights.flights f, generate_series(6, 21, 3) h
WHERE f.id = (SELECT min(id) FROM nycflights.flights
              WHERE carrier = 'UA' AND origin = 'EWR' AND dest = 'SFO'
                AND scheduled >= '2013-12-20')
ORDER BY h;

-- name: your_turn
SELECT flight, dest, predict.late(f) FROM nycflights.flights f LIMIT 5;

-- name: what_is_live
SELECT name, live, description, metrics FROM pgpredict.models;
