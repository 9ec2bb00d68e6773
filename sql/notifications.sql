-- Notifications, as their receivers read and change them, and their counters of unread ones.

-- name: render_notifications(ids) :many
-- Notifications as their receivers' rooms show them now.
SELECT i.*, ARRAY['user:' || i."_receiverId"] AS "_rooms"
FROM notification_lines AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_unread_counts(user_ids) :many
-- The exact unread counts of several users.
SELECT user_id, unread FROM notification_counters WHERE user_id = ANY($1::uuid[]);

-- name: get_unread_count(user_id) :value
-- A user's unread count; NULL if the user never got a notification.
SELECT unread FROM notification_counters WHERE user_id = $1;

-- name: lock_counter(user_id) :value
-- Lock a user's counter before a change of their notifications that takes several statements. This serialises changes of one
-- inbox: none computes from an outdated count, and none holds a notification's lock while it waits for the counter.
SELECT unread FROM notification_counters WHERE user_id = $1 FOR UPDATE;

-- name: update_notification(user_id, notification_id, is_read, seen, archived, snoozed_until, wakes, context) :one
-- Change the values that are not NULL, with the counter and the group, and emit the event; emits nothing if nothing changes.
-- `wakes` ends a snooze. The counter is locked first, then the notification, which is read in its state at that time. No row if
-- it is not the user's, or is in notifications_archive (see restore_notification).
-- A read notification is also seen. Snoozing takes it out of its group and out of the archive; archiving ends the snooze; a
-- woken one becomes unread, unless it is marked as read at the same time, and moves to the top.
WITH counter AS MATERIALIZED (
    SELECT user_id, unread FROM notification_counters WHERE user_id = $1 FOR UPDATE
),
old AS MATERIALIZED (
    SELECT
        n.*, n.is_listed AS was_listed, n.is_unread AS was_unread,
        $7 AND n.snoozed_until IS NOT NULL AND NOT coalesce($5, false) AS wakes
    FROM notifications AS n
    WHERE n.id = $2 AND n.receiver_id = (SELECT user_id FROM counter)
    FOR UPDATE
),
wanted AS MATERIALIZED (
    SELECT
        o.id, o.was_listed, o.was_unread, o.is_read AS was_read, o.group_id AS old_group_id,
        coalesce($3, o.is_read AND NOT o.wakes) AS is_read,
        CASE WHEN $3 THEN coalesce(o.read_at, now()) WHEN NOT $3 OR o.wakes THEN NULL ELSE o.read_at END AS read_at,
        CASE
            WHEN $3 OR $4 THEN coalesce(o.seen_at, now())
            WHEN NOT $4 AND NOT coalesce($3, o.is_read AND NOT o.wakes) THEN NULL
            ELSE o.seen_at
        END AS seen_at,
        CASE
            WHEN $5 THEN coalesce(o.archived_at, now())
            WHEN NOT $5 OR $6::timestamptz IS NOT NULL THEN NULL
            ELSE o.archived_at
        END AS archived_at,
        CASE WHEN $5 OR o.wakes THEN NULL ELSE coalesce($6, o.snoozed_until) END AS snoozed_until,
        CASE WHEN o.wakes THEN uuidv7() ELSE o.position END AS position,
        CASE WHEN $6 IS NULL THEN o.group_id END AS group_id
    FROM old AS o
),
changed AS (
    UPDATE notifications AS n
    SET
        is_read = w.is_read, read_at = w.read_at, seen_at = w.seen_at, archived_at = w.archived_at,
        snoozed_until = w.snoozed_until, position = w.position, group_id = w.group_id, updated_at = now()
    FROM wanted AS w
    INNER JOIN old AS o ON o.id = w.id
    WHERE n.id = w.id
        AND (o.is_read, o.seen_at, o.archived_at, o.snoozed_until, o.group_id)
        IS DISTINCT FROM (w.is_read, w.seen_at, w.archived_at, w.snoozed_until, w.group_id)
    RETURNING n.*, w.was_listed, w.was_unread, w.was_read, w.old_group_id, n.is_listed AS now_listed, n.is_unread AS now_unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = counter.unread + n.now_unread::integer - n.was_unread::integer
    FROM changed AS n
    CROSS JOIN counter
    WHERE c.user_id = $1 AND n.now_unread <> n.was_unread
),
grouped AS (
    UPDATE notification_groups AS g
    SET
        members = g.members + (n.now_listed AND n.group_id IS NOT NULL)::integer - n.was_listed::integer,
        unread = g.unread + (n.now_unread AND n.group_id IS NOT NULL)::integer - n.was_unread::integer,
        closed_at = CASE WHEN n.is_read AND NOT n.was_read THEN coalesce(g.closed_at, now()) ELSE g.closed_at END
    FROM changed AS n
    WHERE g.id = n.old_group_id
        AND (n.now_listed, n.now_unread, n.is_read) IS DISTINCT FROM (n.was_listed, n.was_unread, n.was_read)
)
SELECT
    n.receiver_id AS "_receiverId", n.id, n.type, n.variant AS "_variant", nullif(n.params, '{}') AS "_params",
    e.excerpt AS "_excerpt", e.beginning AS "_beginning", n.is_read AS "isRead", n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt", n.snoozed_until AS "snoozedUntil", n.position, n.group_id AS "groupId",
    coalesce(n.plan -> 'silent' = 'true', false) AS silent,
    a.id AS "_actorId", a.username AS "_username", a.first_name AS "_firstName", a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    n.entity_type AS "_entityType",
    CASE WHEN e.found THEN coalesce(l.id, n.entity_id) END AS "_entityId",
    e.post_id AS "postId", l.id AS "relatedLeadId", n.created_at AS "createdAt", n.updated_at AS "updatedAt",
    CASE WHEN n.changed THEN emit('notification.updated', $1, 'notification', n.id, '{}', $8, $1) END AS "_eventId"
FROM (
    SELECT
        o.id, o.receiver_id, o.type, o.variant, o.params, o.is_read, o.seen_at, o.archived_at, o.snoozed_until, o.position,
        o.group_id, o.plan, o.actor_id, o.entity_type, o.entity_id, o.created_at, o.updated_at, false AS changed
    FROM old AS o
    WHERE NOT EXISTS (SELECT FROM changed)
    UNION ALL
    SELECT
        c.id, c.receiver_id, c.type, c.variant, c.params, c.is_read, c.seen_at, c.archived_at, c.snoozed_until, c.position,
        c.group_id, c.plan, c.actor_id, c.entity_type, c.entity_id, c.created_at, c.updated_at, true
    FROM changed AS c
) AS n
LEFT JOIN users AS a ON a.id = n.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(n.entity_type, n.entity_id, n.receiver_id) AS d
) AS e ON true
LEFT JOIN LATERAL (
    -- OFFSET 0, so that find_lead() runs for leads only.
    SELECT f.id FROM find_lead(n.entity_id, n.receiver_id) AS f WHERE n.entity_type = 'lead' OFFSET 0
) AS l ON true;

-- name: restore_notification(user_id, notification_id) :exec
-- Move a notification back from notifications_archive before it is changed; it stays archived, so that no counter and no group
-- changes.
WITH counter AS MATERIALIZED (
    SELECT user_id FROM notification_counters WHERE user_id = $1 FOR UPDATE
),
back AS (
    DELETE FROM notifications_archive AS o
    WHERE o.id = $2 AND o.receiver_id = (SELECT user_id FROM counter)
    RETURNING o.*
)
INSERT INTO notifications (
    id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at, archived_at, created_at, updated_at, variant,
    entity_type, entity_id, params, position, group_id, snoozed_until, why, plan
)
SELECT
    b.id, b.receiver_id, b.event_id, b.actor_id, b.type,
    -- The receiver may have been notified again since, with the same key.
    CASE
        WHEN NOT EXISTS (SELECT FROM notifications AS n WHERE n.receiver_id = b.receiver_id AND n.once_key = b.once_key)
            THEN b.once_key
    END,
    b.is_read, b.read_at, b.seen_at, b.archived_at, b.created_at, b.updated_at, b.variant, b.entity_type, b.entity_id, b.params,
    b.position, (SELECT g.id FROM notification_groups AS g WHERE g.id = b.group_id), b.snoozed_until, b.why, b.plan
FROM back AS b;

-- name: delete_notification(user_id, notification_id, context) :value
-- Delete one of the receiver's notifications, update the counters if it was listed, and emit the event. True if there was one,
-- else NULL.
WITH counter AS MATERIALIZED (
    SELECT user_id, unread FROM notification_counters WHERE user_id = $1 FOR UPDATE
),
old AS MATERIALIZED (
    SELECT n.id, n.group_id, n.is_listed AS listed, n.is_unread AS unread
    FROM notifications AS n
    WHERE n.id = $2 AND n.receiver_id = (SELECT user_id FROM counter)
    FOR UPDATE
),
gone AS (
    DELETE FROM notifications AS n USING old WHERE n.id = old.id
    RETURNING n.id, old.group_id, old.listed, old.unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = counter.unread - 1
    FROM gone
    CROSS JOIN counter
    WHERE c.user_id = $1 AND gone.unread
),
grouped AS (
    UPDATE notification_groups AS g
    SET members = g.members - 1, unread = g.unread - gone.unread::integer
    FROM gone
    WHERE g.id = gone.group_id AND gone.listed
),
archived AS (
    DELETE FROM notifications_archive AS o
    WHERE o.id = $2 AND o.receiver_id = (SELECT user_id FROM counter)
    RETURNING o.id
)
SELECT emit('notification.deleted', $1, 'notification', f.id, '{}', $3, $1) IS NOT NULL
FROM (SELECT id FROM gone UNION ALL SELECT id FROM archived) AS f;

-- name: read_all(user_id, before, before_time) :one!
-- Mark the unread notifications before a position (or the id of a notification) and a time as read; their groups take no more
-- members.
-- As for all statements below that change several rows, the caller has locked the counter (lock_counter) by a separate
-- statement, so that earlier deliveries are visible here and this statement's timestamp is later than all earlier changes.
-- Returns the number of rows, the time, the room's last sequence number (frames after it were not there yet), and the highest
-- position changed: every matching notification up to it is changed.
WITH changed AS (
    UPDATE notifications AS n
    SET
        is_read = true, read_at = statement_timestamp(), seen_at = coalesce(seen_at, statement_timestamp()),
        updated_at = statement_timestamp()
    WHERE n.receiver_id = $1 AND n.is_unread AND n.position < (SELECT find_position($1, $2)) AND n.created_at < $3
    RETURNING n.position, n.group_id
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed)
    WHERE c.user_id = $1
),
grouped AS (
    UPDATE notification_groups AS g
    SET unread = g.unread - c.members, closed_at = coalesce(g.closed_at, now())
    FROM (SELECT group_id, count(*) AS members FROM changed WHERE group_id IS NOT NULL GROUP BY group_id) AS c
    WHERE g.id = c.group_id
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, statement_timestamp() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: read_group(user_id, group_id, up_to) :one
-- Like read_all, for the members of one group up to a position. No row if the group is not the user's.
WITH own AS MATERIALIZED (
    SELECT g.id FROM notification_groups AS g WHERE g.id = $2 AND g.receiver_id = $1
),
changed AS (
    UPDATE notifications AS n
    SET
        is_read = true, read_at = statement_timestamp(), seen_at = coalesce(seen_at, statement_timestamp()),
        updated_at = statement_timestamp()
    WHERE n.group_id = (SELECT id FROM own) AND n.is_unread AND n.position <= (SELECT find_position($1, $3))
    RETURNING n.position
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed)
    WHERE c.user_id = $1 AND EXISTS (SELECT FROM changed)
),
grouped AS (
    UPDATE notification_groups AS g
    SET unread = g.unread - (SELECT count(*) FROM changed), closed_at = coalesce(g.closed_at, now())
    WHERE g.id = (SELECT id FROM own) AND EXISTS (SELECT FROM changed)
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, statement_timestamp() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to
FROM own;

-- name: see_all(user_id, before, before_time) :one!
-- Mark the listed notifications before a position and a time as seen. Only unread ones need it, because read ones are seen.
WITH changed AS (
    UPDATE notifications AS n
    SET seen_at = statement_timestamp(), updated_at = statement_timestamp()
    WHERE n.receiver_id = $1 AND n.is_unread AND n.seen_at IS NULL
        AND n.position < (SELECT find_position($1, $2)) AND n.created_at < $3
    RETURNING n.position
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, statement_timestamp() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: archive_all(user_id, before, before_time, only_read) :one!
-- Archive the listed notifications before a position and a time; with `only_read` only read ones.
WITH changed AS (
    UPDATE notifications AS n
    SET archived_at = statement_timestamp(), updated_at = statement_timestamp()
    WHERE n.receiver_id = $1 AND n.is_listed AND (n.is_read OR NOT $4)
        AND n.position < (SELECT find_position($1, $2)) AND n.created_at < $3
    RETURNING n.position, n.group_id, n.is_read
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed WHERE NOT is_read)
    WHERE c.user_id = $1 AND EXISTS (SELECT FROM changed WHERE NOT is_read)
),
grouped AS (
    UPDATE notification_groups AS g
    SET members = g.members - c.members, unread = g.unread - c.unread
    FROM (
        SELECT group_id, count(*) AS members, count(*) FILTER (WHERE NOT is_read) AS unread
        FROM changed
        WHERE group_id IS NOT NULL
        GROUP BY group_id
    ) AS c
    WHERE g.id = c.group_id
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, statement_timestamp() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: archive_group(user_id, group_id, up_to) :one
-- Archive the members of one group up to a position. No row if the group is not the user's.
WITH own AS MATERIALIZED (
    SELECT g.id FROM notification_groups AS g WHERE g.id = $2 AND g.receiver_id = $1
),
changed AS (
    UPDATE notifications AS n
    SET archived_at = statement_timestamp(), updated_at = statement_timestamp()
    WHERE n.group_id = (SELECT id FROM own) AND n.is_listed AND n.position <= (SELECT find_position($1, $3))
    RETURNING n.position, n.is_read
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed WHERE NOT is_read)
    WHERE c.user_id = $1 AND EXISTS (SELECT FROM changed WHERE NOT is_read)
),
grouped AS (
    UPDATE notification_groups AS g
    SET
        members = g.members - (SELECT count(*) FROM changed),
        unread = g.unread - (SELECT count(*) FROM changed WHERE NOT is_read)
    WHERE g.id = (SELECT id FROM own) AND EXISTS (SELECT FROM changed)
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, statement_timestamp() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to
FROM own;

-- name: delete_inbox(user_id) :exec
-- Delete all notifications, groups and the counter of a user who leaves, and folded notices to or by them.
WITH gone AS (
    DELETE FROM notifications WHERE receiver_id = $1
),
archived AS (
    DELETE FROM notifications_archive WHERE receiver_id = $1
),
grouped AS (
    DELETE FROM notification_groups WHERE receiver_id = $1 AND members > 0
),
emptied AS (
    DELETE FROM notification_groups WHERE receiver_id = $1 AND members = 0
),
folded AS (
    DELETE FROM folded_notices WHERE receiver_id = $1 OR actor_id = $1
)
DELETE FROM notification_counters WHERE user_id = $1;
