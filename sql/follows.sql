-- The follows between users.

-- name: follow_user(follower_id, followed_id, context) :one
-- Follow a user, and emit the event if the follow is new. No row if one of the two is not an active user. Both rows are locked,
-- so that neither user can leave meanwhile.
WITH followed AS MATERIALIZED (
    SELECT them.id
    FROM users AS them
    INNER JOIN users AS me ON me.id = $1 AND me.status = 'active'
    WHERE them.id = $2 AND them.status = 'active'
    FOR KEY SHARE
),
added AS (
    INSERT INTO follows (follower_id, followed_id)
    SELECT $1, id FROM followed
    ON CONFLICT ON CONSTRAINT follows_pkey DO NOTHING
    RETURNING followed_id
)
SELECT
    true AS following,
    CASE WHEN added.followed_id IS NOT NULL THEN emit('user.followed', $1, 'user', followed.id, '{}', $3) END
        AS "_eventId"
FROM followed
LEFT JOIN added ON added.followed_id = followed.id;

-- name: unfollow_user(follower_id, followed_id, context) :one
-- Stop following a user, and emit the event if there was a follow. No row if that user does not exist.
WITH removed AS (
    DELETE FROM follows
    WHERE follower_id = $1 AND followed_id = $2
    RETURNING followed_id
)
SELECT
    false AS following,
    CASE WHEN removed.followed_id IS NOT NULL THEN emit('user.unfollowed', $1, 'user', u.id, '{}', $3) END
        AS "_eventId"
FROM users AS u
LEFT JOIN removed ON removed.followed_id = u.id
WHERE u.id = $2;

-- name: user_exists(user_id) :value
-- Whether a user with this id exists.
SELECT EXISTS (SELECT FROM users WHERE id = $1);

-- name: list_followers(viewer_id, user_id, before, before_user, most) :many
-- The followers of a user, the latest first, before a position (time, id).
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    f.created_at AS "createdAt", f.follower_id AS "_userId"
FROM follows AS f
INNER JOIN users AS u ON u.id = f.follower_id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE f.followed_id = $2 AND (f.created_at, f.follower_id) < ($3, $4)
ORDER BY f.created_at DESC, f.follower_id DESC
LIMIT $5;

-- name: list_following(viewer_id, user_id, before, before_user, most) :many
-- The users that a user follows, the latest first, before a position (time, id).
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    f.created_at AS "createdAt", f.followed_id AS "_userId"
FROM follows AS f
INNER JOIN users AS u ON u.id = f.followed_id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE f.follower_id = $2 AND (f.created_at, f.followed_id) < ($3, $4)
ORDER BY f.created_at DESC, f.followed_id DESC
LIMIT $5;

-- name: delete_follows(user_id) :exec
-- Delete all follows by and of a user who leaves.
DELETE FROM follows WHERE follower_id = $1 OR followed_id = $1;

-- name: export_following(user_id) :many
-- The users that a user follows, for their export.
SELECT followed_id AS "userId", created_at AS "createdAt" FROM follows WHERE follower_id = $1 ORDER BY created_at;

-- name: export_followers(user_id) :many
-- The followers of a user, for their export.
SELECT follower_id AS "userId", created_at AS "createdAt" FROM follows WHERE followed_id = $1 ORDER BY created_at;
