-- Reads of a user's own notifications; changes are in notifications.sql.
-- Lists return the highest position first, before a given position. Each is one statement, and so one snapshot: every row
-- carries the unread count and the room's sequence number that belong to the list. An empty list is one row with NULL as id;
-- list_all and list_unread, however, return no row then: run list_filtered instead.

-- name: get_notification(user_id, notification_id) :one
-- One notification of the user: listed, snoozed or archived.
SELECT i.* FROM notification_lines AS i WHERE i.id = $2 AND i."_receiverId" = $1;

-- name: list_all(user_id, before, most) :many
-- The user's notifications that are neither archived nor snoozed.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    i.*
FROM notification_lines AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL AND i.position < $2
ORDER BY i.position DESC
LIMIT $3;

-- name: list_unread(user_id, before, most) :many
-- The user's unread notifications that are neither archived nor snoozed.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    i.*
FROM notification_lines AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL AND NOT i."isRead" AND i.position < $2
ORDER BY i.position DESC
LIMIT $3;

-- name: list_filtered(user_id, before, unread, types, most) :many
-- Like list_all, filtered by state and types; a NULL filter is ignored. The scan follows the receiver's index, and the filters
-- drop rows on the way.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT i.*
    FROM notification_lines AS i
    WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL AND i.position < $2
        AND ($3::boolean IS NULL OR i."isRead" = NOT $3)
        AND ($4::text[] IS NULL OR i.type = ANY($4))
    ORDER BY i.position DESC
    LIMIT $5
) AS found ON true;

-- name: list_archived(user_id, before, unread, types, most) :many
-- Notifications archived by the receiver or by retention, in one order.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT i.*
    FROM notification_lines AS i
    WHERE i."_receiverId" = $1 AND i."archivedAt" IS NOT NULL AND i.position < $2
        AND ($3::boolean IS NULL OR i."isRead" = NOT $3)
        AND ($4::text[] IS NULL OR i.type = ANY($4))
    ORDER BY i.position DESC
    LIMIT $5
) AS found ON true;

-- name: list_snoozed(user_id, before, unread, types, most) :many
-- Notifications that are snoozed.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT i.*
    FROM notification_lines AS i
    WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NOT NULL AND i.position < $2
        AND ($3::boolean IS NULL OR i."isRead" = NOT $3)
        AND ($4::text[] IS NULL OR i.type = ANY($4))
    ORDER BY i.position DESC
    LIMIT $5
) AS found ON true;

-- name: list_group(user_id, group_id, before, unread, types, most) :many
-- The listed members of one group of the user. The ownership is checked on the group's row: with a condition on the receiver,
-- the scan would follow the receiver's index through everything that is in no group.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT i.*
    FROM notification_lines AS i
    WHERE i."groupId" = (SELECT g.id FROM notification_groups AS g WHERE g.id = $2 AND g.receiver_id = $1)
        AND i.position < $3 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL
        AND ($4::boolean IS NULL OR i."isRead" = NOT $4)
        AND ($5::text[] IS NULL OR i.type = ANY($5))
    ORDER BY i.position DESC
    LIMIT $6
) AS found ON true;

-- name: list_grouped(user_id, since, before, unread, types, most) :many
-- Like list_filtered, with each group as one item: scans of ungrouped notifications, read and unread, and of groups, merged.
-- `since` is the highest position when the first page was read, or the highest possible one. A group that has moved since then
-- keeps its former place, at its newest member up to `since`; newer members are left out, so that the following pages neither
-- repeat nor miss anything. A group without a listed member up to `since` is left out by this statement: dropped later, it
-- would make its page look like the last one.
-- The item of a group is its newest listed member. `_people` is the number of actors in the group, `_actors` the newest three;
-- both are NULL if it has one member. With `unread` true only groups that have unread members are returned, with false only
-- those that have none; a NULL filter is ignored.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT
        i.*, p.place AS "_place", g.key AS "_groupKey", g.members AS "_members",
        greatest(g.unread, 0) AS "_groupUnread",
        o.people AS "_people", named.actors AS "_actors", named.names AS "_names"
    FROM (
        SELECT w.place, w.id, w.group_id
        FROM (
            (
                SELECT n.position AS place, n.id, n.group_id
                FROM notifications AS n
                WHERE $4::boolean IS NOT TRUE
                    AND n.receiver_id = $1 AND n.is_listed AND n.group_id IS NULL AND n.is_read AND n.position < $3
                    AND ($5::text[] IS NULL OR n.type = ANY($5))
                ORDER BY n.position DESC
                LIMIT $6
            )
            UNION ALL
            (
                SELECT n.position, n.id, n.group_id
                FROM notifications AS n
                WHERE $4 IS NOT FALSE
                    AND n.receiver_id = $1 AND n.is_listed AND n.group_id IS NULL AND NOT n.is_read AND n.position < $3
                    AND ($5 IS NULL OR n.type = ANY($5))
                ORDER BY n.position DESC
                LIMIT $6
            )
            UNION ALL
            (
                SELECT g.position, NULL, g.id
                FROM notification_groups AS g
                WHERE $4 IS NOT TRUE
                    AND g.receiver_id = $1 AND g.members > 0 AND g.position < $3
                    AND ($4 IS NULL OR g.unread = 0)
                    AND ($5 IS NULL OR split_part(g.key, ':', 1) = ANY($5))
                    AND (
                        SELECT true FROM notifications AS n
                        WHERE n.group_id = g.id AND n.archived_at IS NULL AND n.position <= $2
                        ORDER BY n.position DESC
                        LIMIT 1
                    )
                ORDER BY g.position DESC
                LIMIT $6
            )
            UNION ALL
            (
                SELECT g.position, NULL, g.id
                FROM notification_groups AS g
                WHERE $4 AND g.receiver_id = $1 AND g.unread > 0 AND g.position < $3
                    AND ($5 IS NULL OR split_part(g.key, ':', 1) = ANY($5))
                    AND (
                        SELECT true FROM notifications AS n
                        WHERE n.group_id = g.id AND n.archived_at IS NULL AND n.position <= $2
                        ORDER BY n.position DESC
                        LIMIT 1
                    )
                ORDER BY g.position DESC
                LIMIT $6
            )
            UNION ALL
            SELECT m.position, NULL, g.id
            FROM notification_groups AS g
            CROSS JOIN LATERAL (
                -- Includes archived members, because they defined the group's place.
                SELECT n.position FROM notifications AS n
                WHERE n.group_id = g.id AND n.position <= $2
                ORDER BY n.position DESC
                LIMIT 1
            ) AS m
            WHERE g.receiver_id = $1 AND g.members > 0 AND g.position > $2 AND m.position < $3
                AND ($4 IS NULL OR (g.unread > 0) = $4)
                AND ($5 IS NULL OR split_part(g.key, ':', 1) = ANY($5))
                AND (
                    SELECT true FROM notifications AS n
                    WHERE n.group_id = g.id AND n.archived_at IS NULL AND n.position <= $2
                    ORDER BY n.position DESC
                    LIMIT 1
                )
        ) AS w
        ORDER BY w.place DESC
        LIMIT $6
    ) AS p
    LEFT JOIN notification_groups AS g ON g.id = p.group_id
    CROSS JOIN LATERAL (
        SELECT coalesce(
            p.id,
            (
                SELECT n.id FROM notifications AS n
                WHERE n.group_id = p.group_id AND n.archived_at IS NULL AND n.position <= $2
                ORDER BY n.position DESC
                LIMIT 1
            )
        ) AS id
    ) AS shown
    CROSS JOIN LATERAL (
        SELECT l.* FROM notification_lines AS l WHERE l.id = shown.id AND l."archivedAt" IS NULL LIMIT 1
    ) AS i
    LEFT JOIN LATERAL (
        SELECT nullif(count(DISTINCT m.actor_id), 0)::integer AS people
        FROM (
            SELECT n.actor_id
            FROM notifications AS n
            WHERE g.members > 1 AND n.group_id = p.group_id AND n.archived_at IS NULL AND n.position <= $2
            ORDER BY n.position DESC
            -- The most members that a group can have.
            LIMIT 100
        ) AS m
    ) AS o ON true
    -- One subquery for each: each actor is among the first few rows, while sorting all takes twice as long.
    LEFT JOIN LATERAL (
        SELECT n.actor_id
        FROM notifications AS n
        WHERE g.members > 1 AND n.group_id = p.group_id AND n.archived_at IS NULL AND n.position <= $2
            AND n.actor_id IS NOT NULL
        ORDER BY n.position DESC
        LIMIT 1
    ) AS a1 ON true
    LEFT JOIN LATERAL (
        SELECT n.actor_id
        FROM notifications AS n
        WHERE g.members > 1 AND n.group_id = p.group_id AND n.archived_at IS NULL AND n.position <= $2
            AND n.actor_id <> a1.actor_id
        ORDER BY n.position DESC
        LIMIT 1
    ) AS a2 ON true
    LEFT JOIN LATERAL (
        SELECT n.actor_id
        FROM notifications AS n
        WHERE g.members > 1 AND n.group_id = p.group_id AND n.archived_at IS NULL AND n.position <= $2
            AND n.actor_id NOT IN (a1.actor_id, a2.actor_id)
        ORDER BY n.position DESC
        LIMIT 1
    ) AS a3 ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(person(u) ORDER BY w.rank) AS actors, array_agg(display_name(u) ORDER BY w.rank) AS names
        FROM unnest(ARRAY[a1.actor_id, a2.actor_id, a3.actor_id]) WITH ORDINALITY AS w (id, rank)
        INNER JOIN users AS u ON u.id = w.id
    ) AS named ON true
    ORDER BY p.place DESC
) AS found ON true;

-- name: export_notifications(user_id) :many
-- A user's notifications, including archived ones, for their export: of other users' texts and names only the ids, because an
-- export outlives their deletion.
SELECT
    n.id, n.type, n.is_read AS "isRead", n.seen_at AS "seenAt", n.archived_at AS "archivedAt",
    n.snoozed_until AS "snoozedUntil", n.created_at AS "createdAt",
    CASE WHEN n.entity_id IS NOT NULL THEN json_build_object('type', n.entity_type, 'id', n.entity_id) END AS entity,
    n.actor_id AS "actorId"
FROM (
    SELECT id, type, is_read, seen_at, archived_at, snoozed_until, created_at, entity_type, entity_id, actor_id
    FROM notifications
    WHERE receiver_id = $1
    UNION ALL
    SELECT id, type, is_read, seen_at, archived_at, snoozed_until, created_at, entity_type, entity_id, actor_id
    FROM notifications_archive
    WHERE receiver_id = $1
) AS n
ORDER BY n.id;
