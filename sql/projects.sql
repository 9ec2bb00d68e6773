-- Projects and their members. The number of a project's newest task is written by sql/tasks.sql.

-- name: import_project(project_id, name, owner_id, editor_id, viewer_id) :exec
-- A project whose id is given, with three members. For demo data, which the documents name.
WITH added AS (
    INSERT INTO projects (id, name) VALUES ($1, $2)
)
INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $3, 'owner'), ($1, $4, 'editor'), ($1, $5, 'viewer');

-- name: forget_member(user_id) :exec
-- A person who leaves is a member of no project.
DELETE FROM project_members WHERE user_id = $1;
