-- Lists of tasks that are cached with CACHE=on: what they depend on, and which of their rows are still valid.

-- name: list_reach(user_id) :value
-- The projects of which a user is a member, as an array.
SELECT coalesce(array_agg(m.project_id ORDER BY m.project_id), '{}') FROM project_members AS m WHERE m.user_id = $1;

-- name: find_live(viewer_id, sees_all, ids) :many
-- The tasks among these that a viewer sees now, with the values that change without a new version.
SELECT
    t.id AS "_id",
    t.version,
    t.rank,
    i."leadId",
    i.labels,
    i.subtasks,
    i."commentCount",
    EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = t.id AND w.user_id = $1) AS watching
FROM visible_tasks($1, $2) AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.id = ANY($3::uuid[]);
