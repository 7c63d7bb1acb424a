-- Which tables belong to a stream. Those of streams that are there are noted when they are maintained.

CREATE TABLE pgpredict.stream_table (
    stream   text   NOT NULL REFERENCES pgpredict.stream (name) ON DELETE CASCADE,
    relation oid    NOT NULL,
    attached bigint,
    place    text   NOT NULL,
    PRIMARY KEY (stream, relation)
);

DROP FUNCTION IF EXISTS pgpredict.adopt_partitions(text);

INSERT INTO pgpredict.schema_version (version) VALUES (6);
