-- Text files edited by several users at once: their log of updates, the rights to edit, and who has which file open.

-- name: append_updates(file_ids, updates, author_ids, roots, node) :many
-- Number and store updates, those of each file in the order of the arrays. `before` is the last number each file had; no row if
-- the file is gone. Files are locked in id order, so that concurrent writers do not deadlock. `roots` names the shared type of
-- an update, NULL for `content`; the root of a file's first update is the file's.
WITH incoming AS (
    SELECT
        i.file_id, i.update, i.author_id, i.root,
        row_number() OVER (PARTITION BY i.file_id ORDER BY i.place) AS nth
    FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::text[])
        WITH ORDINALITY AS i (file_id, update, author_id, root, place)
),
locked AS MATERIALIZED (
    SELECT file_id FROM file_docs WHERE file_id = ANY($1::uuid[]) ORDER BY file_id FOR NO KEY UPDATE
),
moved AS (
    UPDATE file_docs AS d
    SET
        last_seq = d.last_seq + n.many,
        root = CASE d.last_seq WHEN 0 THEN n.root ELSE d.root END,
        edited_at = now(),
        dirty_since = coalesce(d.dirty_since, now())
    FROM (
        SELECT file_id, count(*) AS many, max(root) FILTER (WHERE nth = 1) AS root
        FROM incoming
        GROUP BY file_id
    ) AS n
    INNER JOIN locked USING (file_id)
    WHERE d.file_id = n.file_id
    RETURNING d.file_id, d.last_seq - n.many AS before
),
stored AS (
    INSERT INTO file_updates (file_id, seq, author_id, node, update)
    SELECT i.file_id, m.before + i.nth, i.author_id, $5, i.update
    FROM incoming AS i
    INNER JOIN moved AS m USING (file_id)
)
SELECT file_id, before FROM moved;

-- name: open_document(file_id) :one
-- A document: its newest snapshot, the updates after it, and the last number of both. This must be one statement: the second of
-- two could see a snapshot made in between.
SELECT
    d.last_seq, d.root, coalesce(s.seq, 0) AS settled_seq, s.state,
    ARRAY(
        SELECT u.update
        FROM file_updates AS u
        WHERE u.file_id = d.file_id AND u.seq > coalesce(s.seq, 0)
        ORDER BY u.seq
    ) AS updates
FROM file_docs AS d
LEFT JOIN file_snapshots AS s ON s.file_id = d.file_id
WHERE d.file_id = $1;

-- name: read_positions(file_ids) :many
-- The last update number of these documents; no row if the file is gone.
SELECT file_id, last_seq FROM file_docs WHERE file_id = ANY($1::uuid[]);

-- name: read_updates(file_id, after, most) :many
-- Updates after a position, in order, each with the document's last number; one row without an update if there are no updates
-- after it.
SELECT d.last_seq, u.seq, u.node, u.update
FROM file_docs AS d
LEFT JOIN LATERAL (
    SELECT f.seq, f.node, f.update
    FROM file_updates AS f
    WHERE f.file_id = d.file_id AND f.seq > $2
    ORDER BY f.seq
    LIMIT $3
) AS u ON true
WHERE d.file_id = $1
ORDER BY u.seq;

-- name: read_rights(file_ids, user_ids, session_ids) :many
-- The rights of users on files, in the order of the arrays: whether the session is live, the file's kind and project (NULL if
-- file or project is deleted), the user's role in the project (NULL if they may not see it), and whether they may write in
-- projects that they can edit.
SELECT
    o.place, s.id IS NOT NULL AS alive, f.kind, f.project_id,
    CASE WHEN held.reads THEN project_role(f.project_id, u.id, held.manages) END AS role,
    coalesce(held.writes, false) AS writes
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS o (file_id, user_id, session_id, place)
LEFT JOIN users AS u ON u.id = o.user_id AND u.status = 'active'
LEFT JOIN sessions AS s
    ON
        s.id = o.session_id
        AND s.user_id = u.id
        AND is_live(s)
LEFT JOIN LATERAL (
    SELECT t.kind, t.project_id
    FROM files AS t
    INNER JOIN projects AS p ON p.id = t.project_id
    WHERE t.id = o.file_id AND t.deleted_at IS NULL AND p.deleted_at IS NULL
) AS f ON true
LEFT JOIN LATERAL (
    SELECT
        bool_or(permission = 'project:read') AS reads,
        bool_or(permission = 'project:create') AS writes,
        coalesce(bool_or(permission = 'project:manage'), false) AS manages
    FROM role_permissions
    WHERE role = u.role
) AS held ON true
ORDER BY o.place;

-- name: write_editors(node, file_ids, user_ids) :exec
-- Store which users have which files open on this node, each pair once; deletes this node's other rows, and rows that other
-- nodes have not renewed for a minute, because those nodes are gone.
WITH here AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[]) AS h (file_id, user_id)
),
gone AS (
    DELETE FROM file_editors AS e
    WHERE
        (e.node <> $1 AND e.seen_at < now() - interval '1 minute')
        OR (e.node = $1 AND NOT EXISTS (SELECT FROM here AS h WHERE h.file_id = e.file_id AND h.user_id = e.user_id))
)
INSERT INTO file_editors (file_id, user_id, node)
SELECT file_id, user_id, $1 FROM here
ON CONFLICT ON CONSTRAINT file_editors_pkey DO UPDATE SET seen_at = now();
