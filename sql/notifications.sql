-- Notifications: what people are told, and how many of it they have not read.

-- name: decide(receiver_ids, event_ids, once_keys) :many
-- Who of those that an event might be told to are told: who is active, and was not told before.
-- Events that share a once_key are of one entity, and so in one lane: nobody tells the same at the same time.
SELECT i.place::integer
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS i (receiver_id, event_id, once_key, place)
INNER JOIN users AS r ON r.id = i.receiver_id AND r.status = 'active'
WHERE
    NOT EXISTS (SELECT FROM notifications AS n WHERE n.receiver_id = i.receiver_id AND n.event_id = i.event_id)
    AND NOT EXISTS (SELECT FROM notifications AS n WHERE n.receiver_id = i.receiver_id AND n.once_key = i.once_key)
ORDER BY i.place;

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
-- `rooms` on). Returns all frames with their numbers. Whoever was told the same before is not among the receivers (`decide`),
-- and their counters are locked (`lock_counters`).
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
    RETURNING room, seq, event, entity_type, entity_id, data, members
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread + w.added
    FROM (SELECT receiver_id, count(*) AS added FROM written GROUP BY receiver_id) AS w
    WHERE c.user_id = w.receiver_id
)
SELECT room, seq, event, entity_type, entity_id, data, members
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

-- name: list_all(user_id, before, most) :many
-- Notifications that are not archived, the newest first, before a position. One statement is one snapshot: each row has the
-- count and the position in the stream that belong to the list. Where there is no row, ask list_filtered.
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

-- name: list_filtered(user_id, before, unread, archived, types, most) :many
-- Any other mix of filters; NULL leaves one out. Rare, so one statement serves them all: the walk along the receiver's
-- index stays, the filters drop rows on the way. A list without rows is one row without an id.
SELECT
    coalesce((SELECT unread FROM notification_counters WHERE user_id = $1), 0) AS "_unread",
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS "_seq",
    found.*
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT i.*
    FROM notification_lines AS i
    WHERE i."_receiverId" = $1
        AND i.position < $2
        AND ($3::boolean IS NULL OR i."isRead" = NOT $3)
        AND i."snoozedUntil" IS NULL
        AND (i."archivedAt" IS NOT NULL) = $4::boolean
        AND ($5::text[] IS NULL OR i.type = ANY($5))
    ORDER BY i.position DESC
    LIMIT $6
) AS found ON true;

-- name: lock_counter(user_id) :value
-- Before a change of one's notifications that takes several statements. Changes of one inbox take turns: none is computed
-- from a count that is out of date, and none holds a notification while it waits for the count.
SELECT unread FROM notification_counters WHERE user_id = $1 FOR UPDATE;

-- name: update_notification(user_id, notification_id, is_read, archived, seen, context) :one
-- Change what is not NULL, the unread count with it, and emit the event; what is so already changes nothing. The counter
-- is locked first, then the notification, which is read as it is by then. No row where it is not the user's.
WITH counter AS MATERIALIZED (
    SELECT user_id, unread FROM notification_counters WHERE user_id = $1 FOR UPDATE
),
old AS MATERIALIZED (
    SELECT n.*, NOT n.is_read AND n.archived_at IS NULL AS was_unread
    FROM notifications AS n
    WHERE n.id = $2 AND n.receiver_id = (SELECT user_id FROM counter)
    FOR UPDATE
),
wanted AS (
    SELECT
        o.id,
        coalesce($3, o.is_read) AS is_read,
        CASE WHEN $3 THEN coalesce(o.read_at, now()) WHEN NOT $3 THEN NULL ELSE o.read_at END AS read_at,
        CASE WHEN $4 THEN coalesce(o.archived_at, now()) WHEN NOT $4 THEN NULL ELSE o.archived_at END AS archived_at,
        CASE WHEN $5 OR $3 THEN coalesce(o.seen_at, now()) WHEN NOT $5 THEN NULL ELSE o.seen_at END AS seen_at
    FROM old AS o
),
changed AS (
    UPDATE notifications AS n
    SET
        is_read = w.is_read, read_at = w.read_at, archived_at = w.archived_at, seen_at = w.seen_at, updated_at = now()
    FROM wanted AS w
    INNER JOIN old AS o ON o.id = w.id
    WHERE n.id = w.id
        AND (o.is_read, o.read_at, o.archived_at, o.seen_at)
        IS DISTINCT FROM (w.is_read, w.read_at, w.archived_at, w.seen_at)
    RETURNING n.*, o.was_unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = counter.unread + (NOT n.is_read AND n.archived_at IS NULL)::integer - n.was_unread::integer
    FROM changed AS n
    CROSS JOIN counter
    WHERE c.user_id = $1 AND (NOT n.is_read AND n.archived_at IS NULL) <> n.was_unread
)
SELECT
    n.receiver_id AS "_receiverId", n.id, n.type, n.variant AS "_variant", nullif(n.params, '{}') AS "_params",
    e.excerpt AS "_excerpt", e.beginning AS "_beginning", n.is_read AS "isRead", n.seen_at AS "seenAt", n.archived_at AS "archivedAt",
    a.id AS "_actorId", a.username AS "_username", a.first_name AS "_firstName", a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    n.entity_type AS "_entityType",
    CASE WHEN e.found THEN coalesce(l.id, n.entity_id) END AS "_entityId",
    e.post_id AS "postId", l.id AS "relatedLeadId", n.created_at AS "createdAt", n.updated_at AS "updatedAt",
    CASE WHEN n.changed THEN emit('notification.updated', $1, 'notification', n.id, '{}', $6, $1) END AS "_eventId"
FROM (
    SELECT o.*, false AS changed FROM old AS o WHERE NOT EXISTS (SELECT FROM changed)
    UNION ALL
    SELECT c.*, true FROM changed AS c
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

-- name: delete_notification(user_id, notification_id, context) :value
-- Remove one of the receiver's own, count it off where it was unread, and emit the event. True where there was one.
WITH counter AS MATERIALIZED (
    SELECT user_id, unread FROM notification_counters WHERE user_id = $1 FOR UPDATE
),
old AS MATERIALIZED (
    SELECT n.id, NOT n.is_read AND n.archived_at IS NULL AS unread
    FROM notifications AS n
    WHERE n.id = $2 AND n.receiver_id = (SELECT user_id FROM counter)
    FOR UPDATE
),
gone AS (
    DELETE FROM notifications AS n USING old WHERE n.id = old.id
    RETURNING n.id, old.unread
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = counter.unread - 1
    FROM gone
    CROSS JOIN counter
    WHERE c.user_id = $1 AND gone.unread
)
SELECT emit('notification.deleted', $1, 'notification', gone.id, '{}', $3, $1) IS NOT NULL FROM gone;

-- name: read_all(user_id, before, before_time) :one!
-- Mark what is unread before an id and a time as read; returns how many that were, and how far the room had come: what is
-- numbered behind that was not there yet. The counter is locked (lock_counter), in a statement of its own: what was delivered
-- before is seen here.
WITH changed AS (
    UPDATE notifications
    SET is_read = true, read_at = now(), seen_at = coalesce(seen_at, now()), updated_at = now()
    WHERE receiver_id = $1 AND NOT is_read AND archived_at IS NULL AND id < $2 AND created_at < $3
    RETURNING id
),
counted AS (
    UPDATE notification_counters AS c
    SET unread = c.unread - (SELECT count(*) FROM changed)
    WHERE c.user_id = $1
)
SELECT
    (SELECT count(*)::integer FROM changed) AS updated,
    coalesce((SELECT last_seq FROM rooms WHERE name = 'user:' || $1::text), 0) AS through;

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
-- Everything somebody was told, and the count of it; and what is held back of it, or of what they would tell.
WITH gone AS (
    DELETE FROM notifications WHERE receiver_id = $1
),
held AS (
    DELETE FROM folded_notices WHERE receiver_id = $1 OR actor_id = $1
)
DELETE FROM notification_counters WHERE user_id = $1;

-- name: export_notifications(user_id) :many
-- What a person was told: of what others wrote and are called only ids, as an export outlives their deletion.
SELECT
    n.id, n.type, n.is_read AS "isRead", n.seen_at AS "seenAt", n.archived_at AS "archivedAt", n.created_at AS "createdAt",
    CASE WHEN n.entity_id IS NOT NULL THEN json_build_object('type', n.entity_type, 'id', n.entity_id) END AS entity,
    n.actor_id AS "actorId"
FROM notifications AS n
WHERE n.receiver_id = $1
ORDER BY n.id;
