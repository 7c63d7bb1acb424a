-- What `pgpredict show` asks beyond the views.

-- name: arguments
-- The inputs of a version as one writes them in SQL, in the order of the arguments.
SELECT array_agg(quote_ident(i.name) ORDER BY i.position) AS names
FROM pgpredict.versions AS v, pgpredict.inputs(v.signature) AS i
WHERE v.model = %(model)s AND v.version = %(version)s;
