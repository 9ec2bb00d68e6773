-- Links between tasks: a blocker should be done before the task that it blocks. Links change under sql.tasks.lock_graph().

-- name: find_cycle(blocker_id, blocked_id) :value
-- Whether the blocker already waits for the blocked task, over any number of links, or one is a subtask of the other.
WITH RECURSIVE waiting AS (
    SELECT $2::uuid AS id
    UNION
    SELECT l.blocked_id FROM waiting AS w INNER JOIN task_links AS l ON l.blocker_id = w.id
)
SELECT EXISTS (SELECT FROM waiting WHERE id = $1)
    OR EXISTS (SELECT FROM tasks AS t WHERE t.id = $1 AND t.parent_id = $2)
    OR EXISTS (SELECT FROM tasks AS t WHERE t.id = $2 AND t.parent_id = $1);

-- name: is_linked(one_id, other_id) :value
-- Whether one of two tasks blocks the other.
SELECT EXISTS (
    SELECT
    FROM task_links AS l
    WHERE (l.blocker_id = $1 AND l.blocked_id = $2) OR (l.blocker_id = $2 AND l.blocked_id = $1)
);

-- name: add_link(blocker_id, blocked_id) :value
-- Let one task block another; true if the link is new, else NULL.
INSERT INTO task_links (blocker_id, blocked_id) VALUES ($1, $2)
ON CONFLICT ON CONSTRAINT task_links_pkey DO NOTHING
RETURNING true;

-- name: remove_link(blocker_id, blocked_id) :value
-- Remove a link; true if there was one, else NULL.
DELETE FROM task_links WHERE blocker_id = $1 AND blocked_id = $2
RETURNING true;

-- name: count_links(task_id) :value
-- The number of links from and to a task.
SELECT count(*)::integer FROM task_links WHERE blocked_id = $1 OR blocker_id = $1;

-- name: list_links(task_id, viewer_id, sees_all) :many
-- The tasks that block a task and that it blocks, without those in the trash. The id is NULL for one that the viewer may not
-- see.
SELECT
    l.blocks AS "_blocks",
    t.id, t.number, t.title, t.status, t.project_id AS "projectId"
FROM (
    SELECT g.blocker_id AS id, false AS blocks FROM task_links AS g WHERE g.blocked_id = $1
    UNION ALL
    SELECT g.blocked_id, true FROM task_links AS g WHERE g.blocker_id = $1
) AS l
INNER JOIN tasks AS there ON there.id = l.id AND there.deleted_at IS NULL
LEFT JOIN visible_tasks($2, $3) AS t ON t.id = l.id
ORDER BY t.id;
