-- Files: how one is shown and described, and what its folders are.

CREATE OR REPLACE FUNCTION folders_of(path text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_to_string(p.parts[1:n], '/')
    FROM (SELECT string_to_array(lower($1), '/') AS parts) AS p
    CROSS JOIN LATERAL generate_series(1, cardinality(p.parts) - 1) AS n
$$;
COMMENT ON FUNCTION folders_of(text) IS 'The folders that a path lies in, the outermost first, in lower case as paths are compared.';

CREATE OR REPLACE FUNCTION describe_file(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT f.path, NULL::text, NULL::uuid
    FROM files AS f
    WHERE f.id = $1
        AND f.deleted_at IS NULL
        AND project_role(f.project_id, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$$;
COMMENT ON FUNCTION describe_file(uuid, uuid) IS 'A file in describe_entity().';

SELECT gather_kinds();

DROP VIEW IF EXISTS file_items;
CREATE VIEW file_items AS
SELECT
    f.id,
    f.project_id AS "projectId",
    f.path,
    f.kind,
    f.type,
    f.eol,
    f.bytes,
    f.content_version AS "contentVersion",
    f.version,
    (SELECT person(u) FROM users AS u WHERE u.id = f.creator_id) AS creator,
    f.created_at AS "createdAt",
    f.updated_at AS "updatedAt",
    f.deleted_at AS "_deletedAt",
    f.deleted_by AS "_deletedBy"
FROM files AS f;
COMMENT ON VIEW file_items IS 'Files as the API and the frames show them, with those in the trash.';

DROP VIEW IF EXISTS file_contents;
CREATE VIEW file_contents AS
SELECT
    f.id,
    f.project_id,
    f.path,
    f.kind,
    f.type,
    f.eol,
    f.content_version AS version,
    f.updated_at,
    coalesce(v.bytes, 0) AS bytes,
    v.sha256,
    coalesce(d.last_seq, 0) AS seq,
    coalesce(d.last_seq > greatest(d.settled_seq, v.seq), false) AS unsettled
FROM files AS f
LEFT JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
LEFT JOIN file_docs AS d ON d.file_id = f.id
WHERE f.deleted_at IS NULL;
COMMENT ON VIEW file_contents IS 'Where the content of each file is: that of its newest version, or where it is unsettled in its log.';
