-- The number of the last migration that these files contain.

INSERT INTO pgpredict.schema_version (version) VALUES (1) ON CONFLICT DO NOTHING;
