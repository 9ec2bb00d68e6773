-- Saved views of the list of tasks: named filters. Users who see a project see the views shared in it.

-- name: lock_views(owner_id) :exec
-- Take the user's advisory lock before they get one more view, so that concurrent requests count one after the other.
SELECT pg_advisory_xact_lock(hashtext('saved_views'), hashtext($1::uuid::text));

-- name: count_views(owner_id) :value
-- The number of a user's views.
SELECT count(*) FROM saved_views WHERE owner_id = $1;

-- name: insert_view(owner_id, project_id, name, query, shared) :value
-- Insert a view; returns its id.
INSERT INTO saved_views (owner_id, project_id, name, query, shared) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: get_view(view_id, viewer_id, sees_all) :one
-- One view that a viewer may see.
SELECT v.* FROM visible_views($2, $3) AS v WHERE v.id = $1;

-- name: list_views(viewer_id, sees_all, project_id, before, most) :many
-- The views that a viewer may see, newest first; with `project_id` only those of that project.
SELECT v.*
FROM visible_views($1, $2) AS v
WHERE v.id < $4 AND ($3::uuid IS NULL OR v."projectId" = $3)
ORDER BY v.id DESC
LIMIT $5;

-- name: lock_view(view_id) :exec
-- Lock a view before a change that depends on its current state.
SELECT FROM saved_views WHERE id = $1 FOR NO KEY UPDATE;

-- name: update_view(view_id, project_id, name, query, shared) :exec
-- Set all fields of a view that the caller has locked.
UPDATE saved_views
SET project_id = $2, name = $3, query = $4, shared = $5, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: delete_view(view_id) :exec
-- Delete a view and blank the stored responses that show it.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
DELETE FROM saved_views WHERE id = $1;

-- name: delete_views_of(user_id) :exec
-- Delete the views of a user who leaves.
DELETE FROM saved_views WHERE owner_id = $1;

-- name: export_views(user_id) :many
-- A user's own views, for their export.
SELECT v.id, v.name, v.project_id AS "projectId", v.query, v.shared, v.created_at AS "createdAt"
FROM saved_views AS v
WHERE v.owner_id = $1
ORDER BY v.id;
