-- Rooms and their numbered frames: written by the workers, read by every web node.

-- name: create_rooms(names) :exec
-- Rooms that have no row yet. Ordered, so that two workers cannot wait for each other.
INSERT INTO rooms (name)
SELECT name
FROM unnest($1::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM rooms WHERE rooms.name = wanted.name)
ORDER BY name
ON CONFLICT ON CONSTRAINT rooms_pkey DO NOTHING;

-- name: lock_rooms(names) :many
-- The right to number frames, room by room in name order. A statement of its own: the next one then
-- sees everything that was committed before these locks were granted.
SELECT name, last_seq
FROM rooms
WHERE name = ANY($1::text[])
ORDER BY name
FOR UPDATE;

-- name: append_frames(rooms, seqs, event_ids, frames, names, last_seqs) :exec
-- Store numbered frames and how far their rooms have come.
WITH stored AS (
    INSERT INTO room_frames (room, seq, event_id, frame)
    SELECT room, seq, event_id, frame::jsonb
    FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[]) AS incoming (room, seq, event_id, frame)
)
UPDATE rooms
SET last_seq = advanced.last_seq
FROM unnest($5::text[], $6::bigint[]) AS advanced (name, last_seq)
WHERE rooms.name = advanced.name;

-- name: get_room(name) :one
-- How far a room has come, and how far back its frames are kept.
SELECT last_seq, min_seq FROM rooms WHERE name = $1;

-- name: read_frames(room, after, most) :many
-- Frames behind a position, in order.
SELECT seq, frame::text AS frame
FROM room_frames
WHERE room = $1 AND seq > $2
ORDER BY seq
LIMIT $3;

-- name: read_own_frames(room, after, most) :many
-- The same of somebody's own room. A notification whose message is empty by now, as what it tells of was deleted,
-- or that is gone itself, is shown without the text it had.
SELECT
    f.seq,
    CASE
        WHEN f.frame -> 'data' ? 'message'
            AND coalesce(
                (SELECT n.message FROM notifications AS n WHERE n.id = (f.frame -> 'data' ->> 'id')::uuid), ''
            ) = ''
            THEN jsonb_set(f.frame, '{data,message}', '""')::text
        ELSE f.frame::text
    END AS frame
FROM room_frames AS f
WHERE f.room = $1 AND f.seq > $2
ORDER BY f.seq
LIMIT $3;

-- name: list_positions(names) :many
-- How far these rooms have come: the check that finds what Redis lost.
SELECT name, last_seq FROM rooms WHERE name = ANY($1::text[]);

-- name: read_missing(names, afters, most) :many
-- Frames that a node has not seen, of many rooms at once.
SELECT behind.name, missing.seq, missing.frame
FROM unnest($1::text[], $2::bigint[]) AS behind (name, after)
CROSS JOIN LATERAL (
    SELECT f.seq, f.frame::text AS frame
    FROM room_frames AS f
    WHERE f.room = behind.name AND f.seq > behind.after
    ORDER BY f.seq
    LIMIT $3
) AS missing
ORDER BY behind.name, missing.seq;

-- name: get_epoch() :value
-- Whose numbers these are: another cluster, or a promoted replica, has another epoch.
SELECT system_identifier || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
FROM pg_control_system();

-- name: record_ack(session_id, room, seq) :exec
-- A device says how far it has shown a room.
INSERT INTO room_acks AS a (session_id, room, seq)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT room_acks_pkey DO UPDATE
SET seq = excluded.seq, acked_at = now()
WHERE a.seq < excluded.seq;

-- name: replace_frames(rooms, ids) :exec
-- Of what was edited, the newest text is the only one that is kept. Frames before it keep their numbers: the one
-- that created the thing shows it as it is now, those that changed it since have no more than its id.
WITH written AS MATERIALIZED (
    SELECT
        f.room, f.seq,
        first_value(f.frame -> 'data') OVER newest_first AS newest,
        row_number() OVER newest_first AS place
    FROM (SELECT DISTINCT room, id FROM unnest($1::text[], $2::text[]) AS e (room, id)) AS edited
    INNER JOIN room_frames AS f
        ON f.room = edited.room
        AND f.frame -> 'data' ->> 'id' = edited.id
        AND f.frame -> 'data' ? 'body'
    WINDOW newest_first AS (PARTITION BY f.room, edited.id ORDER BY f.seq DESC)
)
UPDATE room_frames AS f
SET frame = jsonb_build_object(
    'event', f.frame -> 'event',
    'data', CASE
        WHEN f.frame ->> 'event' LIKE '%:created' THEN f.frame -> 'data' || w.newest
        ELSE jsonb_strip_nulls(
            jsonb_build_object('id', f.frame -> 'data' -> 'id', 'postId', f.frame -> 'data' -> 'postId')
        )
    END
)
FROM written AS w
WHERE w.place > 1 AND f.room = w.room AND f.seq = w.seq;

-- name: blank_frames(rooms, ids) :exec
-- What was deleted is shown to nobody any more, not even to a client that reads the past: frames with its text keep
-- their numbers and say that it is gone.
UPDATE room_frames AS f
SET frame = jsonb_build_object(
    'event', regexp_replace(f.frame ->> 'event', ':(created|updated)$', ':deleted'),
    'data', jsonb_strip_nulls(jsonb_build_object('id', gone.id, 'postId', f.frame -> 'data' -> 'postId'))
)
FROM unnest($1::text[], $2::text[]) AS gone (room, id)
WHERE f.room = gone.room AND f.frame -> 'data' ->> 'id' = gone.id AND f.frame -> 'data' ? 'body';

-- name: delete_old_frames(days, most) :value
-- Drop frames over the age, but never the last 100 of a room, and note where each room begins now.
-- Rooms are locked by name, as the workers lock them. Returns how many rows went; call it until that is 0.
WITH full_rooms AS (
    SELECT r.name, r.min_seq, r.last_seq
    FROM rooms AS r
    WHERE
        r.last_seq - r.min_seq >= 100
        AND EXISTS (
            SELECT
            FROM room_frames AS f
            WHERE
                f.room = r.name
                AND f.seq = r.min_seq
                AND f.created_at < now() - make_interval(days => $1)
        )
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

-- name: list_rooms_after(after, most) :many
-- A part of all rooms, in the order of their names.
SELECT name FROM rooms WHERE name > $1 ORDER BY name LIMIT $2;

-- name: scrub_frames(rooms, user_ids) :exec
-- Frames in these rooms show people who have left as their rows do now: as authors, as assignees, as actors, and where
-- the title of a notification begins with the actor's name.
UPDATE room_frames AS f
SET frame = jsonb_set(
    f.frame,
    '{data}',
    f.frame -> 'data'
    || CASE WHEN a.id IS NOT NULL THEN jsonb_build_object('author', person(a)) ELSE '{}' END
    || CASE WHEN d.id IS NOT NULL THEN jsonb_build_object('assignee', person(d)) ELSE '{}' END
    || CASE WHEN u.id IS NOT NULL THEN jsonb_build_object(
        'actor', person(u),
        'title', replace(
            f.frame -> 'data' ->> 'title',
            coalesce(
                nullif(
                    concat_ws(
                        ' ',
                        f.frame -> 'data' -> 'actor' ->> 'firstName',
                        f.frame -> 'data' -> 'actor' ->> 'lastName'
                    ),
                    ''
                ),
                f.frame -> 'data' -> 'actor' ->> 'username'
            ),
            display_name(u)
        )
    ) ELSE '{}' END
)
FROM room_frames AS shown
LEFT JOIN users AS a ON a.id = ANY($2::uuid[]) AND a.id::text = shown.frame -> 'data' -> 'author' ->> 'id'
LEFT JOIN users AS d ON d.id = ANY($2::uuid[]) AND d.id::text = shown.frame -> 'data' -> 'assignee' ->> 'id'
LEFT JOIN users AS u ON u.id = ANY($2::uuid[]) AND u.id::text = shown.frame -> 'data' -> 'actor' ->> 'id'
WHERE shown.room = ANY($1::text[])
    AND (a.id IS NOT NULL OR d.id IS NOT NULL OR u.id IS NOT NULL)
    AND f.room = shown.room
    AND f.seq = shown.seq;

-- name: delete_frames(rooms) :exec
-- What was sent to the own rooms of people who have left.
DELETE FROM room_frames WHERE room = ANY($1::text[]);
