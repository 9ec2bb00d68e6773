-- Notifications: what people are told, and how many of it they have not read.

-- name: lock_counters(user_ids) :exec
-- Take the counters of receivers, in order, before their groups and rooms: all who change an inbox take its counter first.
INSERT INTO notification_counters AS c (user_id, unread)
SELECT i.user_id, 0
FROM unnest($1::uuid[]) AS i (user_id)
ORDER BY i.user_id
ON CONFLICT ON CONSTRAINT notification_counters_pkey DO UPDATE SET unread = c.unread;

-- name: join_groups(receiver_ids, keys) :many
-- The group that each of these notifications joins, in their order: the open one of its key, or a new one. One that is a
-- day old takes nothing in; at 100 the next one begins. The counters are locked; `deliver` counts those that join.
WITH wanted AS MATERIALIZED (
    SELECT
        i.receiver_id, i.key, i.place,
        row_number() OVER (PARTITION BY i.receiver_id, i.key ORDER BY i.place) - 1 AS number,
        count(*) OVER (PARTITION BY i.receiver_id, i.key) AS wanted
    FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS i (receiver_id, key, place)
),
open_ones AS MATERIALIZED (
    SELECT
        g.id, g.receiver_id, g.key,
        CASE WHEN g.opened_at > now() - interval '1 day' THEN g.size ELSE 100 END AS size
    FROM (SELECT DISTINCT receiver_id, key FROM wanted) AS w
    INNER JOIN notification_groups AS g
        ON g.receiver_id = w.receiver_id AND g.key = w.key AND g.closed_at IS NULL
),
placed AS MATERIALIZED (
    SELECT
        w.receiver_id, w.key, w.place, o.id AS open_id,
        (coalesce(o.size, 0) + w.number) / 100 AS part, coalesce(o.size, 0) + w.wanted AS total
    FROM wanted AS w
    LEFT JOIN open_ones AS o ON o.receiver_id = w.receiver_id AND o.key = w.key
),
closed AS (
    UPDATE notification_groups AS g
    SET closed_at = now()
    FROM (SELECT DISTINCT open_id FROM placed WHERE total >= 100) AS p
    WHERE g.id = p.open_id
    RETURNING g.id
),
parts AS MATERIALIZED (
    SELECT
        p.receiver_id, p.key, p.part, (p.part + 1) * 100 <= p.total AS is_full, p.part = 0 AND p.open_id IS NOT NULL AS is_old,
        CASE WHEN p.part = 0 AND p.open_id IS NOT NULL THEN p.open_id ELSE uuidv7() END AS id
    FROM (SELECT DISTINCT receiver_id, key, part, total, open_id FROM placed) AS p
),
opened AS (
    INSERT INTO notification_groups (id, receiver_id, key, position, closed_at)
    SELECT p.id, p.receiver_id, p.key, p.id, CASE WHEN p.is_full THEN now() END
    FROM parts AS p
    -- First the old ones are closed: there is one open group of a key.
    CROSS JOIN (SELECT count(*) FROM closed) AS c
    WHERE NOT p.is_old
    RETURNING id
)
SELECT p.place::integer, g.id AS group_id
FROM placed AS p
INNER JOIN parts AS g ON g.receiver_id = p.receiver_id AND g.key = p.key AND g.part = p.part
WHERE (SELECT count(*) FROM opened) >= 0
ORDER BY p.place;

-- name: deliver(event_ids, receiver_ids, actor_ids, types, variants, entity_types, entity_ids, params, once_keys, created_ats, whys, plans, group_ids, rooms, frame_event_ids, frame_events, frame_entity_types, frame_entity_ids, datas, members) :many
-- What a batch of events comes to: notifications with their frames, groups and counters, and the frames of other rooms (from
-- `rooms` on). Returns all frames with their numbers. Whoever was told the same before is not among the receivers (`decide` of
-- preferences.sql), and their counters are locked (`lock_counters`).
-- A room's row is locked by the statement that moves its number, until the commit: numbers are without gaps and in commit
-- order. Counters come before rooms, both in order, so that two workers wait for each other at most one way.
-- Notifications stand behind the other frames of their room, which tell of earlier ones.
WITH written AS (
    INSERT INTO notifications (
        id, position, event_id, receiver_id, actor_id, type, variant, entity_type, entity_id, params, once_key,
        created_at, updated_at, why, plan, group_id
    )
    SELECT
        i.id, i.id, i.event_id, i.receiver_id, i.actor_id, i.type, i.variant, i.entity_type, i.entity_id, i.params,
        i.once_key, i.created_at, i.created_at, i.why, i.plan, i.group_id
    FROM (
        SELECT g.*, uuidv7() AS id
        FROM unnest(
            $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[], $9::text[],
            $10::timestamptz[], $11::text[], $12::jsonb[], $13::uuid[]
        ) AS g (
            event_id, receiver_id, actor_id, type, variant, entity_type, entity_id, params, once_key, created_at, why, plan,
            group_id
        )
        ORDER BY g.receiver_id, g.event_id
    ) AS i
    RETURNING id, receiver_id, event_id, group_id
),
joined AS (
    UPDATE notification_groups AS g
    SET
        size = g.size + w.added, members = g.members + w.added, unread = g.unread + w.added,
        position = greatest(g.position, w.position)
    FROM (
        SELECT group_id, count(*) AS added, max(id::text)::uuid AS position
        FROM written
        WHERE group_id IS NOT NULL
        GROUP BY group_id
    ) AS w
    WHERE g.id = w.group_id
),
shown AS (
    SELECT f.room, f.event_id, f.event, f.entity_type, f.entity_id, f.data, string_to_array(f.members, ',') AS members, f.place
    FROM unnest($14::text[], $15::uuid[], $16::text[], $17::text[], $18::uuid[], $19::jsonb[], $20::text[]) WITH ORDINALITY
        AS f (room, event_id, event, entity_type, entity_id, data, members, place)
    UNION ALL
    SELECT
        'user:' || w.receiver_id, w.event_id, 'notification:created', 'notification', w.id, '{}', NULL,
        1000000 + row_number() OVER (ORDER BY w.id)
    FROM written AS w
),
placed AS (
    SELECT *, row_number() OVER (ORDER BY room, place) AS number FROM shown
),
grouped AS (
    SELECT room, count(*) AS frames, max(number) AS last_number FROM placed GROUP BY room
),
advanced AS (
    INSERT INTO rooms AS r (name, last_seq)
    SELECT room, frames
    FROM grouped
    ORDER BY room
    ON CONFLICT ON CONSTRAINT rooms_pkey DO UPDATE SET last_seq = r.last_seq + excluded.last_seq
    RETURNING name, last_seq
),
stored AS (
    INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data, members)
    SELECT
        p.room, a.last_seq - g.last_number + p.number, p.event_id, p.event, p.entity_type, p.entity_id, p.data, p.members
    FROM placed AS p
    INNER JOIN grouped AS g USING (room)
    INNER JOIN advanced AS a ON a.name = p.room
    RETURNING room, seq, event_id, event, entity_type, entity_id, data, members
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread + w.added
    FROM (SELECT receiver_id, count(*) AS added FROM written GROUP BY receiver_id) AS w
    WHERE c.user_id = w.receiver_id
)
SELECT room, seq, event_id, event, entity_type, entity_id, data, members
FROM stored
ORDER BY room, seq;

-- name: count_lately(receiver_ids, actor_ids, types, most) :many
-- How often one person told another one type of thing in the last minute, up to `most`; that many also where more of it is
-- held back already. A row for each place in the arrays.
SELECT
    g.place::integer,
    CASE
        WHEN (
            SELECT true
            FROM folded_notices AS h
            WHERE h.receiver_id = g.receiver_id AND h.actor_id = g.actor_id AND h.type = g.type
        ) THEN $4::integer
        ELSE (
            SELECT count(*)
            FROM (
                SELECT
                FROM (
                    SELECT n.actor_id, n.type
                    FROM notifications AS n
                    WHERE n.receiver_id = g.receiver_id
                        AND n.archived_at IS NULL AND n.snoozed_until IS NULL
                        AND (n.receiver_id, n.position) > (g.receiver_id, first_id(now() - interval '1 minute'))
                    ORDER BY n.receiver_id, n.position
                    -- A fence: with few left to sort, the planner would read all that the receiver ever got.
                    OFFSET 0
                ) AS lately
                WHERE lately.actor_id = g.actor_id AND lately.type = g.type
                LIMIT $4::integer
            ) AS told
        )::integer
    END AS told
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS g (receiver_id, actor_id, type, place);

-- name: hold_notices(receiver_ids, actor_ids, types, entity_types, entity_ids, once_keys) :exec
-- Keep for later what would be told too often, in the order in which it happened; a minute after the first it is due. What
-- was told already (once_keys) is not told again.
INSERT INTO folded_notices AS h (receiver_id, actor_id, type, times, entity_type, entity_id, due_at)
SELECT
    i.receiver_id, i.actor_id, i.type, count(*), (array_agg(i.entity_type ORDER BY i.place DESC))[1],
    (array_agg(i.entity_id ORDER BY i.place DESC))[1], now() + interval '1 minute'
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[]) WITH ORDINALITY
    AS i (receiver_id, actor_id, type, entity_type, entity_id, once_key, place)
WHERE (
    SELECT true FROM notifications AS n WHERE n.receiver_id = i.receiver_id AND n.once_key = i.once_key
) IS NULL
GROUP BY i.receiver_id, i.actor_id, i.type
ORDER BY i.receiver_id, i.actor_id, i.type
ON CONFLICT ON CONSTRAINT folded_notices_pkey DO UPDATE
SET times = h.times + excluded.times, entity_type = excluded.entity_type, entity_id = excluded.entity_id;

-- name: tell_folded(most) :value
-- Emit the event of what is due; returns how many. Call it until that is 0.
WITH due AS (
    SELECT receiver_id, actor_id, type
    FROM folded_notices
    WHERE due_at <= now()
    ORDER BY receiver_id, actor_id, type
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM folded_notices AS h
    USING due
    WHERE h.receiver_id = due.receiver_id AND h.actor_id = due.actor_id AND h.type = due.type
    RETURNING h.*
)
SELECT
    count(emit(
        g.type || '.folded', g.actor_id, 'user', g.receiver_id,
        jsonb_build_object(
            'receiverId', g.receiver_id, 'times', g.times, 'entityType', g.entity_type, 'entityId', g.entity_id
        ),
        '{}'
    ))
FROM gone AS g;

-- name: render_notifications(ids) :many
-- Notifications as their receivers see them now.
SELECT i.*, ARRAY['user:' || i."_receiverId"] AS "_rooms"
FROM notification_lines AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_unread_counts(user_ids) :many
-- The exact unread count of several people.
SELECT user_id, unread FROM notification_counters WHERE user_id = ANY($1::uuid[]);

-- name: get_unread_count(user_id) :value
-- One person's unread count; NULL where nothing was ever sent.
SELECT unread FROM notification_counters WHERE user_id = $1;

-- name: lock_counter(user_id) :value
-- Before a change of one's notifications that takes several statements. Changes of one inbox take turns: none is computed
-- from a count that is out of date, and none holds a notification while it waits for the count.
SELECT unread FROM notification_counters WHERE user_id = $1 FOR UPDATE;

-- name: update_notification(user_id, notification_id, is_read, seen, archived, snoozed_until, wakes, context) :one
-- Change what is not NULL, counts and group with it, and emit the event; what is so already changes nothing. `wakes` ends a
-- snooze. The counter is locked first, then the notification, which is read as it is by then. No row where it is not the user's,
-- or in notifications_archive (restore_notification).
-- What is read is seen. One that is snoozed leaves its group and is not archived; an archived one is not snoozed; one that
-- wakes is unread, unless it is read at the same time, and stands on top.
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
    -- Fenced, so that other kinds look for no lead.
    SELECT f.id FROM find_lead(n.entity_id, n.receiver_id) AS f WHERE n.entity_type = 'lead' OFFSET 0
) AS l ON true;

-- name: restore_notification(user_id, notification_id) :exec
-- Back from notifications_archive, before a change of it: archived still, so that no count and no group changes.
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
    -- It may have been told again since.
    CASE
        WHEN NOT EXISTS (SELECT FROM notifications AS n WHERE n.receiver_id = b.receiver_id AND n.once_key = b.once_key)
            THEN b.once_key
    END,
    b.is_read, b.read_at, b.seen_at, b.archived_at, b.created_at, b.updated_at, b.variant, b.entity_type, b.entity_id, b.params,
    b.position, (SELECT g.id FROM notification_groups AS g WHERE g.id = b.group_id), b.snoozed_until, b.why, b.plan
FROM back AS b;

-- name: delete_notification(user_id, notification_id, context) :value
-- Remove one of the receiver's own, count it off where it was listed, and emit the event. True where there was one.
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
-- Mark what is unread before a position (or the id of a notification) and a time as read; its groups take nothing in any more.
-- As in all that follow which change many: the counter is locked (lock_counter), in a statement of its own, so that what was
-- delivered before is seen here. Returns how many changed, when, how far the room had come (what is numbered behind that was not
-- there yet), and the place of the newest that changed: all up to it that are meant have changed.
WITH changed AS (
    UPDATE notifications AS n
    SET is_read = true, read_at = now(), seen_at = coalesce(seen_at, now()), updated_at = now()
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
    (SELECT count(*)::integer FROM changed) AS updated, now() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: read_group(user_id, group_id, up_to) :one
-- The same with the members of one group up to a position. No row where the group is not the user's.
WITH own AS MATERIALIZED (
    SELECT g.id FROM notification_groups AS g WHERE g.id = $2 AND g.receiver_id = $1
),
changed AS (
    UPDATE notifications AS n
    SET is_read = true, read_at = now(), seen_at = coalesce(seen_at, now()), updated_at = now()
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
    (SELECT count(*)::integer FROM changed) AS updated, now() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to
FROM own;

-- name: see_all(user_id, before, before_time) :one!
-- Mark what is listed before a position and a time as seen. What is read is seen, so that the unread ones are all.
WITH changed AS (
    UPDATE notifications AS n
    SET seen_at = now(), updated_at = now()
    WHERE n.receiver_id = $1 AND n.is_unread AND n.seen_at IS NULL
        AND n.position < (SELECT find_position($1, $2)) AND n.created_at < $3
    RETURNING n.position
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated, now() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: archive_all(user_id, before, before_time, only_read) :one!
-- Archive what is listed before a position and a time, or of that what is read.
WITH changed AS (
    UPDATE notifications AS n
    SET archived_at = now(), updated_at = now()
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
    (SELECT count(*)::integer FROM changed) AS updated, now() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to;

-- name: archive_group(user_id, group_id, up_to) :one
-- Archive the members of one group up to a position. No row where the group is not the user's.
WITH own AS MATERIALIZED (
    SELECT g.id FROM notification_groups AS g WHERE g.id = $2 AND g.receiver_id = $1
),
changed AS (
    UPDATE notifications AS n
    SET archived_at = now(), updated_at = now()
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
    (SELECT count(*)::integer FROM changed) AS updated, now() AS at,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through,
    (SELECT position FROM changed ORDER BY position DESC LIMIT 1) AS up_to
FROM own;

-- name: list_sleepers(most) :many
-- Whose notifications are to wake: the receivers of those that have been due the longest.
SELECT DISTINCT d.receiver_id
FROM (
    SELECT n.receiver_id FROM notifications AS n WHERE n.snoozed_until <= now() ORDER BY n.snoozed_until LIMIT $1
) AS d
ORDER BY d.receiver_id;

-- name: take_counters(user_ids) :exec
-- The counters of several people, in order, before a change of their notifications.
SELECT FROM notification_counters WHERE user_id = ANY($1::uuid[]) ORDER BY user_id FOR UPDATE;

-- name: wake_notifications(user_ids, most) :value
-- Up to so many that are due, of people whose counters are taken: unread, on top, by themselves. Emits an event for each;
-- returns how many.
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
-- The people behind `after`, in order; `user_id` is NULL but for those who have notifications that came, or woke, so long ago and
-- are read or archived.
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
-- Move the oldest notifications that came so long ago and are read or archived to notifications_archive, of each of these people, whose
-- counters are taken, up to so many of each kind. Where lists changed it emits an event: all that are read and stand up to
-- `upTo` have left the list. Returns how many moved.
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
        id, receiver_id, event_id, actor_id, type, once_key, is_read, read_at, seen_at, coalesce(archived_at, now()), created_at,
        CASE WHEN archived_at IS NULL THEN now() ELSE updated_at END, variant, entity_type, entity_id, params, position,
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
                'updated', t.updated, 'upTo', t.up_to, 'at', to_json(now()),
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
-- What retention or its receiver archived more than a year ago; returns how many. Call it until that is less than `most`.
WITH gone AS (
    DELETE FROM notifications_archive
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM notifications_archive WHERE archived_at < now() - interval '1 year' ORDER BY archived_at LIMIT $1))
        AND archived_at < now() - interval '1 year'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_old_groups(most) :value
-- Groups whose last member is gone; returns how many. Call it until that is less than `most`. Nothing joins one that is days old.
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
-- Everything a person was told, and the count; and what is held back of it, or of what they would tell.
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
