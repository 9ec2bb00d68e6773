-- Comments, with comment_count and score in post_stats.

-- name: create_comment(post_id, author_id, parent_id, body, usernames, context) :one
-- Insert a comment on a post, count it, and emit its event. A reply to a reply gets the same parent as that reply, so that
-- threads stay one level deep. No row if the post is not visible to the author, or the parent is not a comment on it. The
-- event's mentionedIds are the named users; on a draft only its author. A placeholder can be replied to, but has no author to
-- notify.
WITH post AS MATERIALIZED (
    SELECT p.id, p.author_id, p.status IS NOT DISTINCT FROM 'draft' AS draft
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR KEY SHARE
),
parent AS (
    SELECT id, coalesce(parent_id, id) AS thread_id, author_id
    FROM comments
    WHERE id = $3 AND post_id = $1
),
added AS (
    INSERT INTO comments (post_id, author_id, parent_id, body)
    SELECT post.id, $2, (SELECT thread_id FROM parent), $4
    FROM post
    WHERE $3::uuid IS NULL OR EXISTS (SELECT FROM parent)
    RETURNING *
),
counted AS (
    UPDATE post_stats AS s
    SET
        comment_count = s.comment_count + 1,
        score = CASE WHEN s.score IS NOT NULL THEN add_heat(s.score, heat(now(), 2)) END
    FROM added
    WHERE s.post_id = added.post_id
    RETURNING s.post_id
)
SELECT
    c.id, c.post_id AS "postId", c.task_id AS "taskId", c.parent_id AS "parentId", c.body, person(u) AS author,
    false AS deleted, c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
    emit(
        'comment.created', $2, 'comment', c.id,
        jsonb_build_object(
            'postId', c.post_id, 'postAuthorId', post.author_id,
            'parentAuthorId', (SELECT author_id FROM parent), 'onDraft', post.draft,
            'mentionedIds', CASE
                WHEN cardinality($5::citext[]) > 0
                    THEN find_named($5, CASE WHEN post.draft THEN post.author_id END)
                ELSE '[]'
            END
        ),
        $6, c.post_id
    ) AS "_eventId"
FROM added AS c
INNER JOIN counted ON counted.post_id = c.post_id
INNER JOIN post ON post.id = c.post_id
INNER JOIN users AS u ON u.id = c.author_id;

-- name: create_task_comment(task_id, author_id, sees_all, parent_id, body, usernames, context) :one
-- Like create_comment(), on a task. mentionedIds are the named users who may see the task; its creator, assignee and watchers
-- are notified, too.
WITH task AS MATERIALIZED (
    SELECT t.id, t.creator_id, t.assignee_id, t.project_id
    FROM tasks AS t
    WHERE t.id = $1 AND (SELECT true FROM visible_tasks($2, $3) AS v WHERE v.id = $1)
    FOR KEY SHARE
),
parent AS (
    SELECT id, coalesce(parent_id, id) AS thread_id, author_id
    FROM comments
    WHERE id = $4 AND task_id = $1
),
added AS (
    INSERT INTO comments (task_id, author_id, parent_id, body)
    SELECT task.id, $2, (SELECT thread_id FROM parent), $5
    FROM task
    WHERE $4::uuid IS NULL OR EXISTS (SELECT FROM parent)
    RETURNING *
)
SELECT
    c.id, c.post_id AS "postId", c.task_id AS "taskId", c.parent_id AS "parentId", c.body, person(u) AS author,
    false AS deleted, c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
    emit(
        'comment.created', $2, 'comment', c.id,
        jsonb_build_object(
            'postId', NULL, 'taskId', c.task_id, 'projectId', task.project_id,
            'creatorId', task.creator_id, 'assigneeId', task.assignee_id,
            'parentAuthorId', (SELECT author_id FROM parent),
            'mentionedIds', coalesce(
                (
                    SELECT jsonb_agg(m.id)
                    FROM users AS m
                    WHERE m.username = ANY($6::citext[])
                        AND m.status = 'active'
                        AND (SELECT true FROM tasks_seen_by(m.id) AS s WHERE s.id = task.id)
                ),
                '[]'
            )
        ),
        $7, coalesce(task.project_id, task.id)
    ) AS "_eventId"
FROM added AS c
CROSS JOIN task
INNER JOIN users AS u ON u.id = c.author_id;

-- name: get_comment(comment_id, viewer_id, sees_all) :one
-- One comment with its author, or its placeholder; no row if the viewer may not see its post or task.
SELECT
    i.*, c.author_id AS "_authorId",
    (SELECT p.status IS NOT DISTINCT FROM 'draft' FROM posts AS p WHERE p.id = c.post_id) AS "_onDraft"
FROM visible_comments($2, $3) AS c
INNER JOIN comment_items AS i ON i.id = c.id
WHERE c.id = $1;

-- name: find_comments(viewer_id, ids) :many
-- Several comments with their authors, or their placeholders; no row where the viewer may not see the post or task.
SELECT i.*
FROM visible_comments($1, holds_permission($1, 'task:manage')) AS c
INNER JOIN comment_items AS i ON i.id = c.id
WHERE c.id = ANY($2::uuid[]);

-- name: render_comments(ids) :many
-- Comments and placeholders as the room of their post or task shows them to everyone. No row for those on a draft or on a task
-- in the trash.
SELECT i.*, s.comment_count AS "commentCount", s.revision AS "countsVersion",
    ARRAY['post:' || i."postId"] AS "_rooms"
FROM comment_items AS i
INNER JOIN posts AS p ON p.id = i."postId"
INNER JOIN post_stats AS s ON s.post_id = i."postId"
WHERE i.id = ANY($1::uuid[]) AND p.status IS DISTINCT FROM 'draft'
UNION ALL
SELECT i.*, t."commentCount", NULL, ARRAY['task:' || i."taskId"]
FROM comment_items AS i
INNER JOIN task_items AS t ON t.id = i."taskId"
WHERE i.id = ANY($1::uuid[]) AND t."_deletedAt" IS NULL;

-- name: list_comments(post_id, viewer_id, after, most) :many
-- The comments of a post after an id, oldest first; no rows if the viewer may not see the post.
SELECT i.*
FROM comment_items AS i
WHERE i."postId" = $1 AND (SELECT shown_to(p, $2) FROM posts AS p WHERE p.id = $1) AND i.id > $3
ORDER BY i.id
LIMIT $4;

-- name: list_newest_comments(post_id, viewer_id, before, most) :many
-- Like list_comments(), newest first, before an id.
SELECT i.*
FROM comment_items AS i
WHERE i."postId" = $1 AND (SELECT shown_to(p, $2) FROM posts AS p WHERE p.id = $1) AND i.id < $3
ORDER BY i.id DESC
LIMIT $4;

-- name: list_task_comments(task_id, viewer_id, sees_all, after, most) :many
-- The comments of a task after an id, oldest first; no rows if the viewer may not see the task.
SELECT i.*
FROM comment_items AS i
WHERE i."taskId" = $1 AND (SELECT true FROM visible_tasks($2, $3) AS t WHERE t.id = $1) AND i.id > $4
ORDER BY i.id
LIMIT $5;

-- name: list_newest_task_comments(task_id, viewer_id, sees_all, before, most) :many
-- Like list_task_comments(), newest first, before an id.
SELECT i.*
FROM comment_items AS i
WHERE i."taskId" = $1 AND (SELECT true FROM visible_tasks($2, $3) AS t WHERE t.id = $1) AND i.id < $4
ORDER BY i.id DESC
LIMIT $5;

-- name: lock_comment(comment_id) :exec
-- Lock a comment before a change that depends on its current state.
SELECT FROM comments WHERE id = $1 FOR NO KEY UPDATE;

-- name: update_comment(comment_id, body) :exec
-- Change the text of a comment that the caller has locked.
UPDATE comments
SET body = $2, version = version + 1, updated_at = now()
WHERE id = $1;

-- name: list_mentioned(task_id, usernames) :many
-- The active users with these usernames who may see the task.
SELECT u.id
FROM users AS u
WHERE u.username = ANY($2::citext[])
    AND u.status = 'active'
    AND (SELECT true FROM tasks_seen_by(u.id) AS t WHERE t.id = $1);

-- name: get_concerned(task_id) :one!
-- The creator, assignee and project of a task, for the events of its comments.
SELECT creator_id AS "creatorId", assignee_id AS "assigneeId", project_id AS "projectId" FROM tasks WHERE id = $1;

-- name: lock_task_of_comment(comment_id) :value
-- Like lock_post_of_comment(), for a comment on a task.
SELECT t.id
FROM tasks AS t
INNER JOIN comments AS c ON c.task_id = t.id
WHERE c.id = $1
FOR UPDATE OF t;

-- name: lock_post_of_comment(comment_id) :value
-- Lock the post of a comment before the comment is deleted, by a separate statement: inserting a reply takes a lock on this
-- row, too, so the DELETE then sees all replies.
SELECT p.id
FROM posts AS p
INNER JOIN comments AS c ON c.post_id = p.id
WHERE c.id = $1
FOR UPDATE OF p;

-- name: delete_comment(comment_id, user_id, any_author, versions) :one
-- Delete a comment, for its author, the post's author, or with `any_author` any user who sees it. A comment with replies
-- becomes a placeholder without text and author, which is deleted with its last reply. Updates the post's counters and blanks
-- stored responses that show the comment. The caller has locked the post. `versions` NULL matches any version.
WITH target AS MATERIALIZED (
    SELECT
        c.id, c.post_id, c.parent_id, c.author_id, c.created_at, p.status IS NOT DISTINCT FROM 'draft' AS draft,
        EXISTS (SELECT FROM comments AS r WHERE r.parent_id = c.id) AS answered
    FROM comments AS c
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE c.id = $1
        AND c.body IS NOT NULL
        AND ($2 IN (c.author_id, p.author_id) OR $3)
        AND shown_to(p, $2)
        AND ($4::integer[] IS NULL OR c.version = ANY($4))
),
emptied AS (
    UPDATE comments AS c
    SET body = NULL, author_id = NULL, version = c.version + 1, updated_at = now()
    FROM target
    WHERE c.id = target.id AND target.answered
),
removed AS (
    DELETE FROM comments AS c
    USING target
    WHERE c.id IN (target.id, target.parent_id)
        AND NOT target.answered
        AND (
            c.id = target.id
            OR c.body IS NULL
            AND NOT EXISTS (SELECT FROM comments AS r WHERE r.parent_id = c.id AND r.id <> target.id)
        )
    RETURNING c.id
),
blanked AS (
    -- Keep the keys, so that a retry does not create the comment again.
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    FROM target
    WHERE k.entity_id = target.id
),
counted AS (
    UPDATE post_stats AS s
    SET
        comment_count = s.comment_count - 1,
        score = CASE
            WHEN s.score IS NOT NULL THEN take_heat(s.score, heat(target.created_at, 2), s.least_score)
        END
    FROM target
    WHERE s.post_id = target.post_id
    RETURNING s.post_id
)
SELECT
    target.id, counted.post_id AS "postId", target.author_id AS "_authorId", target.draft AS "_onDraft",
    target.answered AS "_answered",
    (SELECT removed.id FROM removed WHERE removed.id <> target.id) AS "_placeholderId"
FROM target
INNER JOIN counted ON counted.post_id = target.post_id;

-- name: delete_task_comment(comment_id, user_id, sees_all, versions) :one
-- Like delete_comment(), for a comment on a task that the caller has locked: for its author, the task's creator, and with
-- `sees_all` any user.
WITH target AS MATERIALIZED (
    SELECT
        c.id, c.task_id, c.parent_id, c.author_id, t.project_id, t.creator_id, t.assignee_id,
        EXISTS (SELECT FROM comments AS r WHERE r.parent_id = c.id) AS answered
    FROM comments AS c
    INNER JOIN visible_tasks($2, $3) AS t ON t.id = c.task_id
    WHERE c.id = $1
        AND c.body IS NOT NULL
        AND ($2 IN (c.author_id, t.creator_id) OR $3)
        AND ($4::integer[] IS NULL OR c.version = ANY($4))
),
emptied AS (
    UPDATE comments AS c
    SET body = NULL, author_id = NULL, version = c.version + 1, updated_at = now()
    FROM target
    WHERE c.id = target.id AND target.answered
),
removed AS (
    DELETE FROM comments AS c
    USING target
    WHERE c.id IN (target.id, target.parent_id)
        AND NOT target.answered
        AND (
            c.id = target.id
            OR c.body IS NULL
            AND NOT EXISTS (SELECT FROM comments AS r WHERE r.parent_id = c.id AND r.id <> target.id)
        )
    RETURNING c.id
),
blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    FROM target
    WHERE k.entity_id = target.id
)
SELECT
    target.id, target.task_id AS "taskId", target.project_id AS "projectId", target.creator_id AS "creatorId",
    target.assignee_id AS "assigneeId", target.author_id AS "_authorId", target.answered AS "_answered",
    (SELECT removed.id FROM removed WHERE removed.id <> target.id) AS "_placeholderId"
FROM target;

-- name: export_comments(user_id) :many
-- A user's comments on posts and tasks, for their export.
SELECT
    c.id, c.post_id AS "postId", c.task_id AS "taskId", c.parent_id AS "parentId", c.body, c.created_at AS "createdAt",
    c.updated_at AS "updatedAt"
FROM comments AS c
WHERE c.author_id = $1
ORDER BY c.id;
