-- The schema, read from PostgreSQL's system catalogs for docs/schema.sql: one row for each object with its comment. COLLATE "C"
-- makes the order independent of the database's collation.

-- name: list_extensions() :many
-- Extensions.
SELECT format('CREATE EXTENSION %I;', extname) AS text
FROM pg_extension
WHERE extname <> 'plpgsql'
ORDER BY extname COLLATE "C";

-- name: list_dictionaries() :many
-- Text search dictionaries, without those of extensions.
SELECT
    d.dictname AS name,
    format(
        E'CREATE TEXT SEARCH DICTIONARY %I (TEMPLATE = %I, %s);\nCOMMENT ON TEXT SEARCH DICTIONARY %I IS %L;',
        d.dictname, t.tmplname, d.dictinitoption, d.dictname, obj_description(d.oid, 'pg_ts_dict')
    ) AS text
FROM pg_ts_dict AS d
INNER JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
WHERE d.dictnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = d.oid AND e.deptype = 'e')
ORDER BY d.dictname COLLATE "C";

-- name: list_searches() :many
-- Text search configurations.
SELECT
    format('CREATE TEXT SEARCH CONFIGURATION %I (PARSER = default);', c.cfgname)
    || string_agg(
        format(E'\nALTER TEXT SEARCH CONFIGURATION %I ADD MAPPING FOR %s WITH %s;', c.cfgname, m.token, m.dictionaries),
        '' ORDER BY m.token COLLATE "C"
    )
    || format(E'\nCOMMENT ON TEXT SEARCH CONFIGURATION %I IS %L;', c.cfgname, obj_description(c.oid, 'pg_ts_config')) AS text
FROM pg_ts_config AS c
CROSS JOIN LATERAL (
    SELECT t.alias AS token, string_agg(d.dictname, ', ' ORDER BY m.mapseqno) AS dictionaries
    FROM pg_ts_config_map AS m
    INNER JOIN ts_token_type(c.cfgparser) AS t ON t.tokid = m.maptokentype
    INNER JOIN pg_ts_dict AS d ON d.oid = m.mapdict
    WHERE m.mapcfg = c.oid
    GROUP BY t.alias
) AS m
WHERE c.cfgnamespace = 'public'::regnamespace
GROUP BY c.oid, c.cfgname
ORDER BY c.cfgname COLLATE "C";

-- name: list_functions(needed) :many
-- Functions. `needed` true: those that a default, a constraint or an index depends on, and those they call with the schema
-- `public.`; false: all others. uuidv7() is left out, because PostgreSQL 18 has it built in.
SELECT
    trim(trailing FROM replace(pg_get_functiondef(p.oid), 'FUNCTION public.', 'FUNCTION '), E'\n') || ';'
    || format(E'\nCOMMENT ON FUNCTION %s IS %L;', p.oid::regprocedure, obj_description(p.oid, 'pg_proc')) AS text
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.proname <> 'uuidv7'
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    AND $1 = EXISTS (
        SELECT FROM pg_depend AS d
        INNER JOIN pg_proc AS used ON used.oid = d.refobjid
        WHERE d.refclassid = 'pg_proc'::regclass
            AND (used.oid = p.oid OR used.prosrc LIKE '%public.' || p.proname || '(%')
            AND d.classid IN ('pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass)
    )
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- name: list_aggregates() :many
-- Aggregates.
SELECT
    format(
        'CREATE AGGREGATE %s (SFUNC = %s, STYPE = %s);', p.oid::regprocedure, a.aggtransfn,
        format_type(a.aggtranstype, NULL)
    )
    || format(E'\nCOMMENT ON AGGREGATE %s IS %L;', p.oid::regprocedure, obj_description(p.oid, 'pg_proc')) AS text
FROM pg_aggregate AS a
INNER JOIN pg_proc AS p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- name: list_tables(foreign) :many
-- Tables with their columns, constraints and indexes, without those whose name matches `foreign`. A partition inherits these
-- from its parent.
SELECT
    CASE
        WHEN r.relispartition THEN format(
            E'CREATE TABLE %I PARTITION OF %s %s;', r.relname, i.inhparent::regclass, pg_get_expr(r.relpartbound, r.oid)
        )
        ELSE
            format(E'CREATE TABLE %I (\n    %s\n)', r.relname, concat_ws(E',\n    ', columns.listed, checks.listed))
            || coalesce(' PARTITION BY ' || pg_get_partkeydef(r.oid), '')
            || coalesce(' WITH (' || array_to_string(r.reloptions, ', ') || ')', '')
            || ';'
    END
    || format(E'\nCOMMENT ON TABLE %I IS %L;', r.relname, obj_description(r.oid, 'pg_class'))
    || CASE WHEN r.relispartition THEN '' ELSE coalesce(columns.comments, '') || coalesce(indexes.listed, '') END AS text
FROM pg_class AS r
LEFT JOIN pg_inherits AS i ON i.inhrelid = r.oid
CROSS JOIN LATERAL (
    SELECT
        string_agg(
            format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
            || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid, true), '')
            || CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
            || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
            E',\n    ' ORDER BY a.attnum
        ) AS listed,
        string_agg(
            format(E'\nCOMMENT ON COLUMN %I.%I IS %L;', r.relname, a.attname, col_description(r.oid, a.attnum)),
            '' ORDER BY a.attnum
        ) FILTER (WHERE col_description(r.oid, a.attnum) IS NOT NULL) AS comments
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS columns
CROSS JOIN LATERAL (
    SELECT
        string_agg(
            format('CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid, true)),
            E',\n    ' ORDER BY position(c.contype::text IN 'puc'), c.conname COLLATE "C"
        ) AS listed
    FROM pg_constraint AS c
    WHERE c.conrelid = r.oid AND c.contype IN ('p', 'u', 'c')
) AS checks
CROSS JOIN LATERAL (
    SELECT
        string_agg(
            E'\n' || replace(pg_get_indexdef(x.indexrelid, 0, true), ' ON ONLY ', ' ON ') || ';',
            '' ORDER BY x.indexrelid::regclass::text COLLATE "C"
        ) AS listed
    FROM pg_index AS x
    WHERE x.indrelid = r.oid
        AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u'))
) AS indexes
WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p') AND r.relname !~ $1
ORDER BY r.relname COLLATE "C";

-- name: list_foreign_keys() :many
-- Foreign keys; they come after all tables, because tables reference each other.
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', conrelid::regclass, conname, pg_get_constraintdef(oid, true)) AS text
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype = 'f'
ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C";

-- name: list_views() :many
-- The names of the views.
SELECT viewname::text AS name
FROM pg_views
WHERE schemaname = 'public';

-- name: list_triggers(foreign) :many
-- Triggers, without those of tables whose name matches `foreign`, and without those that a partition inherits from its parent.
SELECT
    pg_get_triggerdef(t.oid, true) || ';'
    || coalesce(
        format(E'\nCOMMENT ON TRIGGER %I ON %I IS %L;', t.tgname, r.relname, obj_description(t.oid, 'pg_trigger')), ''
    ) AS text
FROM pg_trigger AS t
INNER JOIN pg_class AS r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND r.relnamespace = 'public'::regnamespace AND r.relname !~ $1
ORDER BY r.relname COLLATE "C", t.tgname COLLATE "C";

-- name: list_effects(foreign) :many
-- The triggers of tables, as the table of effects in sql/README.md shows them; without tables whose name matches `foreign`.
SELECT
    r.relname::text AS "table",
    concat_ws(
        ', ',
        CASE WHEN t.tgtype & 4 > 0 THEN 'INSERT' END,
        CASE WHEN t.tgtype & 16 > 0 THEN concat_ws(' of ', 'UPDATE', columns.listed) END,
        CASE WHEN t.tgtype & 8 > 0 THEN 'DELETE' END,
        CASE WHEN t.tgtype & 32 > 0 THEN 'TRUNCATE' END
    ) AS change,
    t.tgname::text AS trigger,
    coalesce(obj_description(t.oid, 'pg_trigger'), '') AS effect
FROM pg_trigger AS t
INNER JOIN pg_class AS r ON r.oid = t.tgrelid
CROSS JOIN LATERAL (
    SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) AS listed
    FROM pg_attribute AS a
    WHERE a.attrelid = t.tgrelid AND a.attnum = ANY(t.tgattr::smallint[])
) AS columns
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND r.relnamespace = 'public'::regnamespace AND r.relname !~ $1
ORDER BY r.relname COLLATE "C", t.tgtype & 4 DESC, t.tgtype & 16 DESC, t.tgname COLLATE "C";
