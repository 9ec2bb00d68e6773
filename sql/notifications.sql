-- Notifications: what people are told, and how many of it they have not read.

-- name: hold_posts(post_ids) :many
-- Those of these posts that are still there, and stay until this transaction ends. All of them before any comment,
-- in one order: whoever deletes a comment has its post locked by then.
SELECT id FROM posts WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE;

-- name: hold_comments(comment_ids) :many
-- Those of these comments that are still there, and stay until this transaction ends.
SELECT id FROM comments WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE;

-- name: persist_notifications(event_ids, receiver_ids, actor_ids, types, titles, messages, post_ids, comment_ids, once_keys, created_ats) :many
-- Write a batch, once per receiver and event, and count it as unread in the same statement. The posts and
-- comments are held by hold_posts and hold_comments, so that no foreign key fails.
-- Ordered by receiver, so that two workers lock the counters in the same order.
WITH written AS (
    INSERT INTO notifications (
        event_id, receiver_id, actor_id, type, title, message, post_id, comment_id, once_key, created_at, updated_at
    )
    SELECT
        i.event_id, i.receiver_id, a.id, i.type, i.title, i.message, i.post_id, i.comment_id, i.once_key,
        i.created_at, i.created_at
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[],
        $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::timestamptz[]
    ) AS i (
        event_id, receiver_id, actor_id, type, title, message, post_id, comment_id, once_key, created_at
    )
    INNER JOIN users AS r ON r.id = i.receiver_id AND r.status = 'active'
    LEFT JOIN users AS a ON a.id = i.actor_id
    ORDER BY i.receiver_id, i.event_id
    ON CONFLICT DO NOTHING
    RETURNING id, receiver_id, event_id
),
counted AS (
    INSERT INTO notification_counters AS c (user_id, unread)
    SELECT receiver_id, count(*)
    FROM written
    GROUP BY receiver_id
    ORDER BY receiver_id
    ON CONFLICT ON CONSTRAINT notification_counters_pkey DO UPDATE SET unread = c.unread + excluded.unread
)
SELECT id, receiver_id, event_id FROM written;

-- name: list_written(notification_ids) :many
-- Notifications as their receivers see them, in the order in which they came.
SELECT i.*, n.event_id AS "_eventId"
FROM notification_items AS i
INNER JOIN notifications AS n ON n.id = i.id
WHERE i.id = ANY($1::uuid[])
ORDER BY i.id;

-- name: list_unread_counts(user_ids) :many
-- The exact unread count of several people.
SELECT user_id, unread FROM notification_counters WHERE user_id = ANY($1::uuid[]);

-- name: get_unread_count(user_id) :value
-- One person's unread count; NULL where nothing was ever sent.
SELECT unread FROM notification_counters WHERE user_id = $1;

-- name: get_position(user_id, room) :one!
-- Unread count and stream position, for an answer that a client can go on from.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS unread,
    coalesce((SELECT last_seq FROM rooms WHERE name = $2), 0) AS seq;

-- name: list_first(user_id, most) :many
-- The newest notifications that are not archived.
SELECT i.*
FROM notification_items AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL
ORDER BY i.id DESC
LIMIT $2;

-- name: list_next(user_id, before, most) :many
-- The page behind a cursor.
SELECT i.*
FROM notification_items AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i.id < $2
ORDER BY i.id DESC
LIMIT $3;

-- name: list_unread_first(user_id, most) :many
-- The newest unread ones.
SELECT i.*
FROM notification_items AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND NOT i."isRead"
ORDER BY i.id DESC
LIMIT $2;

-- name: list_unread_next(user_id, before, most) :many
-- Unread ones behind a cursor.
SELECT i.*
FROM notification_items AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND NOT i."isRead" AND i.id < $2
ORDER BY i.id DESC
LIMIT $3;

-- name: list_filtered(user_id, before, unread, archived, types, most) :many
-- Any other mix of filters; NULL leaves one out. Rare, so one statement serves them all: the walk
-- along the receiver's index stays, the filters drop rows on the way.
SELECT i.*
FROM notification_items AS i
WHERE
    i."_receiverId" = $1
    AND ($2::uuid IS NULL OR i.id < $2)
    AND ($3::boolean IS NULL OR i."isRead" = NOT $3)
    AND (i."archivedAt" IS NOT NULL) = $4::boolean
    AND ($5::text[] IS NULL OR i.type = ANY($5))
ORDER BY i.id DESC
LIMIT $6;

-- name: get_notification(user_id, notification_id) :one
-- One of the receiver's own.
SELECT i.*
FROM notification_items AS i
WHERE i.id = $2 AND i."_receiverId" = $1;

-- name: lock_counter(user_id) :value
-- Before a change of one's notifications, in a statement of its own. Changes of one inbox then take turns:
-- none is computed from a count that is out of date (PostgreSQL checks unread >= 0 before it notices
-- that), and none holds a notification while it waits for the count.
SELECT unread FROM notification_counters WHERE user_id = $1 FOR UPDATE;

-- name: update_notification(user_id, notification_id, is_read, archived, seen) :value
-- Change what is not NULL, and the unread count with it. True where there is such a notification.
WITH old AS (
    SELECT id, NOT is_read AND archived_at IS NULL AS unread
    FROM notifications
    WHERE id = $2 AND receiver_id = $1
    FOR UPDATE
),
changed AS (
    UPDATE notifications AS n
    SET
        is_read = coalesce($3, n.is_read),
        read_at = CASE WHEN $3 THEN coalesce(n.read_at, now()) WHEN NOT $3 THEN NULL ELSE n.read_at END,
        archived_at = CASE WHEN $4 THEN coalesce(n.archived_at, now()) WHEN NOT $4 THEN NULL ELSE n.archived_at END,
        seen_at = CASE
            WHEN $5 OR $3 THEN coalesce(n.seen_at, now())
            WHEN NOT $5 THEN NULL
            ELSE n.seen_at
        END,
        updated_at = now()
    FROM old
    WHERE n.id = old.id
    RETURNING NOT n.is_read AND n.archived_at IS NULL AS unread, old.unread AS was_unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread + changed.unread::integer - changed.was_unread::integer
    FROM changed
    WHERE c.user_id = $1 AND changed.unread <> changed.was_unread
)
SELECT true FROM changed;

-- name: delete_notification(user_id, notification_id) :value
-- Remove one of the receiver's own, and count it off where it was unread. True where there was one.
WITH gone AS (
    DELETE FROM notifications
    WHERE id = $2 AND receiver_id = $1
    RETURNING NOT is_read AND archived_at IS NULL AS unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - 1
    FROM gone
    WHERE c.user_id = $1 AND gone.unread
)
SELECT true FROM gone;

-- name: read_all(user_id) :value
-- Mark everything that is unread as read; returns how many that were.
WITH changed AS (
    UPDATE notifications
    SET is_read = true, read_at = now(), seen_at = coalesce(seen_at, now()), updated_at = now()
    WHERE receiver_id = $1 AND NOT is_read AND archived_at IS NULL
    RETURNING id
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed)
    WHERE c.user_id = $1
)
SELECT count(*)::integer FROM changed;

-- name: list_followers_after(user_id, after, most) :many
-- A part of the audience "followers of", in id order.
SELECT f.follower_id AS receiver_id
FROM follows AS f
WHERE f.followed_id = $1 AND f.follower_id > $2
ORDER BY f.follower_id
LIMIT $3;

-- name: list_concerned_after(post_id, after, most) :many
-- A part of the audience "concerned by" a project, in id order: its author, its assignee and those interested.
SELECT c.receiver_id
FROM (
    (
        SELECT t.user_id AS receiver_id
        FROM interests AS t
        WHERE t.post_id = $1 AND t.user_id > $2
        ORDER BY t.user_id
        LIMIT $3
    )
    UNION
    SELECT named.user_id
    FROM posts AS p
    CROSS JOIN LATERAL unnest(ARRAY[p.author_id, p.assignee_id]) AS named (user_id)
    WHERE p.id = $1 AND named.user_id > $2
) AS c
ORDER BY c.receiver_id
LIMIT $3;

-- name: list_everyone_after(after, most) :many
-- A part of the audience "everyone", in id order.
SELECT id AS receiver_id
FROM users
WHERE id > $1 AND status = 'active'
ORDER BY id
LIMIT $2;

-- name: delete_inbox(user_id) :exec
-- Everything somebody was told, and the count of it.
WITH gone AS (
    DELETE FROM notifications WHERE receiver_id = $1
)
DELETE FROM notification_counters WHERE user_id = $1;
