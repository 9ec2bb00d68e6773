-- What a person reads of their own notifications. Changes are in notifications.sql.
-- Lists: the newest place first, before a position. One statement is one snapshot: each row has the count and the position in
-- the stream that belong to the list. A list without rows is one row without an id, but for list_all and list_unread, which
-- give none: then ask list_filtered.

-- name: get_notification(user_id, notification_id) :one
-- A notification of the user's: in the list, snoozed or archived.
SELECT i.* FROM notification_lines AS i WHERE i.id = $2 AND i."_receiverId" = $1;

-- name: list_all(user_id, before, most) :many
-- Notifications that are neither archived nor snoozed.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    i.*
FROM notification_lines AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL AND i.position < $2
ORDER BY i.position DESC
LIMIT $3;

-- name: list_unread(user_id, before, most) :many
-- The unread ones of these.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    i.*
FROM notification_lines AS i
WHERE i."_receiverId" = $1 AND i."archivedAt" IS NULL AND i."snoozedUntil" IS NULL AND NOT i."isRead" AND i.position < $2
ORDER BY i.position DESC
LIMIT $3;

-- name: list_filtered(user_id, before, unread, types, most) :many
-- Those of these types, of one state; NULL leaves a filter out. The walk along the receiver's index stays, the filters drop rows
-- on the way.
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
-- What was archived, by the receiver or with time, in one order.
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
-- What is out of the list until its time.
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
-- The members of one group of the user's that are listed. The group says whose it is: along the receiver's index everything
-- that is in no group would be walked over.
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
-- What is listed, a group as one: walks of those by themselves, read and unread, and of groups, merged. `since` is the newest place when the
-- first page was read, or the last position there can be. A group that moved since stands where it stood, at its newest member
-- up to then; what came later is not here, so that following pages show nothing twice and miss nothing.
-- A group that has nothing to show, whatever it counts, is left out here, or its page would seem to be the last.
-- An item of a group is the newest of its listed members. `_people` counts its people, of whom the newest three are in `_actors`;
-- NULL where it has one member. `unread` is of groups that have unread members; NULL leaves a filter out.
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
                -- Archived ones as well: they held its place.
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
            -- As many as a group takes in.
            LIMIT 100
        ) AS m
    ) AS o ON true
    -- One by one: each is among the first few, where to sort all takes twice as long.
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
-- What a person was told, and archived of it: of what others wrote and are called only ids, as an export outlives their deletion.
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
