-- Rooms and their numbered frames: written by the workers with `deliver` in sql/telling.sql, and read by every web node.

-- name: get_room(name) :one
-- The newest and the oldest available frame number of a room.
SELECT last_seq, min_seq FROM rooms WHERE name = $1;

-- name: read_frames(room, after, most) :many
-- The frames of a room after a number, in order.
SELECT room, seq, event, entity_type, entity_id, data, members
FROM room_frames
WHERE room = $1 AND seq > $2
ORDER BY seq
LIMIT $3;

-- name: list_positions(names) :many
-- The newest frame numbers of these rooms, to find out what Redis lost.
SELECT name, last_seq FROM rooms WHERE name = ANY($1::text[]);

-- name: read_missing(names, afters, most) :many
-- The frames of several rooms that a node has not seen yet, at most `most` of each room.
SELECT missing.*
FROM unnest($1::text[], $2::bigint[]) AS behind (name, after)
CROSS JOIN LATERAL (
    SELECT f.room, f.seq, f.event, f.entity_type, f.entity_id, f.data, f.members
    FROM room_frames AS f
    WHERE f.room = behind.name AND f.seq > behind.after
    ORDER BY f.seq
    LIMIT $3
) AS missing
ORDER BY missing.room, missing.seq;

-- name: get_epoch() :value
-- Identifies the origin of the frame numbers. It changes with another cluster, with a promoted replica, and with a backup
-- restored into this cluster (its database or its table `rooms` is new, or was truncated).
SELECT
    c.system_identifier || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    || ':' || d.oid || ':' || pg_relation_filenode('rooms')
FROM pg_control_system() AS c
CROSS JOIN pg_database AS d
WHERE d.datname = current_database();

-- name: record_ack(session_id, room, seq) :exec
-- Record up to which frame a device has shown a room.
INSERT INTO room_acks AS a (session_id, room, seq)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT room_acks_pkey DO UPDATE
SET seq = excluded.seq, acked_at = now()
WHERE a.seq < excluded.seq;

-- name: delete_old_frames(days, most) :value
-- Delete frames older than `days` days, except the last 100 of each room, and move min_seq of the room. Rooms are locked in
-- name order, as workers lock them. Returns the number of rows; call it until it is 0.
WITH full_rooms AS (
    SELECT r.name, r.min_seq, r.last_seq
    FROM rooms AS r
    -- A scalar subquery: for EXISTS the planner would read all frames at every call.
    WHERE
        r.last_seq - r.min_seq >= 100
        AND (
            SELECT f.created_at FROM room_frames AS f WHERE f.room = r.name AND f.seq = r.min_seq
        ) < now() - make_interval(days => $1)
    ORDER BY r.name
    LIMIT 100
    FOR UPDATE OF r
),
gone AS (
    DELETE FROM room_frames AS f
    USING full_rooms AS r
    WHERE
        f.room = r.name
        AND f.seq >= r.min_seq
        AND f.seq <= least(r.last_seq - 100, r.min_seq + $2)
        AND f.created_at < now() - make_interval(days => $1)
    RETURNING f.room, f.seq
),
moved AS (
    UPDATE rooms AS r
    SET min_seq = greatest(r.min_seq, tops.seq + 1)
    FROM (SELECT room, max(seq) AS seq FROM gone GROUP BY room) AS tops
    WHERE r.name = tops.room
)
SELECT count(*) FROM gone;

-- name: delete_frames(rooms) :exec
-- Delete the frames of these rooms: the own rooms of users who have left.
DELETE FROM room_frames WHERE room = ANY($1::text[]);
