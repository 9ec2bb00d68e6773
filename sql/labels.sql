-- Labels of a project, or for tasks that belong to no project.

-- name: get_label_rights(user_id, sees_all, project_id) :one
-- Whether a user may write the labels of a project; no row if they may not read them. `project_id` NULL: labels of no project,
-- which every user may read, and users who see every task may write.
SELECT $2 AS writes WHERE $3::uuid IS NULL
UNION ALL
SELECT r.role <> 'viewer'
FROM (SELECT project_role($3, $1, $2) AS role) AS r
WHERE r.role <> 'reader';

-- name: list_labels(project_id, after_name, after, most) :many
-- The labels of a project, or of no project (NULL), by name.
SELECT i.*, lower(i.name) AS "_name"
FROM label_items AS i
WHERE i."projectId" IS NOT DISTINCT FROM $1 AND (lower(i.name), i.id) > ($2, $3)
ORDER BY lower(i.name), i.id
LIMIT $4;

-- name: get_label(label_id) :one
-- One label.
SELECT i.* FROM label_items AS i WHERE i.id = $1;

-- name: lock_label(label_id) :exec
-- Lock a label before a change that depends on its current state.
SELECT FROM labels WHERE id = $1 FOR UPDATE;

-- name: lock_labels(project_id) :exec
-- Take the project's advisory lock before it gets one more label, so that concurrent requests count one after the other.
SELECT pg_advisory_xact_lock(hashtext('labels'), hashtext(coalesce($1::uuid::text, 'none')));

-- name: count_labels(project_id) :value
-- The number of labels of a project, or of no project (NULL).
SELECT count(*)::integer FROM labels WHERE project_id IS NOT DISTINCT FROM $1;

-- name: insert_label(project_id, name, color) :value
-- Insert a label; returns its id.
INSERT INTO labels (project_id, name, color) VALUES ($1, $2, $3) RETURNING id;

-- name: update_label(label_id, name, color) :exec
-- Change name and colour of a label; NULL leaves one unchanged.
UPDATE labels SET name = coalesce($2, name), color = coalesce($3, color) WHERE id = $1;

-- name: delete_label(label_id) :exec
-- Delete a label, also from tasks, and blank the stored response that shows it.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
DELETE FROM labels WHERE id = $1;

-- name: render_labels(ids) :many
-- Labels as the room of their project shows them now.
SELECT i.*, ARRAY['project:' || i."projectId"] AS "_rooms" FROM label_items AS i WHERE i.id = ANY($1::uuid[]);
