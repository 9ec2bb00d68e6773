-- Uploads. A row is inserted before its file goes to the store (reserve_upload), becomes visible once the file is there
-- (finish_upload), and is deleted after the file has been deleted (drop_upload), so that no file is ever without a row.
-- Statements that set removed_at blank the stored responses that show the upload; their keys stay, so that a retry does not
-- create it again.

-- name: take_turn(owner_id) :exec
-- Take the user's advisory lock until the transaction ends, so that of two files that would exceed the limits only together,
-- one is refused.
SELECT pg_advisory_xact_lock(x'66696c65'::integer, hashtext($1::uuid::text));

-- name: measure_owner(owner_id) :one!
-- A user's total bytes, number of uploads in the last hour, and the seconds until the oldest of these is more than an hour old.
SELECT
    coalesce(sum(u.bytes), 0)::bigint AS bytes,
    count(*) FILTER (WHERE u.created_at > now() - interval '1 hour') AS recent,
    extract(epoch FROM min(u.created_at) FILTER (WHERE u.created_at > now() - interval '1 hour') - (now() - interval '1 hour'))::integer
        AS wait
FROM uploads AS u
WHERE u.owner_id = $1 AND u.removed_at IS NULL;

-- name: reserve_upload(owner_id, store, store_key, name, type, bytes, width, height, charset, alt) :value
-- Insert the row of a file on its way to the store; returns its id.
INSERT INTO uploads (owner_id, store, store_key, name, type, bytes, width, height, charset, alt, url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')
RETURNING id;

-- name: finish_upload(upload_id, url, thumbnail_url) :one
-- Mark a file as stored, and queue an image that has no thumbnail. No row if the upload has been removed, as it is if it takes
-- more than an hour.
WITH finished AS (
    UPDATE uploads
    SET arrived_at = now(), url = $2, thumbnail_url = $3
    WHERE id = $1 AND arrived_at IS NULL AND removed_at IS NULL
    RETURNING id, name, type, bytes, width, height, alt, url, thumbnail_url, created_at
),
queued AS (
    INSERT INTO thumbnail_queue (upload_id)
    SELECT id FROM finished WHERE thumbnail_url IS NULL AND width IS NOT NULL
)
SELECT
    id, name, type, bytes, width, height, alt, url, thumbnail_url AS "thumbnailUrl", created_at AS "createdAt"
FROM finished;

-- name: confirm_upload(upload_id, name, type, bytes, width, height, alt) :exec
-- Set the properties that the store reports of a file that the client sent there directly.
UPDATE uploads
SET name = $2, type = $3, bytes = $4, width = $5, height = $6, alt = $7
WHERE id = $1 AND arrived_at IS NULL AND removed_at IS NULL;

-- name: describe_upload(upload_id, alt) :exec
-- Set the alternative text of an image; NULL for none.
UPDATE uploads SET alt = $2 WHERE id = $1 AND arrived_at IS NOT NULL AND removed_at IS NULL;

-- name: get_upload(upload_id, viewer_id, reads_tasks, sees_all, reads_messages) :one
-- One upload, for its owner and for users who may see its post, task or message; task and message only with `reads_tasks` and
-- `reads_messages`. `_isSent`: a message uses it.
SELECT
    u.id, u.name, u.type, u.bytes, u.width, u.height, u.alt, u.url, u.thumbnail_url AS "thumbnailUrl",
    u.created_at AS "createdAt", u.owner_id AS "_ownerId", u.post_id AS "_postId",
    u.task_id AS "_taskId", is_avatar(u) AS "_isAvatar", u.message_id IS NOT NULL AS "_isSent"
FROM uploads AS u
LEFT JOIN posts AS p ON p.id = u.post_id
WHERE u.id = $1
    AND u.arrived_at IS NOT NULL
    AND u.removed_at IS NULL
    AND (
        u.owner_id = $2
        OR (p.id IS NOT NULL AND shown_to(p, $2))
        OR ($3 AND (SELECT true FROM visible_tasks($2, $4) AS t WHERE t.id = u.task_id))
        OR ($5 AND (SELECT true FROM describe_message(u.message_id, $2)))
    );

-- name: find_picture(owner_id, store_key, is_thumbnail) :value
-- The URL of a user's image in the local store, or of its thumbnail; NULL if they have no image with this key.
SELECT CASE WHEN $3::boolean THEN u.thumbnail_url ELSE u.url END
FROM uploads AS u
WHERE u.store_key = $2
    AND u.store = 'local'
    AND u.owner_id = $1
    AND u.width IS NOT NULL
    AND u.arrived_at IS NOT NULL
    AND u.removed_at IS NULL;

-- name: get_reservation(owner_id, store_key) :one
-- A user's permission to send a file to a store directly, and whether it is still open.
SELECT id, name, arrived_at IS NULL AND removed_at IS NULL AS waiting
FROM uploads
WHERE owner_id = $1 AND store_key = $2 AND store = 'cloudinary';

-- name: count_loose(owner_id, most) :value
-- The number of a user's files that are not attached to a post, task or message, including those on their way; counted up to
-- `most`.
SELECT count(*)
FROM (
    SELECT
    FROM uploads
    WHERE owner_id = $1 AND post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL
    LIMIT $2
) AS loose;

-- name: get_media(store_key) :one
-- The properties of a file of the local store that may be served.
SELECT name, type, charset
FROM uploads
WHERE store_key = $1 AND store = 'local' AND arrived_at IS NOT NULL AND removed_at IS NULL;

-- name: lock_uploads(post_id, task_id, upload_ids) :many
-- Lock the uploads of a post or task (the other id is NULL) and those to be attached, in id order.
SELECT id
FROM uploads
WHERE post_id = $1 OR task_id = $2 OR id = ANY($3::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: take_off_uploads(post_id, task_ids, but_ids) :exec
-- Mark the uploads of a post or of tasks as removed, except `but_ids`. A file that is its owner's profile picture is only
-- detached. Tasks do not show removed uploads.
WITH removed AS (
    UPDATE uploads AS u
    SET
        removed_at = CASE WHEN is_avatar(u) THEN NULL ELSE now() END,
        post_id = CASE WHEN is_avatar(u) THEN NULL ELSE u.post_id END,
        task_id = NULL
    WHERE (u.post_id = $1 OR u.task_id = ANY($2::uuid[])) AND u.removed_at IS NULL AND NOT (u.id = ANY($3::uuid[]))
    RETURNING u.id
)
UPDATE idempotency_keys AS k SET body = NULL, location = NULL
FROM removed
WHERE k.entity_id = removed.id;

-- name: attach_uploads(post_id, task_id, owner_id, upload_ids) :many
-- Attach uploads to a post or task (the other id is NULL) in this order; returns those that could be attached: free uploads of
-- the owner, and those already on the task, whoever owns them, since several users change a task.
UPDATE uploads AS u
SET post_id = $1, task_id = $2, position = wanted.place
FROM unnest($4::uuid[]) WITH ORDINALITY AS wanted (id, place)
WHERE u.id = wanted.id
    AND u.arrived_at IS NOT NULL
    AND u.removed_at IS NULL
    AND (
        u.task_id = $2
        OR (u.owner_id = $3 AND u.task_id IS NULL AND u.message_id IS NULL AND (u.post_id IS NULL OR u.post_id = $1))
    )
RETURNING u.id;

-- name: attach_to_message(message_id, owner_id, upload_ids) :many
-- Attach uploads to a new message in this order; returns those that could be attached: free uploads of the owner.
WITH free AS MATERIALIZED (
    SELECT u.id, wanted.place
    FROM unnest($3::uuid[]) WITH ORDINALITY AS wanted (id, place)
    INNER JOIN uploads AS u ON u.id = wanted.id
    WHERE u.owner_id = $2
        AND u.post_id IS NULL
        AND u.task_id IS NULL
        AND u.message_id IS NULL
        AND u.arrived_at IS NOT NULL
        AND u.removed_at IS NULL
    ORDER BY u.id
    FOR NO KEY UPDATE OF u
)
UPDATE uploads AS u
SET message_id = $1, position = free.place
FROM free
WHERE u.id = free.id
RETURNING u.id;

-- name: take_off_message(message_id) :exec
-- Mark the uploads of a message as removed. A file that is its owner's profile picture is only detached.
WITH removed AS (
    UPDATE uploads AS u
    SET removed_at = CASE WHEN is_avatar(u) THEN NULL ELSE now() END, message_id = NULL
    WHERE u.message_id = $1 AND u.removed_at IS NULL
    RETURNING u.id
)
UPDATE idempotency_keys AS k SET body = NULL, location = NULL
FROM removed
WHERE k.entity_id = removed.id;

-- name: remove_upload(upload_id, post_id, task_id) :value
-- Mark an upload as removed; a worker deletes its file. NULL if it is already removed, is no longer on this post and task
-- (NULL: on none), or is part of a message.
WITH removed AS (
    UPDATE uploads SET removed_at = now()
    WHERE id = $1
        AND message_id IS NULL
        AND post_id IS NOT DISTINCT FROM $2
        AND task_id IS NOT DISTINCT FROM $3
        AND removed_at IS NULL
    RETURNING id
),
blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    FROM removed
    WHERE k.entity_id = removed.id
)
SELECT id FROM removed;

-- name: remove_unfinished(upload_ids) :exec
-- Mark uploads as removed unless they are finished by now: the caller may not know whether its transaction was committed.
WITH removed AS (
    UPDATE uploads SET removed_at = now()
    WHERE id = ANY($1::uuid[]) AND arrived_at IS NULL AND removed_at IS NULL
    RETURNING id
)
UPDATE idempotency_keys AS k SET body = NULL, location = NULL
FROM removed
WHERE k.entity_id = removed.id;

-- name: remove_loose(user_id) :exec
-- Mark the unattached uploads of a user who leaves as removed; all of the user's stored responses are deleted elsewhere.
UPDATE uploads SET removed_at = now()
WHERE owner_id = $1 AND post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL;

-- name: remove_stale_uploads() :exec
-- Mark uploads as removed that nobody attached to a post, task, message or profile within a day, and those that did not arrive
-- within an hour. SKIP LOCKED: an upload that is just being attached is skipped, and no deadlock is possible with transactions
-- that lock several in order.
WITH removed AS (
    UPDATE uploads AS u SET removed_at = now()
    FROM (
        SELECT f.id
        FROM uploads AS f
        WHERE f.post_id IS NULL
            AND f.task_id IS NULL
            AND f.message_id IS NULL
            AND f.removed_at IS NULL
            AND f.created_at < now() - interval '1 hour'
            AND (f.arrived_at IS NULL OR f.created_at < now() - interval '24 hours')
            AND NOT is_avatar(f)
        FOR UPDATE SKIP LOCKED
    ) AS stale
    WHERE u.id = stale.id
    RETURNING u.id
)
UPDATE idempotency_keys AS k SET body = NULL, location = NULL
FROM removed
WHERE k.entity_id = removed.id;

-- name: claim_removed(seconds, most) :many
-- Claim removed uploads whose files are to be deleted from the store, for `seconds`.
UPDATE uploads AS u
SET removed_at = now() + make_interval(secs => $1::integer)
FROM (
    SELECT id FROM uploads WHERE removed_at <= now() ORDER BY removed_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS due
WHERE u.id = due.id
RETURNING u.id, u.store, u.store_key, u.type;

-- name: drop_upload(upload_id) :exec
-- Delete the row of an upload whose file is deleted from the store. At Cloudinary the file may appear again: a browser's
-- signature is valid for an hour, and an abandoned request may still be sending. There the file is deleted once more, two hours
-- after the upload was created.
WITH dropped AS (
    DELETE FROM uploads
    WHERE id = $1
        AND removed_at IS NOT NULL
        AND (store <> 'cloudinary' OR created_at < now() - interval '2 hours')
)
UPDATE uploads SET removed_at = created_at + interval '2 hours'
WHERE id = $1
    AND removed_at IS NOT NULL
    AND store = 'cloudinary'
    AND created_at >= now() - interval '2 hours';

-- name: list_known_keys(store_keys) :many
-- The keys among these that have a row in the local store.
SELECT store_key FROM uploads WHERE store_key = ANY($1::text[]) AND store = 'local';

-- name: claim_thumbnail(seconds) :one
-- Claim an image that needs a thumbnail, for `seconds`.
WITH due AS (
    SELECT upload_id FROM thumbnail_queue WHERE next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE thumbnail_queue AS q
    SET next_at = now() + make_interval(secs => $1::integer), attempts = q.attempts + 1
    FROM due
    WHERE q.upload_id = due.upload_id
    RETURNING q.upload_id, q.attempts
)
SELECT u.id, u.store_key, c.attempts FROM claimed AS c INNER JOIN uploads AS u ON u.id = c.upload_id;

-- name: set_thumbnail(upload_id, thumbnail_url) :one
-- Store the thumbnail; returns the post, task or message that shows it. No row if the upload has been removed meanwhile.
WITH taken AS (
    DELETE FROM thumbnail_queue WHERE upload_id = $1
    RETURNING upload_id
)
UPDATE uploads AS u
SET thumbnail_url = $2
FROM taken
WHERE u.id = taken.upload_id AND u.removed_at IS NULL
RETURNING u.post_id, u.task_id, u.message_id, u.owner_id;

-- name: forgive_thumbnail(upload_id) :exec
-- Do not count the last attempt.
UPDATE thumbnail_queue SET attempts = attempts - 1 WHERE upload_id = $1;

-- name: give_up_thumbnail(upload_id) :exec
-- Give up the thumbnail of an image that none can be made of.
DELETE FROM thumbnail_queue WHERE upload_id = $1;

-- name: export_uploads(user_id) :many
-- A user's uploads, for their export.
SELECT
    f.id, f.post_id AS "postId", f.task_id AS "taskId", f.message_id AS "messageId", f.name, f.type, f.bytes, f.width, f.height, f.alt, f.url, f.thumbnail_url AS "thumbnailUrl",
    f.created_at AS "createdAt"
FROM uploads AS f
WHERE f.owner_id = $1 AND f.arrived_at IS NOT NULL AND f.removed_at IS NULL
ORDER BY f.id;
