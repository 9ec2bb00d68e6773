-- Notifying users: what workers write for events, and for notices that were folded; and audiences, part by part.

-- name: count_told(user_ids, added) :exec
-- Lock the receivers' counters in id order and add what `deliver` writes in the same transaction. Run it before their groups
-- and rooms are locked: every change of an inbox follows this order.
INSERT INTO notification_counters AS c (user_id, unread)
SELECT i.user_id, i.added
FROM unnest($1::uuid[], $2::integer[]) AS i (user_id, added)
ORDER BY i.user_id
ON CONFLICT ON CONSTRAINT notification_counters_pkey DO UPDATE SET unread = c.unread + excluded.unread;

-- name: join_groups(receiver_ids, keys) :many
-- The group that each of these notifications joins, in array order: the open group of its key, or a new one. A group takes no
-- more members after a day, or at 100. The caller has locked the counters; `deliver` counts the new members.
-- OFFSET 0 and the array make a cached generic plan from when the table was small use the indexes, too.
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
    CROSS JOIN LATERAL (
        SELECT o.*
        FROM notification_groups AS o
        WHERE o.receiver_id = w.receiver_id AND o.key = w.key AND o.closed_at IS NULL
        OFFSET 0
    ) AS g
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
    WHERE g.id = ANY(ARRAY(SELECT DISTINCT p.open_id FROM placed AS p WHERE p.total >= 100))
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
    -- Waits for the CTE that closes the old groups: only one group of a key may be open.
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
-- Write what a batch of events results in: notifications with their frames and groups, and the frames of other rooms
-- (parameters from `rooms` on). Returns all frames with their numbers. Receivers who were notified of the same before are
-- already left out (`decide` in preferences.sql), and the counters already include these notifications (`count_told`).
-- The statement that increases a room's number locks its row until commit, so that numbers have no gaps and follow the order of
-- commits. Counters are locked before rooms, both in order, so that two workers do not deadlock.
-- Notifications come after the other frames of their room, which concern earlier ones.
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
    -- Every group exists, and the lock on its receiver's counter keeps it from being deleted. An UPDATE would need a join, and
    -- a cached plan from when there were few groups would read all of them for each row.
    INSERT INTO notification_groups AS g (id, receiver_id, key, position, size, members, unread)
    SELECT w.group_id, w.receiver_id, '', max(w.id::text)::uuid, count(*), count(*), count(*)
    FROM written AS w
    WHERE w.group_id IS NOT NULL
    GROUP BY w.group_id, w.receiver_id
    ON CONFLICT ON CONSTRAINT notification_groups_pkey DO UPDATE
    SET
        size = g.size + excluded.size, members = g.members + excluded.members, unread = g.unread + excluded.unread,
        position = greatest(g.position, excluded.position)
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
)
SELECT room, seq, event_id, event, entity_type, entity_id, data, members
FROM stored
ORDER BY room, seq;

-- name: count_lately(receiver_ids, actor_ids, types, most) :many
-- The number of notifications of each type that each actor caused for each receiver in the last minute, up to `most`; also
-- `most` if some are already folded. One row for each array position.
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
                    -- OFFSET 0: if few rows remained to be sorted, the planner would read all of the receiver's notifications.
                    OFFSET 0
                ) AS lately
                WHERE lately.actor_id = g.actor_id AND lately.type = g.type
                LIMIT $4::integer
            ) AS told
        )::integer
    END AS told
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS g (receiver_id, actor_id, type, place);

-- name: hold_notices(receiver_ids, actor_ids, types, entity_types, entity_ids, once_keys) :exec
-- Fold notices that would be too frequent, in array order; they are due a minute after the first one. Skips those that the
-- receiver was already notified of (`once_keys`).
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
-- Emit an event for each folded notice that is due, and delete it; returns the number of rows. Call it until it is 0.
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

-- name: list_concerned_after(post_id, after, most) :many
-- The users concerned by a project, after an id: its author, its assignee, and the users interested in it; one part of the
-- audience.
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
-- The active users after an id; one part of the audience.
SELECT id AS receiver_id
FROM users
WHERE id > $1 AND status = 'active'
ORDER BY id
LIMIT $2;
