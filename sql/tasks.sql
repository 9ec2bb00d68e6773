-- Tasks. The trigger keep_task maintains the columns that depend on a task's status and dates. `sees_all` stands for the
-- permission task:manage.

-- name: check_references(viewer_id, sees_all, assignee_id, project_id, parent_id, lead_id, label_ids) :one!
-- The current state of what a task is to refer to, for a viewer: whether the assignee is active, the viewer's role in the
-- project (owner for a manager; NULL if the project does not exist for the viewer), the parent, the lead, and how many of the
-- labels belong to the project.
SELECT
    EXISTS (SELECT FROM users AS u WHERE u.id = $3 AND u.status = 'active') AS has_assignee,
    project_role($4, $1, $2) AS project_role,
    t.id IS NOT NULL AS has_parent,
    t.project_id AS parent_project_id,
    t.parent_id AS grandparent_id,
    EXISTS (SELECT FROM leads AS l WHERE l.id = $6 AND l.merged_into IS NULL) AS has_lead,
    (
        SELECT count(*)
        FROM labels AS l
        WHERE l.id = ANY($7::uuid[]) AND l.project_id IS NOT DISTINCT FROM $4
    ) AS labels
FROM (VALUES (1)) AS one (row)
LEFT JOIN visible_tasks($1, $2) AS t ON t.id = $5;

-- name: lock_graph() :exec
-- Take the advisory lock before parents, links or the project of a task change, so that two concurrent changes cannot create a
-- cycle together.
SELECT pg_advisory_xact_lock(hashtext('tasks'), 0);

-- name: take_number(project_id) :value
-- The next number of a project, whose row stays locked until the transaction ends; NULL if the project is deleted.
UPDATE projects SET task_number = task_number + 1 WHERE id = $1 AND deleted_at IS NULL RETURNING task_number;

-- name: insert_task(task_id, kind, title, description, status, priority, creator_id, assignee_id, project_id, number, lead_id, parent_id, due_at, due_on, external_ref) :value
-- Insert a task at the end of its column; `task_id` NULL: a new id. Returns the id.
INSERT INTO tasks (
    id, kind, title, description, status, priority, creator_id, assignee_id, project_id, number, lead_id, parent_id, due_at,
    due_on, external_ref, rank
)
VALUES (
    coalesce($1, uuidv7()), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, last_rank($9, $5)
)
RETURNING id;

-- name: get_task(task_id, viewer_id, sees_all) :one
-- One task as a viewer sees it; no row if they may not see it.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching
FROM visible_tasks($2, $3) AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.id = $1;

-- name: get_locked_task(task_id, viewer_id, sees_all) :one
-- Like get_task, locked before a change that depends on its current state, and whether the viewer may change it. The rest of
-- the statement uses a snapshot from before the lock was granted: `_isStale` if the task was changed since, or the lock took
-- more than 20 ms, in which time its visibility may have changed. Run it again then; the lock is held, so it does not wait. The
-- id is NULL if the viewer may not see the task.
WITH held AS MATERIALIZED (
    SELECT t.ctid AS place FROM tasks AS t WHERE t.id = $1 FOR NO KEY UPDATE
)
SELECT s.*, h.place <> o.ctid OR clock_timestamp() > statement_timestamp() + interval '20 ms' AS "_isStale"
FROM held AS h
INNER JOIN tasks AS o ON o.id = $1
LEFT JOIN LATERAL (
    SELECT
        i.*,
        EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching,
        r.may_change AS "_mayChange"
    FROM visible_tasks($2, $3) AS t
    INNER JOIN task_items AS i ON i.id = t.id
    CROSS JOIN LATERAL task_rights(t.creator_id, t.assignee_id, t.project_id, $2, $3) AS r
    WHERE t.id = $1
) AS s ON true;

-- name: update_task(task_id, kind, title, description, status, priority, assignee_id, project_id, number, lead_id, parent_id, due_at, due_on, rank, step) :exec
-- Set all fields of a task that the caller has locked; `step` is added to its version. `rank` NULL: the end of its column.
UPDATE tasks
SET
    kind = $2,
    title = $3,
    description = $4,
    status = $5,
    priority = $6,
    assignee_id = $7,
    project_id = $8,
    number = $9,
    lead_id = $10,
    parent_id = $11,
    due_at = $12,
    due_on = $13,
    rank = coalesce($14, last_rank($8, $5)),
    version = version + $15,
    updated_at = CASE WHEN $15 > 0 THEN now() ELSE updated_at END
WHERE id = $1;

-- name: touch_task(task_id) :exec
-- Increment the version of a task that the caller has locked, after a change of something that belongs to it.
UPDATE tasks SET version = version + 1, updated_at = now() WHERE id = $1;

-- name: update_tasks(ids, kinds, titles, descriptions, statuses, priorities, assignee_ids, due_ats, due_ons, actor_id) :exec
-- Set the fields of several tasks that the caller has locked, and store replaced texts in task_revisions. Tasks whose status
-- changes go to the end of their new column, in id order.
WITH wanted AS MATERIALIZED (
    SELECT w.*, t.version, t.title AS old_title, t.description AS old_description, t.rank, t.project_id, t.status <> w.status AS moved
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::uuid[], $8::timestamptz[], $9::date[]
    ) AS w (id, kind, title, description, status, priority, assignee_id, due_at, due_on)
    INNER JOIN tasks AS t ON t.id = w.id
),
columns AS MATERIALIZED (
    SELECT w.project_id, w.status, last_rank(w.project_id, w.status) AS rank
    FROM wanted AS w
    WHERE w.moved
    GROUP BY w.project_id, w.status
),
ranked AS (
    SELECT
        w.id,
        least(
            c.rank + 1048576 * (row_number() OVER (PARTITION BY w.project_id, w.status ORDER BY w.id) - 1), 4503599627370496
        ) AS rank
    FROM wanted AS w
    INNER JOIN columns AS c ON c.project_id = w.project_id AND c.status = w.status
    WHERE w.moved
),
kept AS (
    INSERT INTO task_revisions (task_id, version, field, old_text, actor_id)
    SELECT w.id, w.version + 1, f.name, f.old, $10
    FROM wanted AS w
    CROSS JOIN LATERAL (VALUES
        ('title', w.title, w.old_title), ('description', w.description, w.old_description)
    ) AS f (name, new, old)
    WHERE f.new IS DISTINCT FROM f.old
)
UPDATE tasks AS t
SET
    kind = w.kind,
    title = w.title,
    description = w.description,
    status = w.status,
    priority = w.priority,
    assignee_id = w.assignee_id,
    due_at = w.due_at,
    due_on = w.due_on,
    rank = CASE WHEN w.moved THEN coalesce(r.rank, 0) ELSE w.rank END,
    version = t.version + 1,
    updated_at = now()
FROM wanted AS w
LEFT JOIN ranked AS r ON r.id = w.id
WHERE t.id = w.id;

-- name: list_watchers_of(task_id) :value
-- The watchers of a task who may see it, as an array.
SELECT coalesce(array_agg(w.user_id ORDER BY w.user_id), '{}')
FROM task_watchers AS w
CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
WHERE w.task_id = $1 AND t.id = $1;

-- name: list_seen(user_id, ids) :many
-- The tasks among these that a user may see.
SELECT t.id FROM tasks_seen_by($1) AS t WHERE t.id = ANY($2::uuid[]);

-- name: trash_task(task_id, user_id) :exec
-- Move a task that the caller has locked to the trash.
UPDATE tasks
SET deleted_at = now(), deleted_by = $2, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: render_tasks(ids) :many
-- Tasks as rooms show them now. list_seers says which users' own rooms show them.
SELECT
    i.*,
    ARRAY['task:' || i.id, 'project:' || i."projectId"] AS "_rooms"
FROM task_items AS i
WHERE i.id = ANY($1::uuid[]) AND i."_deletedAt" IS NULL;

-- name: list_seers(ids, user_ids) :many
-- The pairs of these tasks and users in which the user may see the task.
SELECT t.id, g.user_id
FROM unnest($1::uuid[], $2::uuid[]) AS g (task_id, user_id)
CROSS JOIN LATERAL tasks_seen_by(g.user_id) AS t
WHERE t.id = g.task_id;

-- name: list_concerned_after(task_id, after, most) :many
-- The users to notify of a change of a task, after an id: creator, assignee and watchers who may see it.
SELECT c.user_id AS receiver_id
FROM (
    SELECT t.creator_id AS user_id FROM tasks AS t WHERE t.id = $1
    UNION
    SELECT t.assignee_id FROM tasks AS t WHERE t.id = $1
    UNION
    SELECT w.user_id FROM task_watchers AS w WHERE w.task_id = $1
) AS c
WHERE c.user_id > $2 AND EXISTS (SELECT FROM tasks_seen_by(c.user_id) AS t WHERE t.id = $1)
ORDER BY c.user_id
LIMIT $3;

-- name: may_watch_task(task_id, user_id, covers_all) :value
-- Whether a user may see a task; by the permission task:manage only with `covers_all`.
SELECT EXISTS (
    SELECT FROM visible_tasks($2, $3 AND holds_permission($2, 'task:manage')) AS t WHERE t.id = $1
);

-- name: set_labels(task_id, label_ids) :exec
-- Give a task that the caller has locked exactly these labels.
WITH gone AS (
    DELETE FROM task_labels WHERE task_id = $1 AND label_id <> ALL($2::uuid[])
)
INSERT INTO task_labels (task_id, label_id)
SELECT $1, l.id FROM unnest($2::uuid[]) AS l (id)
ON CONFLICT ON CONSTRAINT task_labels_pkey DO NOTHING;

-- name: has_subtasks(task_id) :value
-- Whether a task has subtasks, including those in the trash, because they may be restored.
SELECT EXISTS (SELECT FROM tasks WHERE parent_id = $1);

-- name: insert_revision(task_id, version, field, old_text, actor_id) :exec
-- Store a text as it was before the change that made `version`.
INSERT INTO task_revisions (task_id, version, field, old_text, actor_id) VALUES ($1, $2, $3, $4, $5);

-- name: get_changed_task(task_id, viewer_id) :one!
-- A task as the user who has just changed it sees it, even if they may no longer see it after the change; its watchers who may
-- see it; and whether a stored response of this user shows it.
SELECT
    i.*,
    EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching,
    ARRAY(
        SELECT w.user_id
        FROM task_watchers AS w
        CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
        WHERE w.task_id = i.id AND t.id = i.id
        ORDER BY w.user_id
    ) AS "_watcherIds",
    EXISTS (
        SELECT FROM idempotency_keys AS k WHERE k.entity_id = i.id AND k.scope = $2::uuid::text
    ) AS "_isStored"
FROM task_items AS i
WHERE i.id = $1;

-- name: find_changed_task(task_id, viewer_id) :one
-- Like get_changed_task, after a change of something that belongs to a task; no row if the task is in the trash.
SELECT
    i.*,
    EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching,
    ARRAY(
        SELECT w.user_id
        FROM task_watchers AS w
        CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
        WHERE w.task_id = i.id AND t.id = i.id
        ORDER BY w.user_id
    ) AS "_watcherIds",
    EXISTS (
        SELECT FROM idempotency_keys AS k WHERE k.entity_id = i.id AND k.scope = $2::uuid::text
    ) AS "_isStored"
FROM task_items AS i
WHERE i.id = $1 AND i."_deletedAt" IS NULL;

-- name: list_task_watchers(ids, user_ids, sees_all) :many
-- The positions, in these arrays, at which the user sees the task, or saw it before it went into the trash, because they are
-- shown that change.
SELECT g.place::integer
FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY AS g (task_id, user_id, sees_all, place)
CROSS JOIN LATERAL reach_tasks(g.user_id, g.sees_all) AS t
WHERE t.id = g.task_id;

-- name: list_trash(viewer_id, sees_all, before_time, before, most) :many
-- Tasks in the trash that a viewer could see before, the last deleted first.
SELECT i.*, false AS watching, i."_deletedAt" AS "deletedAt", person(d) AS "deletedBy"
FROM (
    SELECT t.id, t.deleted_at, t.deleted_by
    FROM trashed_tasks($1, $2) AS t
    WHERE (t.deleted_at, t.id) < ($3, $4)
    ORDER BY t.deleted_at DESC, t.id DESC
    LIMIT $5
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
LEFT JOIN users AS d ON d.id = found.deleted_by
ORDER BY found.deleted_at DESC, found.id DESC;

-- name: get_trashed_task(task_id, viewer_id, sees_all) :one
-- One task in the trash, and whether it can be restored into its project.
SELECT
    i.*,
    coalesce((SELECT p.deleted_at IS NULL FROM projects AS p WHERE p.id = t.project_id), true) AS "_hasProject"
FROM trashed_tasks($2, $3) AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.id = $1;

-- name: restore_task(task_id) :exec
-- Take a task that the caller has locked out of the trash.
UPDATE tasks
SET deleted_at = NULL, deleted_by = NULL, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: list_own_trash(creator_id, most) :many
-- The tasks in the trash that a user created, locked in id order.
SELECT t.id
FROM tasks AS t
WHERE t.creator_id = $1 AND t.deleted_at IS NOT NULL
ORDER BY t.id
LIMIT $2
FOR UPDATE;

-- name: list_old_trash(most) :many
-- Tasks that have been in the trash past the limit, the longest first, locked; locked rows are skipped.
SELECT t.id
FROM tasks AS t
WHERE t.deleted_at <= trash_limit()
ORDER BY t.deleted_at
LIMIT $1
FOR UPDATE SKIP LOCKED;

-- name: trash_project(project_id, most) :many
-- Move up to `most` tasks of a project that is being removed to the trash, from which they are purged; returns their ids.
UPDATE tasks AS t
SET deleted_at = coalesce(t.deleted_at, now())
WHERE t.id IN (SELECT o.id FROM tasks AS o WHERE o.project_id = $1 ORDER BY o.number LIMIT $2 FOR UPDATE)
RETURNING t.id;

-- name: release_subtasks(parent_ids) :many
-- Clear the parent of subtasks whose parents are about to be purged, unless they are purged, too; returns the former parents.
WITH held AS MATERIALIZED (
    SELECT t.id, t.parent_id
    FROM tasks AS t
    WHERE t.parent_id = ANY($1::uuid[]) AND t.id <> ALL($1::uuid[])
    ORDER BY t.id
    FOR NO KEY UPDATE
)
UPDATE tasks AS t
SET parent_id = NULL, version = t.version + 1, updated_at = now()
FROM held AS h
WHERE t.id = h.id
RETURNING t.id, h.parent_id AS previous;

-- name: lock_tasks_of_lead(lead_id) :exec
-- Lock the tasks of a lead that is to be deleted, in id order, before the lead: a transaction that links a task locks the task
-- first.
SELECT FROM tasks WHERE lead_id = $1 ORDER BY id FOR NO KEY UPDATE;

-- name: give_to_lead(lead_id, into_id) :many
-- Move the tasks of a lead to another lead, or to none (NULL); returns the former lead of each.
WITH held AS MATERIALIZED (
    SELECT t.id FROM tasks AS t WHERE t.lead_id = $1 ORDER BY t.id FOR NO KEY UPDATE
)
UPDATE tasks AS t
SET lead_id = $2, version = t.version + 1, updated_at = now()
FROM held AS h
WHERE t.id = h.id
RETURNING t.id, $1::uuid AS previous;

-- name: purge_tasks(ids, actor_id, context) :value
-- Delete tasks that are in the trash and that the caller has locked, with everything that depends on them, blank the stored
-- responses that show them, and emit an event for each. Returns the number of tasks.
WITH gone AS (
    DELETE FROM tasks WHERE id = ANY($1::uuid[]) AND deleted_at IS NOT NULL
    RETURNING id, creator_id, project_id, version
),
blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    WHERE k.entity_id IN (
        SELECT gone.id FROM gone
        UNION ALL
        SELECT c.id FROM comments AS c INNER JOIN gone ON gone.id = c.task_id
        UNION ALL
        SELECT i.id FROM checklist_items AS i INNER JOIN gone ON gone.id = i.task_id
    )
)
SELECT count(
    emit(
        'task.purged', $2, 'task', g.id,
        jsonb_build_object('creatorId', g.creator_id, 'projectId', g.project_id, 'version', g.version), $3,
        coalesce(g.project_id, g.id)
    )
)::integer
FROM gone AS g;

-- name: list_history(task_id, before_time, before, most) :many
-- The history of a task, newest first. Its former texts come from task_revisions, because the audit trail stores no texts.
SELECT
    e.id,
    e.type,
    e.actor,
    e.payload -> 'version' AS version,
    coalesce(e.payload -> 'changed', '[]') AS changed,
    coalesce(e.payload -> 'before', '{}') AS before,
    coalesce(e.payload -> 'after', '{}') AS after,
    coalesce(
        (
            SELECT json_agg(json_build_object('field', r.field, 'before', r.old_text, 'after', s.new_text) ORDER BY r.field DESC)
            FROM task_revisions AS r
            CROSS JOIN LATERAL (
                SELECT CASE
                    WHEN later.task_id IS NOT NULL THEN later.old_text
                    WHEN r.field = 'title' THEN t.title
                    ELSE t.description
                END AS new_text
                FROM tasks AS t
                LEFT JOIN LATERAL (
                    SELECT n.task_id, n.old_text
                    FROM task_revisions AS n
                    WHERE n.task_id = r.task_id AND n.field = r.field AND n.version > r.version
                    ORDER BY n.version
                    LIMIT 1
                ) AS later ON true
                WHERE t.id = r.task_id
            ) AS s
            -- Other events, for instance a change of the checklist, carry the version in which a text was changed before.
            WHERE e.type = 'task.updated'
                AND r.task_id = $1
                AND r.version = (e.payload ->> 'version')::integer
                AND e.payload -> 'changed' ? r.field
        ),
        '[]'::json
    ) AS texts,
    CASE WHEN e.payload ? 'importId' THEN (
        SELECT json_build_object('importId', i.id, 'name', m.options ->> 'fileName')
        FROM (VALUES ((e.payload ->> 'importId')::uuid)) AS i (id)
        LEFT JOIN imports AS m ON m.id = i.id
    ) END AS file,
    e."createdAt"
FROM event_items AS e
WHERE e."entityType" = 'task' AND e."entityId" = $1 AND (e."createdAt", e.id) < ($2, $3)
ORDER BY e."createdAt" DESC, e.id DESC
LIMIT $4;

-- name: list_subtasks(viewer_id, sees_all, parent_id, after, most) :many
-- The subtasks that a viewer may see, after an id, oldest first.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM visible_tasks($1, $2) AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.parent_id = $3 AND t.id > $4
ORDER BY t.id
LIMIT $5;

-- name: list_hanging(blocker_id) :many
-- Tasks of which this one is, or was, the only open blocker.
SELECT l.blocked_id
FROM task_links AS l
INNER JOIN tasks AS t ON t.id = l.blocked_id AND t.deleted_at IS NULL
WHERE l.blocker_id = $1
    AND NOT EXISTS (SELECT FROM open_links AS o WHERE o.blocked_id = l.blocked_id AND o.blocker_id <> $1)
ORDER BY l.blocked_id;

-- name: lock_for_removal(task_id) :exec
-- Lock a task FOR UPDATE, which also keeps out changes of what belongs to it: these take a key-share lock on the task.
SELECT FROM tasks WHERE id = $1 FOR UPDATE;

-- name: lock_tasks_of(user_id) :exec
-- Lock the tasks assigned to a user who leaves, in id order; at most 10,000, because others may have assigned any number. The
-- job leave_again continues with the rest.
SELECT
FROM tasks
WHERE id IN (
    -- Each branch uses its own partial index.
    SELECT t.id FROM tasks AS t WHERE t.assignee_id = $1 AND t.deleted_at IS NULL
    UNION ALL
    SELECT t.id FROM tasks AS t WHERE t.assignee_id = $1 AND t.deleted_at IS NOT NULL
    ORDER BY id
    LIMIT 10000
)
ORDER BY id
FOR NO KEY UPDATE;

-- name: unassign_person(user_id) :many
-- Remove a user who leaves as assignee of the tasks that lock_tasks_of locks; returns the former assignee of each.
UPDATE tasks
SET assignee_id = NULL, version = version + 1, updated_at = now()
WHERE id IN (
    SELECT t.id FROM tasks AS t WHERE t.assignee_id = $1 AND t.deleted_at IS NULL
    UNION ALL
    SELECT t.id FROM tasks AS t WHERE t.assignee_id = $1 AND t.deleted_at IS NOT NULL
    ORDER BY id
    LIMIT 10000
)
RETURNING id, $1::uuid AS previous;

-- name: export_tasks(user_id) :many
-- The tasks that a user created, for their export.
SELECT
    t.id, t.number, t.kind, t.title, t.description, t.status, i.priority, t.assignee_id AS "assigneeId",
    t.project_id AS "projectId", t.lead_id AS "leadId", t.parent_id AS "parentId", i."dueDate", i."startedAt",
    i."completedAt", i.checklist, t.version, t.created_at AS "createdAt", t.updated_at AS "updatedAt",
    t.deleted_at AS "deletedAt"
FROM tasks AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.id IN (
    SELECT m.id FROM tasks AS m WHERE m.creator_id = $1 AND m.deleted_at IS NULL
    UNION ALL
    SELECT m.id FROM tasks AS m WHERE m.creator_id = $1 AND m.deleted_at IS NOT NULL
)
ORDER BY t.id;

-- name: export_assigned(user_id) :many
-- The tasks that others assigned to a user, for their export.
SELECT
    t.id, t.creator_id AS "creatorId", t.project_id AS "projectId", t.status, t.due_at AS "dueAt",
    t.completed_at AS "completedAt"
FROM tasks AS t
WHERE t.assignee_id = $1 AND t.creator_id <> $1 AND t.deleted_at IS NULL
ORDER BY t.id;

-- name: set_ranks(ids, ranks) :exec
-- Set the ranks of tasks in a column that the caller has locked.
UPDATE tasks AS t
SET rank = g.rank
FROM (
    SELECT o.id, u.rank
    FROM unnest($1::uuid[], $2::bigint[]) AS u (id, rank)
    INNER JOIN tasks AS o ON o.id = u.id
    ORDER BY o.id
    FOR NO KEY UPDATE OF o
) AS g
WHERE t.id = g.id;

-- name: find_named_people(names, ids) :many
-- Users by their usernames and by their ids, and whether they are active.
SELECT w.name, u.id, u.status = 'active' AS active
FROM unnest($1::text[]) AS w (name)
INNER JOIN users AS u ON u.username = w.name::citext
UNION ALL
SELECT w.id::text, u.id, u.status = 'active'
FROM unnest($2::uuid[]) AS w (id)
INNER JOIN users AS u ON u.id = w.id;

-- name: find_named_labels(project_id, names) :many
-- The labels of a project, or of no project (NULL), by their names in lower case.
SELECT lower(l.name) AS name, l.id
FROM labels AS l
WHERE l.project_id IS NOT DISTINCT FROM $1 AND lower(l.name) = ANY($2::text[]);

-- name: find_refs(project_id, owner_id, refs) :many
-- Tasks of a project, or a user's own tasks without a project, by the references that an import gave them; including those in
-- the trash.
SELECT t.external_ref AS ref, t.id, t.deleted_at IS NOT NULL AS trashed
FROM tasks AS t
WHERE t.project_id = $1 AND t.external_ref = ANY($3::text[])
UNION ALL
SELECT t.external_ref, t.id, t.deleted_at IS NOT NULL
FROM tasks AS t
WHERE $1::uuid IS NULL AND t.project_id IS NULL AND t.creator_id = $2 AND t.external_ref = ANY($3::text[]);

-- name: find_parents(viewer_id, sees_all, child_ids, project_ids, refs, ids, numbers) :many
-- The tasks that are to become parents, in array order, as far as the viewer may see them: by id, else by reference, else by
-- number in the project (without a project, by the viewer's own reference). `child_ids` is NULL for a new task. `id` is NULL if
-- there is no such task.
SELECT
    t.id,
    t.parent_id,
    t.id IS DISTINCT FROM c.parent_id AS changes,
    EXISTS (SELECT FROM tasks AS s WHERE s.parent_id = w.child_id) AS has_subtasks,
    EXISTS (
        SELECT
        FROM task_links AS l
        WHERE (l.blocker_id = t.id AND l.blocked_id = w.child_id) OR (l.blocker_id = w.child_id AND l.blocked_id = t.id)
    ) AS is_linked
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::integer[]) WITH ORDINALITY AS w (
    child_id, project_id, ref, id, number, place
)
LEFT JOIN tasks AS c ON c.id = w.child_id
LEFT JOIN LATERAL (
    SELECT v.id, v.parent_id
    -- OFFSET 0, so that each is read by its key, even if the planner believes that the table is small.
    FROM (
        SELECT 1 AS worth, a.id FROM tasks AS a WHERE a.id = w.id
        UNION ALL
        SELECT 2, a.id FROM tasks AS a WHERE a.project_id = w.project_id AND a.external_ref = w.ref
        UNION ALL
        SELECT 2, a.id
        FROM tasks AS a
        WHERE w.project_id IS NULL AND a.project_id IS NULL AND a.creator_id = $1 AND a.external_ref = w.ref
        UNION ALL
        SELECT 3, a.id FROM tasks AS a WHERE a.project_id = w.project_id AND a.number = w.number
    ) AS f
    CROSS JOIN LATERAL (
        SELECT s.id, s.parent_id
        FROM visible_tasks($1, $2) AS s
        WHERE s.id = f.id AND s.project_id IS NOT DISTINCT FROM w.project_id
        OFFSET 0
    ) AS v
    ORDER BY f.worth
    LIMIT 1
) AS t ON true
ORDER BY w.place;

-- name: set_parents(ids, parent_ids) :exec
-- Set the parents of tasks that the caller has locked; NULL for no parent.
UPDATE tasks AS t
SET parent_id = w.parent_id
FROM unnest($1::uuid[], $2::uuid[]) AS w (id, parent_id)
WHERE t.id = w.id;

-- name: take_numbers(project_id, many) :value
-- Reserve `many` numbers of a project; returns the first, or NULL if the project is deleted.
UPDATE projects SET task_number = task_number + $2 WHERE id = $1 AND deleted_at IS NULL
RETURNING task_number - $2 + 1;

-- name: insert_tasks(creator_id, project_id, first_number, kinds, titles, descriptions, statuses, priorities, assignee_ids, due_ats, due_ons, refs, parent_ids, parent_places) :many
-- Insert tasks into one project, or into no project, each at the end of its column; returns their ids in array order. The
-- parent is an existing task, or one of these, given by its position from 1 on.
WITH wanted AS MATERIALIZED (
    SELECT w.*, uuidv7() AS id
    FROM unnest(
        $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::uuid[], $10::timestamptz[], $11::date[], $12::text[],
        $13::uuid[], $14::integer[]
    ) WITH ORDINALITY AS w (
        kind, title, description, status, priority, assignee_id, due_at, due_on, ref, parent_id, parent_place, place
    )
),
columns AS MATERIALIZED (
    SELECT w.status, last_rank($2, w.status) AS rank FROM wanted AS w GROUP BY w.status
),
added AS (
    INSERT INTO tasks (
        id, kind, title, description, status, priority, creator_id, assignee_id, project_id, number, due_at, due_on,
        external_ref, parent_id, rank
    )
    SELECT
        w.id, w.kind, w.title, w.description, w.status, w.priority, $1, w.assignee_id, $2,
        $3::integer + (w.place - 1)::integer, w.due_at, w.due_on, w.ref, coalesce(w.parent_id, p.id),
        least(
            c.rank + 1048576 * (row_number() OVER (PARTITION BY w.status ORDER BY w.place) - 1), 4503599627370496
        )
    FROM wanted AS w
    INNER JOIN columns AS c ON c.status = w.status
    LEFT JOIN wanted AS p ON p.place = w.parent_place
)
SELECT w.id FROM wanted AS w ORDER BY w.place;

-- name: replace_labels(task_ids, pair_task_ids, pair_label_ids) :exec
-- Give tasks, which are new or locked by the caller, exactly the labels of these pairs.
WITH pairs AS MATERIALIZED (
    SELECT p.task_id, p.label_id FROM unnest($2::uuid[], $3::uuid[]) AS p (task_id, label_id)
),
gone AS (
    DELETE FROM task_labels AS l
    WHERE l.task_id = ANY($1::uuid[])
        AND NOT EXISTS (SELECT FROM pairs WHERE pairs.task_id = l.task_id AND pairs.label_id = l.label_id)
)
INSERT INTO task_labels (task_id, label_id)
SELECT pairs.task_id, pairs.label_id FROM pairs
ON CONFLICT ON CONSTRAINT task_labels_pkey DO NOTHING;
