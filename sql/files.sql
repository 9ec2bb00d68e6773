-- Files of projects: their paths and the trash. Their contents are written by sql/collab.sql and sql/file_versions.sql. Before
-- changing paths, call lock_paths: no constraint can prevent a file and a folder of the same name.

-- name: lock_paths(project_id) :exec
-- Take the project's advisory lock for path changes until the transaction ends.
SELECT pg_advisory_xact_lock(x'666c65'::integer, hashtext($1::uuid::text));

-- name: find_obstacle(project_id, path, but_id) :value
-- The path that is in the way of a new path: a file of the same name, a file in a folder of this name, or a file where a parent
-- folder is needed; NULL if the path is free.
SELECT o.path
FROM files AS o
WHERE o.project_id = $1
    AND o.deleted_at IS NULL
    AND o.id <> $3
    AND (
        (lower(o.path) COLLATE "C") IN (SELECT lower($2) UNION ALL SELECT folders_of($2))
        OR ((lower(o.path) COLLATE "C") > lower($2) || '/' AND (lower(o.path) COLLATE "C") < lower($2) || '0')
    )
LIMIT 1;

-- name: count_files(project_id) :value
-- The number of files of a project, including those in the trash.
SELECT count(*)::integer FROM files WHERE project_id = $1;

-- name: create_file(file_id, project_id, path, kind, type, eol, creator_id) :value
-- Insert a file without content; a text file also gets a log for editing. `file_id` NULL: a new id. Returns the id.
WITH made AS (
    INSERT INTO files (id, project_id, path, kind, type, eol, creator_id)
    VALUES (coalesce($1, uuidv7()), $2, $3, $4, $5, $6, $7)
    RETURNING id, kind
),
opened AS (
    INSERT INTO file_docs (file_id) SELECT m.id FROM made AS m WHERE m.kind = 'text'
)
SELECT id FROM made;

-- name: become_binary(file_id) :value
-- Turn a text file that nobody has edited, and that the caller has locked, into a binary file. NULL if it has been edited.
WITH closed AS (
    DELETE FROM file_docs WHERE file_id = $1 AND last_seq = 0 RETURNING file_id
)
UPDATE files
SET kind = 'binary', eol = 'lf', version = version + 1, updated_at = now()
FROM closed
WHERE files.id = closed.file_id
RETURNING files.id;

-- name: get_file(file_id, viewer_id, manages) :one
-- One file as a viewer sees it, with their role in its project; no row if they may not see it.
SELECT i.*, r.role AS "_role"
FROM file_items AS i
CROSS JOIN LATERAL (SELECT project_role(i."projectId", $2, $3) AS role) AS r
WHERE i.id = $1 AND i."_deletedAt" IS NULL AND r.role IS NOT NULL;

-- name: list_files(project_id, folder, deep, after, most) :many
-- The files of a folder (of the project if `folder` is empty), in path order; with `deep`, also those of its subfolders.
-- `folder` ends with a slash.
SELECT i.*
FROM (
    SELECT f.id, f.path
    FROM files AS f
    WHERE f.project_id = $1
        AND f.deleted_at IS NULL
        AND (lower(f.path) COLLATE "C") > greatest(lower($2) COLLATE "C", lower($4) COLLATE "C")
        AND ($2 = '' OR (lower(f.path) COLLATE "C") < rtrim(lower($2), '/') || '0')
        AND ($3::boolean OR strpos(substr(f.path, length($2) + 1), '/') = 0)
    ORDER BY lower(f.path) COLLATE "C"
    LIMIT $5
) AS found
INNER JOIN file_items AS i ON i.id = found.id
ORDER BY lower(found.path) COLLATE "C";

-- name: list_folders(project_id, folder, after, most) :many
-- The subfolders of a folder in path order, with the number and total size of the files in them. `folder` ends with a slash, or
-- is empty.
SELECT min(g.path) AS path, count(*)::integer AS files, sum(g.bytes)::bigint AS bytes
FROM (
    SELECT
        substr(f.path, 1, length($2) + strpos(substr(f.path, length($2) + 1), '/') - 1) AS path,
        f.bytes
    FROM files AS f
    WHERE f.project_id = $1
        AND f.deleted_at IS NULL
        AND (lower(f.path) COLLATE "C") > lower($2) COLLATE "C"
        AND ($2 = '' OR (lower(f.path) COLLATE "C") < rtrim(lower($2), '/') || '0')
        AND strpos(substr(f.path, length($2) + 1), '/') > 0
) AS g
WHERE (lower(g.path) COLLATE "C") > lower($3) COLLATE "C"
GROUP BY lower(g.path) COLLATE "C"
ORDER BY lower(g.path) COLLATE "C"
LIMIT $4;

-- name: update_file(file_id, path, type, eol) :exec
-- Change a file that the caller has locked; a NULL leaves a column unchanged.
UPDATE files
SET
    path = coalesce($2, path),
    type = coalesce($3, type),
    eol = coalesce($4, eol),
    version = version + 1,
    updated_at = now()
WHERE id = $1;

-- name: trash_file(file_id, user_id) :exec
-- Move a file that the caller has locked to the trash.
UPDATE files
SET deleted_at = now(), deleted_by = $2, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: list_trash(project_id, before_time, before, most) :many
-- The files in a project's trash, the last deleted first.
SELECT i.*, i."_deletedAt" AS "deletedAt", (SELECT person(u) FROM users AS u WHERE u.id = i."_deletedBy") AS "deletedBy"
FROM (
    SELECT f.id, f.deleted_at
    FROM files AS f
    WHERE f.project_id = $1
        AND f.deleted_at > trash_limit()
        AND (f.deleted_at, f.id) < ($2, $3)
    ORDER BY f.deleted_at DESC, f.id DESC
    LIMIT $4
) AS found
INNER JOIN file_items AS i ON i.id = found.id
ORDER BY found.deleted_at DESC, found.id DESC;

-- name: get_trashed(file_id, viewer_id, manages) :one
-- A file in the trash, and the viewer's role in its project; no row if they may not see it.
SELECT f.id, f.project_id, f.path, r.role
FROM files AS f
CROSS JOIN LATERAL (SELECT project_role(f.project_id, $2, $3) AS role) AS r
WHERE f.id = $1 AND f.deleted_at > trash_limit() AND r.role IS NOT NULL;

-- name: restore_file(file_id) :exec
-- Take a file that the caller has locked out of the trash.
UPDATE files
SET deleted_at = NULL, deleted_by = NULL, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: empty_trash(project_id) :value
-- Let all files in a project's trash expire, so that purge_trash removes them next; returns the number of rows.
WITH trashed AS MATERIALIZED (
    SELECT f.id FROM files AS f
    WHERE f.project_id = $1 AND f.deleted_at > '-infinity'
    ORDER BY f.id
    FOR NO KEY UPDATE
),
expired AS (
    UPDATE files AS f SET deleted_at = '-infinity' FROM trashed AS t WHERE f.id = t.id RETURNING 1
)
SELECT count(*)::integer FROM expired;

-- name: purge_trash(most) :value
-- Delete files that have been in the trash past the limit, and subtract their size from their projects; returns the number of
-- rows.
WITH old AS (
    SELECT f.id
    FROM files AS f
    WHERE f.deleted_at <= trash_limit()
    ORDER BY f.deleted_at, f.id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM files AS f USING old AS o WHERE f.id = o.id RETURNING f.id, f.project_id, f.bytes
),
blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id IN (SELECT g.id FROM gone AS g)
),
charged AS MATERIALIZED (
    SELECT p.id FROM projects AS p
    WHERE p.id IN (SELECT g.project_id FROM gone AS g)
    ORDER BY p.id
    FOR NO KEY UPDATE
),
discharged AS (
    UPDATE projects AS p
    SET file_bytes = p.file_bytes - (SELECT sum(g.bytes) FROM gone AS g WHERE g.project_id = p.id)
    FROM charged AS c
    WHERE p.id = c.id
)
SELECT count(*)::integer FROM gone;

-- name: drop_files(project_id, most) :value
-- Delete up to `most` files of a project that is being removed, with everything that depends on them; returns the number of
-- rows. Files locked by a concurrent save are skipped until the next call, because that save waits for the project.
WITH old AS (
    SELECT f.id FROM files AS f WHERE f.project_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM files AS f USING old AS o WHERE f.id = o.id RETURNING f.id
),
blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id IN (SELECT g.id FROM gone AS g)
)
SELECT count(*)::integer FROM gone;

-- name: lock_folder(project_id, folder, most) :many
-- Lock the files of a folder and of its subfolders, in id order. `folder` ends with a slash.
SELECT f.id
FROM files AS f
WHERE f.project_id = $1
    AND f.deleted_at IS NULL
    AND (lower(f.path) COLLATE "C") > lower($2)
    AND (lower(f.path) COLLATE "C") < rtrim(lower($2), '/') || '0'
ORDER BY f.id
LIMIT $3
FOR NO KEY UPDATE;

-- name: find_folder_obstacle(project_id, ids, size, folder) :value
-- The path that is in the way if these files move to another folder: `folder` replaces the first `size` characters of their
-- paths. NULL if they can move.
WITH placed AS (
    SELECT $4 || substr(f.path, $3::integer + 1) AS path FROM files AS f WHERE f.id = ANY($2::uuid[])
),
others AS (
    SELECT f.path FROM files AS f WHERE f.project_id = $1 AND f.deleted_at IS NULL AND f.id <> ALL($2::uuid[])
),
taken AS (
    SELECT o.path, lower(o.path) AS name FROM others AS o
    UNION
    SELECT o.path, name FROM others AS o CROSS JOIN LATERAL folders_of(o.path) AS name
)
SELECT t.path
FROM taken AS t
INNER JOIN placed AS p ON lower(p.path) = t.name
UNION ALL
SELECT o.path
FROM others AS o
INNER JOIN (SELECT DISTINCT name FROM placed AS p CROSS JOIN LATERAL folders_of(p.path) AS name) AS n
    ON lower(o.path) = n.name
LIMIT 1;

-- name: lift_files(ids) :exec
-- Take the paths of files that the caller has locked out of the unique index until move_files: a row may get the path of a row
-- that is moved after it.
UPDATE files SET deleted_at = now() WHERE id = ANY($1::uuid[]);

-- name: move_files(ids, size, folder) :exec
-- Move files that the caller has locked to another folder: `folder` replaces the first `size` characters of their paths.
UPDATE files
SET path = $3 || substr(path, $2::integer + 1), deleted_at = NULL, version = version + 1, updated_at = now()
WHERE id = ANY($1::uuid[]);

-- name: trash_files(ids, user_id) :exec
-- Move files that the caller has locked to the trash.
UPDATE files
SET deleted_at = now(), deleted_by = $2, version = version + 1, updated_at = now()
WHERE id = ANY($1::uuid[]);

-- name: render_files(ids) :many
-- Files as the rooms of their projects show them now.
SELECT i.*, ARRAY['project:' || i."projectId"] AS "_rooms"
FROM file_items AS i
WHERE i.id = ANY($1::uuid[]) AND i."_deletedAt" IS NULL;

-- name: get_content(file_id, viewer_id, manages) :one
-- Where a file's content is stored; no row if the viewer may not see it.
SELECT c.*
FROM file_contents AS c
WHERE c.id = $1 AND project_role(c.project_id, $2, $3) IS NOT NULL;

-- name: list_contents(project_id, folder, most) :many
-- Where the contents of a folder's files are stored (of the project's files if `folder` is empty), in path order.
SELECT c.*
FROM file_contents AS c
WHERE c.project_id = $1
    AND (lower(c.path) COLLATE "C") > lower($2) COLLATE "C"
    AND ($2 = '' OR (lower(c.path) COLLATE "C") < rtrim(lower($2), '/') || '0')
ORDER BY lower(c.path) COLLATE "C"
LIMIT $3;

-- name: list_authors(file_id, after, until) :many
-- The authors of the updates after one number, up to another.
SELECT DISTINCT author_id FROM file_updates WHERE file_id = $1 AND seq > $2 AND seq <= $3 AND author_id IS NOT NULL;

-- name: list_versions(file_id, before, most) :many
-- The versions of a file before a number, newest first.
SELECT
    v.n, v.cause, v.restored_from AS "restoredFrom", v.bytes,
    (
        SELECT coalesce(json_agg(person(u) ORDER BY a.place), '[]')
        FROM unnest(v.author_ids) WITH ORDINALITY AS a (id, place)
        INNER JOIN users AS u ON u.id = a.id
    ) AS authors,
    v.created_at AS "createdAt"
FROM file_versions AS v
WHERE v.file_id = $1 AND v.n < $2
ORDER BY v.n DESC
LIMIT $3;

-- name: get_version(file_id, n) :one
-- The hash and size of one version's content, and the last update that it includes.
SELECT sha256, bytes, seq FROM file_versions WHERE file_id = $1 AND n = $2;

-- name: export_files(user_id) :many
-- The files that a user created, for their export; `path` is NULL if they may no longer see the project, because others may
-- have renamed the file.
SELECT
    f.id, f.project_id AS "projectId",
    CASE WHEN project_role(f.project_id, $1, holds_permission($1, 'project:manage')) IS NOT NULL THEN f.path END AS path,
    f.created_at AS "createdAt"
FROM files AS f
WHERE f.creator_id = $1
ORDER BY f.id;

-- name: forget_person(user_id) :exec
-- Remove a user who leaves from the files that name them. SKIP LOCKED: the caller has locked the user's projects, and a
-- transaction that holds a file's lock may wait for one of these. The job leave_again runs it once more for files that were
-- locked.
WITH named AS MATERIALIZED (
    SELECT f.id FROM files AS f WHERE f.creator_id = $1 OR f.deleted_by = $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE files AS f
SET creator_id = nullif(f.creator_id, $1), deleted_by = nullif(f.deleted_by, $1)
FROM named AS n
WHERE f.id = n.id;
