-- The gate of a learner, put together from what its estimator learns and the rules of people.

-- A name in quotes, always: PL/pgSQL has words of its own that SQL does not reserve.
CREATE OR REPLACE FUNCTION pgpredict.in_quotes(name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN '"' || replace(name, '"', '""') || '"';

-- The columns of a table whose names stand in a condition, be it in a text or as a function's.
CREATE OR REPLACE FUNCTION pgpredict.columns_in(source regclass, condition text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM pg_attribute AS a
    WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
      AND (lower(a.attname::text) = ANY (regexp_split_to_array(
               lower(condition), '[]\s!"#%&''()*+,./:;<=>?@[\\^`{|}~-]+'))
           OR strpos(condition, pgpredict.in_quotes(a.attname::text)) > 0)
    $$;

-- Whether rules of a kind remember what they were asked of. They come last: rows that another rule
-- holds are not counted.
CREATE OR REPLACE FUNCTION pgpredict.counts_rows(kind text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN kind IN ('rate', 'flip');

-- One rule as a block of PL/pgSQL: the columns are variables, so that the condition is evaluated
-- without a query.
CREATE OR REPLACE FUNCTION pgpredict.rule_block(rule pgpredict.gate_rule) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(
        E'gate.rule := %L;\nDECLARE\n%s\nBEGIN\nIF (CASE WHEN %s THEN NOT (%s\n) END) THEN\n'
        'gate.reasons := concat_ws(''; '', gate.reasons, concat(%s%L));\nEND IF;\nEND;\n',
        (rule).name,
        string_agg(
            format('%s CONSTANT %s%s := %s.r.%1$s;', pgpredict.in_quotes(a.attname::text),
                   format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attcollation <> t.typcollation
                       THEN format(' COLLATE %I.%I', n.nspname, c.collname) END,
                   pgpredict.in_quotes(l.name || '_gate')), E'\n' ORDER BY a.attnum)
            FILTER (WHERE a.attnum > 0),
        CASE WHEN pgpredict.counts_rows((rule).kind) THEN 'gate.reasons IS NULL' ELSE 'true' END,
        (rule).condition,
        string_agg(
            format('%L, coalesce(left(%s::text, 100), ''NULL''), ',
                   CASE WHEN a.place > 1 THEN ', ' ELSE '' END || a.attname || ' is ',
                   pgpredict.in_quotes(a.attname::text)), '' ORDER BY a.attnum)
            FILTER (WHERE a.attnum > 0),
        CASE WHEN count(a.attnum) > 0 THEN ': ' ELSE '' END
            || format('rule %s, %s', (rule).name, (rule).expects))
    FROM pgpredict.learner AS l
    LEFT JOIN (
        SELECT a.*, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
        FROM pg_attribute AS a
        WHERE a.attname = ANY ((rule).columns) AND NOT a.attisdropped
    ) AS a ON a.attrelid = to_regclass(l.source)
    LEFT JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
    LEFT JOIN pg_namespace AS n ON n.oid = c.collnamespace
    WHERE l.name = (rule).learner
    $$;

-- The body of pgpredict.<learner>_gate(row, released): what the estimator cannot learn, then the
-- rules.
CREATE OR REPLACE FUNCTION pgpredict.gate_template() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN $body$
#variable_conflict use_column
<<gate>>
DECLARE
    reasons text := %s;
    rule text;
BEGIN
    IF released OR reasons IS NOT NULL THEN
        RETURN reasons;
    END IF;
    %s
    RETURN reasons;
EXCEPTION WHEN data_exception OR cardinality_violation OR raise_exception THEN
    RETURN concat_ws('; ', reasons, 'rule ' || rule || ' fails: ' || SQLERRM);
END
$body$;

-- Creates pgpredict.<learner>_gate(row, released). Without rules it is an expression that becomes
-- part of the statement that calls it. A row on which a rule fails is one that breaks it: it must
-- not keep the others from being learnt. What is wrong with the rule itself raises: then all wait.
CREATE OR REPLACE FUNCTION pgpredict.build_gate(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
DECLARE
    l pgpredict.learner := pgpredict.check_learner(learner);
    blocks text;
    counts boolean;
    gate regprocedure;
BEGIN
    SELECT string_agg(pgpredict.rule_block(g), ''
                      ORDER BY pgpredict.counts_rows(g.kind), g.created_at, g.name),
           bool_or(pgpredict.counts_rows(g.kind))
    INTO blocks, counts
    FROM pgpredict.gate_rule AS g WHERE g.learner = build_gate.learner;
    IF blocks IS NULL THEN
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION pgpredict.%I(r %s, released boolean) RETURNS text'
            ' LANGUAGE sql STABLE RETURN %s',
            learner || '_gate', l.source, pgpredict.gate_expression(learner));
        gate := format('pgpredict.%I', learner || '_gate')::regproc::regprocedure;
        PERFORM pgpredict.hand_over(gate);
        PERFORM pgpredict.hide_function(gate);
    ELSE
        PERFORM pgpredict.define_stream_function(
            learner, '_gate', format('r %s, released boolean', l.source), 'text',
            CASE WHEN counts THEN 'VOLATILE' ELSE 'STABLE' END,
            format(pgpredict.gate_template(), pgpredict.gate_expression(learner), blocks));
    END IF;
END
$$;

-- Raises unless the gate can be asked of the rows of the source. What rules count of it is taken
-- back.
CREATE OR REPLACE FUNCTION pgpredict.try_gate(learner text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    EXECUTE format(
        'SELECT count(x.reason) FROM ('
        ' SELECT pgpredict.%I(s.*, false) AS reason FROM %s AS s LIMIT 10) AS x',
        learner || '_gate', (pgpredict.check_learner(learner)).source);
    RAISE EXCEPTION USING ERRCODE = 'PPTRY';
EXCEPTION WHEN SQLSTATE 'PPTRY' THEN
    RETURN;
END
$$;

-- Raises unless a condition on the rows of a table can be asked. It stands alone first, so that
-- nothing can close the brackets around it; WHERE takes no aggregates.
CREATE OR REPLACE FUNCTION pgpredict.try_condition(source regclass, condition text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pgpredict, pg_temp
    AS $$
BEGIN
    SET LOCAL search_path = pg_catalog, pg_temp;  -- as the gate has it
    EXECUTE format(E'SELECT %s\n FROM (SELECT s.* FROM %s AS s) AS r LIMIT 0', condition, source);
    EXECUTE format(E'SELECT FROM (SELECT s.* FROM %s AS s) AS r WHERE NOT (%s\n) LIMIT 0',
                   source, condition);
END
$$;
