-- Who has read what: posts one by one, comments by a watermark for each thread. A statement that marks something as read locks
-- the post or task, so that it is not deleted meanwhile, and writes only if something changes.

-- name: read_post(post_id, user_id) :value
-- Note that a user has read a post; returns the time when they first read it. The author counts as a reader since the post's
-- creation, without a row. NULL if the user may not see the post.
WITH post AS MATERIALIZED (
    SELECT p.id, p.author_id, p.created_at
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR KEY SHARE
),
before AS (
    SELECT r.read_at
    FROM entity_reads AS r
    WHERE r.entity_type = 'post' AND r.entity_id = $1 AND r.user_id = $2
),
added AS (
    INSERT INTO entity_reads AS r (entity_type, entity_id, user_id)
    SELECT 'post', post.id, $2
    FROM post
    WHERE post.author_id <> $2 AND NOT EXISTS (SELECT FROM before)
    -- Another device was first, so return its time.
    ON CONFLICT ON CONSTRAINT entity_reads_pkey DO UPDATE SET read_at = r.read_at
    RETURNING r.read_at
)
SELECT coalesce(added.read_at, before.read_at, post.created_at)
FROM post
LEFT JOIN added ON true
LEFT JOIN before ON true;

-- name: get_readership(post_id, viewer_id, any_author) :one
-- Whether a viewer may know the readers of a post, as its author or with `any_author`, and if so their number. No row if the
-- viewer may not see the post.
SELECT
    p.type, allowed.it AS allowed,
    CASE WHEN allowed.it THEN (
        SELECT count(*)::integer FROM entity_reads AS r WHERE r.entity_type = 'post' AND r.entity_id = p.id
    ) END AS "readerCount"
FROM posts AS p
CROSS JOIN LATERAL (SELECT p.author_id = $2 OR $3) AS allowed (it)
WHERE p.id = $1 AND shown_to(p, $2);

-- name: list_readers(viewer_id, post_id, before, before_user, most) :many
-- The readers of a post, the latest first, before a position (time, id).
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    r.read_at AS "readAt", r.user_id AS "_userId"
FROM entity_reads AS r
INNER JOIN users AS u ON u.id = r.user_id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE r.entity_type = 'post' AND r.entity_id = $2 AND (r.read_at, r.user_id) < ($3, $4)
ORDER BY r.read_at DESC, r.user_id DESC
LIMIT $5;

-- name: list_missing(viewer_id, post_id, after, most) :many
-- Active users after an id who have not read a post, without its author. A scalar subquery: for NOT EXISTS the planner would
-- read all readers to return one page.
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    NULL::timestamptz AS "readAt", u.id AS "_userId"
FROM users AS u
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE u.status = 'active'
    AND u.id > $3
    AND u.id <> (SELECT p.author_id FROM posts AS p WHERE p.id = $2)
    AND (
        SELECT true
        FROM entity_reads AS r
        WHERE r.entity_type = 'post' AND r.entity_id = $2 AND r.user_id = u.id
    ) IS NULL
ORDER BY u.id
LIMIT $4;

-- name: read_comments(thread_type, thread, user_id, sees_all, up_to) :one
-- Move a user's watermark in a thread to the last comment up to an id; it never moves back. Returns the watermark and the
-- unread count. No row if the user may not see the post or task.
WITH post AS MATERIALIZED (
    SELECT p.id
    FROM posts AS p
    WHERE $1 = 'post' AND p.id = $2 AND shown_to(p, $3)
    FOR KEY SHARE
),
task AS MATERIALIZED (
    SELECT t.id
    FROM tasks AS t
    WHERE $1 = 'task' AND t.id = $2 AND (SELECT true FROM visible_tasks($3, $4) AS v WHERE v.id = t.id)
    FOR KEY SHARE
),
seen AS (
    SELECT post.id FROM post
    UNION ALL
    SELECT task.id FROM task
),
before AS (
    SELECT t.upto FROM thread_reads AS t WHERE t.thread = $2 AND t.user_id = $3
),
target AS (
    SELECT c.id FROM thread_comments AS c WHERE c.thread = $2 AND c.id <= $5 ORDER BY c.id DESC LIMIT 1
),
moved AS (
    INSERT INTO thread_reads AS t (thread, user_id, upto)
    SELECT $2, $3, target.id
    FROM seen
    CROSS JOIN target
    WHERE NOT EXISTS (SELECT FROM before WHERE before.upto >= target.id)
    -- Another device may have moved it meanwhile.
    ON CONFLICT ON CONSTRAINT thread_reads_pkey DO UPDATE SET upto = greatest(t.upto, excluded.upto)
    RETURNING t.upto
)
SELECT mark.upto AS "upTo", unread.unread_count AS "unreadCount"
FROM seen
LEFT JOIN moved ON true
LEFT JOIN before ON true
CROSS JOIN LATERAL (SELECT coalesce(moved.upto, before.upto)) AS mark (upto)
CROSS JOIN LATERAL unread_comments($3, $2, mark.upto) AS unread;

-- name: get_watermark(thread_type, thread, user_id, sees_all) :one
-- A user's watermark in a thread (NULL: nothing read) and the unread count. No row if they may not see the post or task.
SELECT t.upto AS "upTo", unread.unread_count AS "unreadCount"
FROM (
    SELECT p.id FROM posts AS p WHERE $1 = 'post' AND p.id = $2 AND shown_to(p, $3)
    UNION ALL
    SELECT v.id FROM visible_tasks($3, $4) AS v WHERE $1 = 'task' AND v.id = $2
) AS seen
LEFT JOIN thread_reads AS t ON t.thread = $2 AND t.user_id = $3
CROSS JOIN LATERAL unread_comments($3, $2, t.upto) AS unread;

-- name: get_comment_readership(comment_id, viewer_id, any_author, sees_all) :one
-- A comment's thread and author, and whether a viewer may know its readers: as its author, with `any_author`, or on a task with
-- `sees_all`. No row if the viewer may not see it, or if it is a placeholder.
SELECT
    coalesce(c.post_id, c.task_id) AS thread, c.task_id IS NOT NULL AS "onTask", c.author_id AS "authorId",
    (c.author_id = $2 OR CASE WHEN c.task_id IS NULL THEN $3 ELSE $4 END) AS allowed
FROM visible_comments($2, $4) AS c
WHERE c.id = $1 AND c.body IS NOT NULL;

-- name: list_comment_readers(viewer_id, thread, comment_id, author_id, after, most) :many
-- Users after an id whose watermark is at or after a comment, without its author. Ordered by id, which is stable while
-- watermarks move, so that no user is repeated or missed.
SELECT shown."user", t.user_id AS "_userId"
FROM thread_reads AS t
CROSS JOIN LATERAL (
    SELECT person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user"
    FROM users AS u
    CROSS JOIN LATERAL standing_of($1, u.id) AS seen
    WHERE u.id = t.user_id
    -- OFFSET 0 keeps the planner from scanning all users to return one page.
    OFFSET 0
) AS shown
WHERE t.thread = $2 AND t.upto >= $3 AND t.user_id <> $4 AND t.user_id > $5
ORDER BY t.user_id
LIMIT $6;

-- name: delete_reads(user_id) :exec
-- Delete what is stored of a leaving user's reading.
WITH gone AS (
    DELETE FROM entity_reads WHERE user_id = $1
),
-- Locked in the order in which tasks are purged.
held AS MATERIALIZED (
    SELECT t.thread FROM thread_reads AS t WHERE t.user_id = $1 ORDER BY t.thread FOR UPDATE
)
DELETE FROM thread_reads AS t USING held WHERE t.thread = held.thread AND t.user_id = $1;

-- name: export_reads(user_id) :many
-- The posts that a user has read, for their export.
SELECT entity_type AS "entityType", entity_id AS "entityId", read_at AS "readAt"
FROM entity_reads
WHERE user_id = $1
ORDER BY read_at, entity_id;

-- name: export_thread_reads(user_id) :many
-- A user's watermarks in comments, for their export.
SELECT thread, upto AS "upTo" FROM thread_reads WHERE user_id = $1 ORDER BY thread;
