-- Housekeeping of notifications: snoozed ones wake, read ones are archived, archived ones are deleted.

-- name: list_sleepers(most) :many
-- The receivers of snoozed notifications that are due, from the `most` that have been due the longest.
SELECT DISTINCT d.receiver_id
FROM (
    SELECT n.receiver_id FROM notifications AS n WHERE n.snoozed_until <= now() ORDER BY n.snoozed_until LIMIT $1
) AS d
ORDER BY d.receiver_id;

-- name: take_counters(user_ids) :exec
-- Lock the counters of several users, in id order, before their notifications change.
SELECT FROM notification_counters WHERE user_id = ANY($1::uuid[]) ORDER BY user_id FOR UPDATE;

-- name: wake_notifications(user_ids, most) :value
-- Wake up to `most` snoozed notifications that are due, of users whose counters the caller has locked: they become unread,
-- ungrouped and first in the list. Emits an event for each; returns the number of rows.
WITH due AS MATERIALIZED (
    SELECT n.id, n.receiver_id
    FROM notifications AS n
    WHERE n.snoozed_until <= now() AND n.receiver_id = ANY($1::uuid[])
    ORDER BY n.snoozed_until, n.id
    LIMIT $2
),
woken AS (
    UPDATE notifications AS n
    SET snoozed_until = NULL, is_read = false, read_at = NULL, position = d.position, updated_at = now()
    FROM (SELECT due.id, uuidv7() AS position FROM due) AS d
    WHERE n.id = d.id AND n.id = ANY(ARRAY(SELECT due.id FROM due))
    RETURNING n.id, n.receiver_id, n.position
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread + w.added
    FROM (SELECT receiver_id, count(*) AS added FROM woken GROUP BY receiver_id) AS w
    WHERE c.user_id = w.receiver_id
)
SELECT
    count(emit(
        'notification.woken', NULL, 'notification', w.id, jsonb_build_object('receiverId', w.receiver_id), '{}', w.receiver_id
    ))
FROM (SELECT id, receiver_id FROM woken ORDER BY position) AS w;

-- name: list_outdated(after, days, most) :many
-- The next users after `after`, in id order: `reached` is the user's id. `user_id` is the same id if the user has a read or
-- archived notification whose position (when it came or woke) is more than `days` days old, else NULL.
SELECT
    CASE
        WHEN coalesce(
            (
                SELECT true
                FROM notifications AS n
                WHERE n.receiver_id = c.user_id AND n.position < first_id(now() - make_interval(days => $2::integer)) AND n.is_listed AND n.is_read
                ORDER BY n.position
                LIMIT 1
            ),
            (
                SELECT true
                FROM notifications AS n
                WHERE n.receiver_id = c.user_id AND n.position < first_id(now() - make_interval(days => $2::integer)) AND n.archived_at IS NOT NULL
                ORDER BY n.position
                LIMIT 1
            )
        ) THEN c.user_id
    END AS user_id,
    c.user_id AS reached
FROM (
    SELECT user_id FROM notification_counters WHERE user_id > $1 ORDER BY user_id LIMIT $3
) AS c
ORDER BY c.user_id;

-- name: retire_notifications(user_ids, days, most) :value
-- Move read and archived notifications more than `days` days old to notifications_archive: of each of these users, whose
-- counters the caller has locked, the oldest `most` read and the oldest `most` archived ones. A user whose list changed gets an
-- event: all read notifications up to position `upTo` have left the list. Returns the number of rows.
WITH outdated AS MATERIALIZED (
    SELECT o.id
    FROM unnest($1::uuid[]) AS u (id)
    CROSS JOIN LATERAL (
        (
            SELECT n.id
            FROM notifications AS n
            WHERE n.receiver_id = u.id AND n.position < first_id(now() - make_interval(days => $2::integer)) AND n.is_listed AND n.is_read
            ORDER BY n.position
            LIMIT $3
        )
        UNION ALL
        (
            SELECT n.id
            FROM notifications AS n
            WHERE n.receiver_id = u.id AND n.position < first_id(now() - make_interval(days => $2::integer)) AND n.archived_at IS NOT NULL
            ORDER BY n.position
            LIMIT $3
        )
    ) AS o
),
gone AS (
    DELETE FROM notifications AS n WHERE n.id = ANY(ARRAY(SELECT o.id FROM outdated AS o))
    RETURNING n.*
),
kept AS (
    INSERT INTO notifications_archive (
        id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at, archived_at, created_at, updated_at,
        variant, entity_type, entity_id, params, position, group_id, snoozed_until, why, plan
    )
    SELECT
        id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at,
        coalesce(archived_at, statement_timestamp()), created_at,
        CASE WHEN archived_at IS NULL THEN statement_timestamp() ELSE updated_at END, variant, entity_type, entity_id, params, position,
        group_id, snoozed_until, why, plan
    FROM gone
),
grouped AS (
    UPDATE notification_groups AS g
    SET members = g.members - c.members
    FROM (
        SELECT group_id, count(*) AS members
        FROM gone
        WHERE group_id IS NOT NULL AND archived_at IS NULL
        GROUP BY group_id
    ) AS c
    WHERE g.id = c.group_id
),
told AS (
    SELECT
        emit(
            'notifications.retired', NULL, 'user', t.receiver_id,
            jsonb_build_object(
                'updated', t.updated, 'upTo', t.up_to, 'at', to_json(statement_timestamp()),
                'through', coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || t.receiver_id::text), 0)
            ),
            '{}', t.receiver_id
        )
    FROM (
        SELECT receiver_id, count(*) AS updated, (array_agg(position ORDER BY position DESC))[1] AS up_to
        FROM gone
        WHERE archived_at IS NULL
        GROUP BY receiver_id
    ) AS t
)
SELECT (SELECT count(*) FROM gone) + 0 * (SELECT count(*) FROM told);

-- name: delete_old_archived(most) :value
-- Delete notifications archived more than a year ago, by retention or by their receiver; returns the number of rows. Call it
-- until it is less than `most`.
WITH gone AS (
    DELETE FROM notifications_archive
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notifications_archive WHERE archived_at < now() - interval '1 year' ORDER BY archived_at LIMIT $1))
        AND archived_at < now() - interval '1 year'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_old_groups(most) :value
-- Delete groups that have no members left and opened more than 400 days ago; returns the number of rows. Call it until it is
-- less than `most`. No notification joins a group that old.
WITH gone AS (
    DELETE FROM notification_groups
    WHERE id = ANY(ARRAY(
        SELECT g.id
        FROM notification_groups AS g
        WHERE g.members = 0 AND g.opened_at < now() - interval '400 days'
            AND (SELECT true FROM notifications AS n WHERE n.group_id = g.id LIMIT 1) IS NULL
        LIMIT $1
    ))
    RETURNING 1
)
SELECT count(*) FROM gone;
