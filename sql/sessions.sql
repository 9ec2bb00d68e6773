-- Sessions, in which users work on a project together, and who has which of its files open. Before a user joins, or a session
-- is ended, lock the session by a separate statement, so that the next one sees what concurrent transactions committed.

-- name: import_session(session_id, project_id, title, host_id) :exec
-- Insert a session with a given id. For demo data, which the documentation refers to.
INSERT INTO collab_sessions (id, project_id, title, host_id) VALUES ($1, $2, $3, $4);

-- name: create_session(project_id, file_id, title, host_id) :value
-- Insert a session; returns its id, or NULL if the file is not in the project.
INSERT INTO collab_sessions (project_id, file_id, title, host_id)
SELECT $1, $2, $3, $4
WHERE
    $2::uuid IS NULL
    OR EXISTS (SELECT FROM files AS f WHERE f.id = $2 AND f.project_id = $1 AND f.deleted_at IS NULL)
RETURNING id;

-- name: get_session(session_id, viewer_id, manages) :one
-- One session, and the viewer's role in its project; no row if they may not see it.
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
-- The newest sessions of a project that have not ended.
SELECT i.*, shows_participant(i.id, $2) AS joined
FROM session_items AS i
WHERE i."projectId" = $1 AND i.id < $3 AND i."endedAt" IS NULL
ORDER BY i.id DESC
LIMIT $4;

-- name: list_participants(session_id, here, after, most) :many
-- The participants of a session after an id; `here` filters by whether they are present now, NULL is ignored.
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
-- Lock the project of a session before a user joins, so that its members do not change meanwhile.
SELECT
FROM projects
WHERE id = (SELECT s.project_id FROM collab_sessions AS s WHERE s.id = $1)
FOR SHARE;

-- name: lock_session(session_id) :exec
-- Lock a session before a change that depends on its participants or on whether it has ended.
SELECT FROM collab_sessions WHERE id = $1 FOR NO KEY UPDATE;

-- name: touch_participant(session_id, user_id, manages) :value
-- Renew a participant's presence; locks nothing but their own row. Returns whether they are still present and may be.
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
-- Renew the presence of users who have files open, in the sessions of those projects that they joined. The arrays have equal
-- length.
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
-- Add a participant to a session that the caller has locked, or mark them as present again.
INSERT INTO session_participants (session_id, user_id) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT session_participants_pkey
DO UPDATE SET joined_at = now(), seen_at = now(), left_at = NULL;

-- name: leave_session(session_id, user_id) :value
-- Mark a participant as gone; returns whether they were there.
WITH gone AS (
    UPDATE session_participants AS p
    SET left_at = now()
    WHERE p.session_id = $1 AND p.user_id = $2 AND p.left_at IS NULL
    RETURNING p.user_id
)
SELECT EXISTS (SELECT FROM gone);

-- name: leave_project(project_id, user_id) :many
-- Mark a user who is no longer a member of a project as gone from its sessions; returns the sessions' ids.
UPDATE session_participants AS p
SET left_at = now()
FROM collab_sessions AS s
WHERE s.id = p.session_id AND s.project_id = $1 AND p.user_id = $2 AND p.left_at IS NULL
RETURNING p.session_id;

-- name: end_session(session_id) :value
-- End a session that the caller has locked, for all participants; returns its id, or NULL if it had already ended.
WITH gone AS (
    UPDATE session_participants AS p SET left_at = now() WHERE p.session_id = $1 AND p.left_at IS NULL
)
UPDATE collab_sessions SET ended_at = now() WHERE id = $1 AND ended_at IS NULL RETURNING id;

-- name: leave_unseen(most) :many
-- Mark up to `most` participants as gone who were not seen for 60 seconds; returns their sessions and ids. Rows locked by
-- another worker are skipped.
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
-- Lock sessions that appear to have been empty for 24 hours; end_empty() checks again.
SELECT s.id
FROM collab_sessions AS s
WHERE s.ended_at IS NULL AND s.created_at < now() - interval '24 hours' AND is_deserted(s.id)
ORDER BY s.id
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED;

-- name: end_empty(ids) :many
-- End the sessions among these, locked by the caller, that have been empty for 24 hours.
UPDATE collab_sessions AS s
SET ended_at = now()
WHERE s.id = ANY($1::uuid[]) AND s.ended_at IS NULL AND is_deserted(s.id)
RETURNING s.id, s.project_id;

-- name: render_sessions(ids) :many
-- Sessions as the rooms of their projects show them now.
SELECT i.*, ARRAY['project:' || i."projectId"] AS "_rooms"
FROM session_items AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_present(project_id, most) :many
-- The open files of a project, and who has each of them open, each user once; what a node reported more than 15 seconds ago is
-- ignored.
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
-- Remove a user who leaves the company as host; the sessions continue without one.
UPDATE collab_sessions SET host_id = NULL WHERE host_id = $1;

-- name: forget_participant(user_id) :many
-- Delete a user who leaves the company from all sessions; returns the sessions in which they are present.
WITH gone AS (
    DELETE FROM session_participants WHERE user_id = $1 RETURNING session_id, left_at
)
SELECT g.session_id, s.project_id
FROM gone AS g
INNER JOIN collab_sessions AS s ON s.id = g.session_id
WHERE g.left_at IS NULL;

-- name: export_sessions(user_id) :many
-- A user's sessions, for their export.
SELECT
    p.session_id AS "sessionId", s.project_id AS "projectId",
    CASE WHEN s.host_id = $1 THEN s.title END AS title,
    p.joined_at AS "joinedAt", p.left_at AS "leftAt"
FROM session_participants AS p
INNER JOIN collab_sessions AS s ON s.id = p.session_id
WHERE p.user_id = $1
ORDER BY p.session_id;
