-- Projects and their members. Only this file writes them, except the number of a project's newest task (sql/tasks.sql) and its
-- stored bytes (sql/files.sql). Before members change, lock the project by a separate statement, so that the next one sees what
-- concurrent transactions committed. In a single statement, two owners who leave at the same time would leave no owner.

-- name: import_project(project_id, name, description, visibility, owner_id) :exec
-- Insert a project with a given id and its owner. For demo data, which the documentation refers to.
WITH added AS (
    INSERT INTO projects (id, name, description, visibility) VALUES ($1, $2, $3, $4)
)
INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $5, 'owner');

-- name: create_project(creator_id, name, description, visibility) :value
-- Insert a project with its creator as owner; returns its id.
WITH added AS (
    INSERT INTO projects (name, description, visibility) VALUES ($2, $3, $4) RETURNING id
)
INSERT INTO project_members (project_id, user_id, role) SELECT id, $1, 'owner' FROM added RETURNING project_id;

-- name: get_role(project_id, viewer_id, manages) :value
-- A viewer's role in a project; see project_role().
SELECT project_role($1, $2, $3);

-- name: is_member(project_id, user_id, manages) :value
-- Whether a user sees everything in a project, as its members do, and not only what is open to others.
SELECT coalesce(project_role($1, $2, $3) <> 'reader', false);

-- name: get_project(project_id, viewer_id, manages) :one
-- One project as a viewer sees it; no row if they may not see it.
SELECT i.*, r.role
FROM project_items AS i
CROSS JOIN LATERAL (SELECT project_role(i.id, $2, $3) AS role) AS r
WHERE i.id = $1 AND r.role IS NOT NULL;

-- name: lock_project(project_id) :exec
-- Lock a project before a change that depends on its current state and members.
SELECT FROM projects WHERE id = $1 FOR NO KEY UPDATE;

-- name: update_project(project_id, name, set_description, description, visibility) :exec
-- Change a project that the caller has locked; a NULL leaves a column unchanged, except `description` with `set_description`.
UPDATE projects
SET
    name = coalesce($2, name),
    description = CASE WHEN $3 THEN $4 ELSE description END,
    visibility = coalesce($5, visibility),
    version = version + 1,
    updated_at = now()
WHERE id = $1;

-- name: list_projects(viewer_id, visibility, words, before, most) :many
-- The newest of a viewer's projects and of those open to them. A NULL filter is ignored; `words` is a part of the name, with %,
-- _ and \ escaped.
SELECT i.*, project_role(i.id, $1, false) AS role
FROM (
    (
        SELECT p.id
        FROM project_members AS m
        INNER JOIN projects AS p ON p.id = m.project_id
        WHERE m.user_id = $1
            AND m.project_id < $4
            AND p.deleted_at IS NULL
            AND ($2::text IS NULL OR p.visibility = $2)
            AND ($3::text IS NULL OR fold_text(p.name) LIKE (SELECT '%' || fold_text($3) || '%'))
        ORDER BY m.project_id DESC
        LIMIT $5
    )
    UNION
    (
        SELECT p.id
        FROM projects AS p
        WHERE p.visibility <> 'private'
            AND p.deleted_at IS NULL
            AND p.id < $4
            AND ($2::text IS NULL OR p.visibility = $2)
            AND ($3::text IS NULL OR fold_text(p.name) LIKE (SELECT '%' || fold_text($3) || '%'))
        ORDER BY p.id DESC
        LIMIT $5
    )
    ORDER BY id DESC
    LIMIT $5
) AS found
CROSS JOIN LATERAL (SELECT * FROM project_items WHERE project_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: list_joined(viewer_id, roles, visibility, words, before, most) :many
-- Like list_projects, only projects in which the viewer is a member with one of these roles.
SELECT i.*, found.role
FROM (
    SELECT p.id, m.role
    FROM project_members AS m
    INNER JOIN projects AS p ON p.id = m.project_id
    WHERE m.user_id = $1
        AND m.project_id < $5
        AND m.role = ANY($2::text[])
        AND p.deleted_at IS NULL
        AND ($3::text IS NULL OR p.visibility = $3)
        AND ($4::text IS NULL OR fold_text(p.name) LIKE (SELECT '%' || fold_text($4) || '%'))
    ORDER BY m.project_id DESC
    LIMIT $6
) AS found
CROSS JOIN LATERAL (SELECT * FROM project_items WHERE project_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: list_all(visibility, words, before, most) :many
-- Like list_projects, all projects, for users who manage them.
SELECT i.*, 'owner' AS role
FROM (
    SELECT p.id
    FROM projects AS p
    WHERE p.id < $3
        AND p.deleted_at IS NULL
        AND ($1::text IS NULL OR p.visibility = $1)
        AND ($2::text IS NULL OR fold_text(p.name) LIKE (SELECT '%' || fold_text($2) || '%'))
    ORDER BY p.id DESC
    LIMIT $4
) AS found
CROSS JOIN LATERAL (SELECT * FROM project_items WHERE project_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: trash_project(project_id, user_id) :exec
-- Move a project that the caller has locked to the trash.
UPDATE projects
SET deleted_at = now(), deleted_by = $2, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: list_trash(viewer_id, manages, before_time, before, most) :many
-- Projects in the trash that a viewer may restore, the last deleted first.
SELECT i.*, 'owner' AS role, i."_deletedAt" AS "deletedAt", person(d) AS "deletedBy"
FROM (
    SELECT t.id, t.deleted_at
    FROM trashed_projects($1, $2) AS t
    WHERE (t.deleted_at, t.id) < ($3, $4)
    ORDER BY t.deleted_at DESC, t.id DESC
    LIMIT $5
) AS found
CROSS JOIN LATERAL (SELECT * FROM project_items WHERE project_items.id = found.id OFFSET 0) AS i
LEFT JOIN users AS d ON d.id = i."_deletedBy"
ORDER BY found.deleted_at DESC, found.id DESC;

-- name: may_restore(project_id, viewer_id, manages) :value
-- Whether the project is in the trash and the viewer may restore it.
SELECT EXISTS (SELECT FROM trashed_projects($2, $3) AS t WHERE t.id = $1);

-- name: restore_project(project_id) :exec
-- Take a project that the caller has locked out of the trash.
UPDATE projects
SET deleted_at = NULL, deleted_by = NULL, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: expire_project(project_id) :value
-- Let a project in the trash, which the caller has locked, be removed next; returns its id, or NULL if it is not in the trash.
UPDATE projects SET deleted_at = '-infinity' WHERE id = $1 AND deleted_at IS NOT NULL RETURNING id;

-- name: claim_expired() :value
-- The project that has been in the trash past the limit for the longest, locked until the transaction ends. SKIP LOCKED: two
-- workers take different ones.
SELECT p.id
FROM projects AS p
WHERE p.deleted_at <= trash_limit()
ORDER BY p.deleted_at, p.id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: drop_project(project_id) :exec
-- Delete a project whose tasks and files are already deleted, with its members, labels, views and sessions, and blank stored
-- responses that show it.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
DELETE FROM projects WHERE id = $1;

-- name: list_members(project_id, roles, after, most) :many
-- The members of a project with these roles, after an id.
SELECT person(u) AS user, m.role, m.created_at AS "createdAt", m.user_id AS "_userId"
FROM project_members AS m
INNER JOIN users AS u ON u.id = m.user_id
WHERE m.project_id = $1 AND m.user_id > $3 AND m.role = ANY($2::text[])
ORDER BY m.user_id
LIMIT $4;

-- name: get_member(project_id, user_id) :one
-- A user who is a member of a project, or an active one who could become one; `role` is NULL then.
SELECT person(u) AS user, m.role, m.created_at AS "createdAt"
FROM users AS u
LEFT JOIN project_members AS m ON m.project_id = $1 AND m.user_id = u.id
WHERE u.id = $2 AND (u.status = 'active' OR m.role IS NOT NULL);

-- name: has_other_owner(project_id, user_id) :value
-- Whether a project that the caller has locked has another owner who is active.
SELECT EXISTS (
    SELECT
    FROM project_members AS m
    INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
    WHERE m.project_id = $1 AND m.user_id <> $2 AND m.role = 'owner'
);

-- name: save_member(project_id, user_id, role) :exec
-- Add a member to a project that the caller has locked, or change their role.
INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT project_members_pkey DO UPDATE SET role = excluded.role;

-- name: delete_member(project_id, user_id) :exec
-- Remove a member from a project that the caller has locked.
DELETE FROM project_members WHERE project_id = $1 AND user_id = $2;

-- name: render_projects(ids) :many
-- Projects as their rooms show them now.
SELECT i.*, ARRAY['project:' || i.id] AS "_rooms"
FROM project_items AS i
WHERE i.id = ANY($1::uuid[]) AND i."_deletedAt" IS NULL;

-- name: may_watch_project(project_id, user_id, covers_all) :value
-- Whether a user sees the room of a project, with its tasks; a manager of all tasks who is not a member only with `covers_all`.
SELECT coalesce(project_role($1, $2, $3 AND holds_permission($2, 'task:manage')) <> 'reader', false);

-- name: list_watchers(ids, user_ids, sees_all) :many
-- The positions, in these arrays, at which the user sees the room of the project, or saw it before the project went into the
-- trash, because they are shown that change.
SELECT g.place::integer
FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY AS g (project_id, user_id, sees_all, place)
WHERE EXISTS (SELECT FROM projects AS p WHERE p.id = g.project_id)
    AND (
        g.sees_all
        OR EXISTS (SELECT FROM project_members AS m WHERE m.project_id = g.project_id AND m.user_id = g.user_id)
    );

-- name: list_activity(project_id, viewer_id, kinds, before_time, before, most) :many
-- The events in a project of these entity types, newest first, with the current names of the entities that the viewer may see.
SELECT
    e.id,
    e.type,
    e.actor,
    e."entityType",
    e."entityId",
    (SELECT d.excerpt FROM describe_entity(e."entityType", e."entityId", $2) AS d) AS "entityName",
    (SELECT person(u) FROM users AS u WHERE u.id = (e.payload ->> 'userId')::uuid) AS user,
    coalesce(e.payload -> 'changed', '[]') AS changed,
    coalesce(e.payload -> 'before', '{}') AS before,
    coalesce(e.payload -> 'after', '{}') AS after,
    e."createdAt"
FROM event_items AS e
WHERE e."_projectId" = $1
    AND e."createdAt" <= $4
    AND (e."createdAt", e.id) < ($4, $5)
    AND e."entityType" = ANY($3::text[])
    -- A sync ends soon, and its end is listed.
    AND e.type <> 'repository.started'
ORDER BY e."createdAt" DESC, e.id DESC
LIMIT $6;

-- name: lock_projects_of(user_id) :exec
-- Lock the projects of a user who leaves, in id order.
SELECT
FROM projects
WHERE id IN (SELECT m.project_id FROM project_members AS m WHERE m.user_id = $1)
ORDER BY id
FOR NO KEY UPDATE;

-- name: forget_member(user_id) :many
-- Remove a user who leaves from all of their projects. If no active owner remains, the editor, or else the viewer, who has been
-- an active member the longest becomes owner; if there is no such member, nor an inactive owner who may return, the project
-- goes into the trash. Returns each project with the heir and the heir's former role, and whether it went into the trash.
WITH gone AS (
    DELETE FROM project_members WHERE user_id = $1 RETURNING project_id, role
),
heirs AS (
    SELECT
        g.project_id, h.user_id, h.role,
        EXISTS (
            SELECT
            FROM project_members AS o
            WHERE o.project_id = g.project_id AND o.user_id <> $1 AND o.role = 'owner'
        ) AS has_owner
    FROM gone AS g
    LEFT JOIN LATERAL (
        SELECT m.user_id, m.role
        FROM project_members AS m
        INNER JOIN users AS u ON u.id = m.user_id AND u.status = 'active'
        WHERE m.project_id = g.project_id AND m.user_id <> $1
        ORDER BY m.role = 'viewer', m.created_at, m.user_id
        LIMIT 1
    ) AS h ON true
    WHERE g.role = 'owner'
        AND NOT EXISTS (
            SELECT
            FROM project_members AS o
            INNER JOIN users AS u ON u.id = o.user_id AND u.status = 'active'
            WHERE o.project_id = g.project_id AND o.user_id <> $1 AND o.role = 'owner'
        )
),
promoted AS (
    UPDATE project_members AS m SET role = 'owner'
    FROM heirs AS h
    WHERE m.project_id = h.project_id AND m.user_id = h.user_id
),
trashed AS (
    UPDATE projects AS p
    SET deleted_at = now(), deleted_by = NULL, version = version + 1, updated_at = now()
    FROM heirs AS h
    WHERE p.id = h.project_id AND h.user_id IS NULL AND NOT h.has_owner AND p.deleted_at IS NULL
    RETURNING p.id
)
SELECT
    g.project_id AS "projectId", g.role, h.user_id AS "heirId", h.role AS "heirRole",
    EXISTS (SELECT FROM trashed AS t WHERE t.id = g.project_id) AS trashed
FROM gone AS g
LEFT JOIN heirs AS h ON h.project_id = g.project_id;

-- name: export_memberships(user_id) :many
-- A user's projects and roles, for their export.
SELECT m.project_id AS "projectId", m.role, m.created_at AS "createdAt"
FROM project_members AS m
WHERE m.user_id = $1
ORDER BY m.project_id;

-- name: is_live(project_id) :value
-- Whether a project exists and is not in the trash.
SELECT EXISTS (SELECT FROM projects AS p WHERE p.id = $1 AND p.deleted_at IS NULL);
