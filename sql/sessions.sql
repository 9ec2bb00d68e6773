-- Sessions, at which people work on a project together, and who has which of its files open. Whoever joins, ends one, or ends
-- empty ones locks the session first, in a statement of its own: what is decided then sees what others did meanwhile.

-- name: import_session(session_id, project_id, title, host_id) :exec
-- A session whose id is given. For demo data, which the documents name.
INSERT INTO collab_sessions (id, project_id, title, host_id) VALUES ($1, $2, $3, $4);

-- name: create_session(project_id, file_id, title, host_id) :value
-- A new session; returns its id, or NULL where the file is not one of the project's.
INSERT INTO collab_sessions (project_id, file_id, title, host_id)
SELECT $1, $2, $3, $4
WHERE
    $2::uuid IS NULL
    OR EXISTS (SELECT FROM files AS f WHERE f.id = $2 AND f.project_id = $1 AND f.deleted_at IS NULL)
RETURNING id;

-- name: get_session(session_id, viewer_id, manages) :one
-- One session, and what its viewer is in its project; no row for what they may not know of.
SELECT i.*, shows_participant(i.id, $2) AS joined, r.role AS "_role"
FROM session_items AS i
CROSS JOIN LATERAL (SELECT project_role(i."projectId", $2, $3) AS role) AS r
WHERE i.id = $1 AND r.role IS NOT NULL;

-- name: list_sessions(project_id, viewer_id, before, most) :many
-- The newest sessions of a project.
SELECT i.*, shows_participant(i.id, $2) AS joined
FROM session_items AS i
WHERE i."projectId" = $1 AND i.id < $3
ORDER BY i.id DESC
LIMIT $4;

-- name: list_live(project_id, viewer_id, before, most) :many
-- The newest of a project that have not ended.
SELECT i.*, shows_participant(i.id, $2) AS joined
FROM session_items AS i
WHERE i."projectId" = $1 AND i.id < $3 AND i."endedAt" IS NULL
ORDER BY i.id DESC
LIMIT $4;

-- name: list_participants(session_id, here, after, most) :many
-- Who took part in a session, behind an id; `here` NULL, or whether they are there now.
SELECT
    person(u) AS user,
    is_here(p) AS here,
    p.joined_at AS "joinedAt",
    p.seen_at AS "seenAt",
    CASE WHEN NOT is_here(p) THEN coalesce(p.left_at, p.seen_at + interval '60 seconds') END AS "leftAt",
    p.user_id AS "_userId"
FROM session_participants AS p
INNER JOIN users AS u ON u.id = p.user_id
WHERE p.session_id = $1 AND p.user_id > $3 AND ($2::boolean IS NULL OR is_here(p) = $2)
ORDER BY p.user_id
LIMIT $4;

-- name: hold_project(session_id) :exec
-- Before somebody joins: who is in the project stays as it is meanwhile.
SELECT
FROM projects
WHERE id = (SELECT s.project_id FROM collab_sessions AS s WHERE s.id = $1)
FOR SHARE;

-- name: lock_session(session_id) :exec
-- Before a change that depends on who is there, and on whether it has ended.
SELECT FROM collab_sessions WHERE id = $1 FOR NO KEY UPDATE;

-- name: touch_participant(session_id, user_id, manages) :value
-- Somebody says that they are still there: of who is, and may be, one row without any lock but its own. Returns whether they are.
WITH touched AS (
    UPDATE session_participants AS p
    SET seen_at = now()
    FROM collab_sessions AS s
    WHERE p.session_id = $1 AND p.user_id = $2
        AND is_here(p)
        AND s.id = p.session_id AND s.ended_at IS NULL
        AND project_role(s.project_id, p.user_id, $3) <> 'reader'
    RETURNING p.user_id
)
SELECT EXISTS (SELECT FROM touched);

-- name: touch_editors(file_ids, user_ids) :exec
-- Whoever has a file open is there in the sessions of its project that they joined. The arrays are of equal length.
UPDATE session_participants AS p
SET seen_at = now()
FROM (
    SELECT DISTINCT f.project_id, o.user_id
    FROM unnest($1::uuid[], $2::uuid[]) AS o (file_id, user_id)
    INNER JOIN files AS f ON f.id = o.file_id
) AS e
INNER JOIN collab_sessions AS s ON s.project_id = e.project_id AND s.ended_at IS NULL
WHERE p.session_id = s.id AND p.user_id = e.user_id AND is_here(p) AND p.seen_at < now() - interval '15 seconds';

-- name: save_participant(session_id, user_id) :exec
-- Somebody comes to a session, which is locked, or comes back.
INSERT INTO session_participants (session_id, user_id) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT session_participants_pkey
DO UPDATE SET joined_at = now(), seen_at = now(), left_at = NULL;

-- name: leave_session(session_id, user_id) :value
-- Somebody goes; returns whether they were there.
WITH gone AS (
    UPDATE session_participants AS p
    SET left_at = now()
    WHERE p.session_id = $1 AND p.user_id = $2 AND p.left_at IS NULL
    RETURNING p.user_id
)
SELECT EXISTS (SELECT FROM gone);

-- name: leave_project(project_id, user_id) :many
-- A person who is no member of a project any more leaves its sessions; returns their ids.
UPDATE session_participants AS p
SET left_at = now()
FROM collab_sessions AS s
WHERE s.id = p.session_id AND s.project_id = $1 AND p.user_id = $2 AND p.left_at IS NULL
RETURNING p.session_id;

-- name: end_session(session_id) :value
-- End a session, which is locked, for all who are there; returns its id, or NULL where it has ended before.
WITH gone AS (
    UPDATE session_participants AS p SET left_at = now() WHERE p.session_id = $1 AND p.left_at IS NULL
)
UPDATE collab_sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL RETURNING id;

-- name: leave_unseen(most) :many
-- Participants who were not seen for 60 seconds have left; returns who and where. What another worker holds is left to it.
WITH unseen AS (
    SELECT p.session_id, p.user_id
    FROM session_participants AS p
    WHERE p.left_at IS NULL AND NOT is_here(p)
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
gone AS (
    UPDATE session_participants AS p
    SET left_at = p.seen_at + interval '60 seconds'
    FROM unseen AS u
    WHERE p.session_id = u.session_id AND p.user_id = u.user_id
    RETURNING p.session_id, p.user_id
)
SELECT
    g.session_id, g.user_id,
    (SELECT s.project_id FROM collab_sessions AS s WHERE s.id = g.session_id) AS project_id
FROM gone AS g;

-- name: lock_empty(most) :many
-- Sessions that look as if they had been empty for 24 hours, locked; end_empty() looks again.
SELECT s.id
FROM collab_sessions AS s
WHERE s.ended_at IS NULL AND s.created_at < now() - interval '24 hours' AND is_deserted(s.id)
ORDER BY s.id
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED;

-- name: end_empty(ids) :many
-- End those of these sessions, which are locked, that have been empty for 24 hours.
UPDATE collab_sessions AS s
SET ended_at = now()
WHERE s.id = ANY($1::uuid[]) AND s.ended_at IS NULL AND is_deserted(s.id)
RETURNING s.id, s.project_id;

-- name: render_sessions(ids) :many
-- Sessions as the rooms of their projects see them now.
SELECT i.*, ARRAY['project:' || i."projectId"] AS "_rooms"
FROM session_items AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_present(project_id, most) :many
-- Which files of a project are open, and who has them open, each person once; what a process said 15 seconds ago holds no more.
SELECT
    f.id AS "fileId",
    f.path,
    (
        SELECT json_agg(person(u) ORDER BY u.id)
        FROM users AS u
        WHERE u.id IN (
            SELECT e.user_id FROM file_editors AS e WHERE e.file_id = f.id AND e.seen_at > now() - interval '15 seconds'
        )
    ) AS users
FROM files AS f
WHERE f.project_id = $1
    AND f.deleted_at IS NULL
    AND EXISTS (
        SELECT FROM file_editors AS e WHERE e.file_id = f.id AND e.seen_at > now() - interval '15 seconds'
    )
ORDER BY lower(f.path) COLLATE "C"
LIMIT $2;

-- name: forget_host(user_id) :exec
-- The sessions of a person who leaves the company go on without a host.
UPDATE collab_sessions SET host_id = NULL WHERE host_id = $1;

-- name: forget_participant(user_id) :many
-- A person who leaves the company took part in no session; returns those in which they are now.
WITH gone AS (
    DELETE FROM session_participants WHERE user_id = $1 RETURNING session_id, left_at
)
SELECT g.session_id, s.project_id
FROM gone AS g
INNER JOIN collab_sessions AS s ON s.id = g.session_id
WHERE g.left_at IS NULL;

-- name: export_sessions(user_id) :many
-- The sessions of a person, in their export.
SELECT
    p.session_id AS "sessionId", s.project_id AS "projectId",
    CASE WHEN s.host_id = $1 THEN s.title END AS title,
    p.joined_at AS "joinedAt", p.left_at AS "leftAt"
FROM session_participants AS p
INNER JOIN collab_sessions AS s ON s.id = p.session_id
WHERE p.user_id = $1
ORDER BY p.session_id;
