-- Likes and interests, with their counters and score in post_stats. Each statement changes the row and the counter and emits
-- the event. The post is locked first, as it is by those that delete it.

-- name: like_post(post_id, user_id, context) :one
-- Like a post once; the counter changes only if the like is new. The lock on the post keeps it from being deleted meanwhile.
WITH post AS MATERIALIZED (
    SELECT p.id, p.author_id
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR KEY SHARE
),
added AS (
    INSERT INTO likes (post_id, user_id)
    SELECT post.id, $2 FROM post
    ON CONFLICT ON CONSTRAINT likes_pkey DO NOTHING
    RETURNING post_id
),
counted AS (
    UPDATE post_stats AS s
    SET
        like_count = s.like_count + 1,
        score = CASE WHEN s.score IS NOT NULL THEN add_heat(s.score, heat(now(), 1)) END
    FROM added
    WHERE s.post_id = added.post_id
    RETURNING s.post_id, s.like_count, s.revision
)
SELECT
    true AS liked, coalesce(counted.like_count, s.like_count) AS "likeCount",
    coalesce(counted.revision, s.revision) AS "countsVersion",
    CASE WHEN counted.post_id IS NOT NULL THEN emit(
        'post.liked', $2, 'post', post.id, jsonb_build_object('authorId', post.author_id), $3
    ) END AS "_eventId"
FROM post
INNER JOIN post_stats AS s ON s.post_id = post.id
LEFT JOIN counted ON counted.post_id = post.id;

-- name: unlike_post(post_id, user_id, context) :one
-- Remove a like; the counter changes only if there was one.
WITH post AS MATERIALIZED (
    SELECT p.id
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR KEY SHARE
),
removed AS (
    DELETE FROM likes AS l
    USING post
    WHERE l.post_id = post.id AND l.user_id = $2
    RETURNING l.post_id, l.created_at
),
counted AS (
    UPDATE post_stats AS s
    SET
        like_count = s.like_count - 1,
        score = CASE
            WHEN s.score IS NOT NULL THEN take_heat(s.score, heat(removed.created_at, 1), s.least_score)
        END
    FROM removed
    WHERE s.post_id = removed.post_id
    RETURNING s.post_id, s.like_count, s.revision
)
SELECT
    false AS liked, coalesce(counted.like_count, s.like_count) AS "likeCount",
    coalesce(counted.revision, s.revision) AS "countsVersion",
    CASE WHEN counted.post_id IS NOT NULL THEN emit('post.unliked', $2, 'post', post.id, '{}', $3) END AS "_eventId"
FROM post
INNER JOIN post_stats AS s ON s.post_id = post.id
LEFT JOIN counted ON counted.post_id = post.id;

-- name: list_likes(viewer_id, post_id, before, before_user, most) :many
-- The users who liked a post, the latest first, before a position (time, id).
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    l.created_at AS "createdAt", l.user_id AS "_userId"
FROM likes AS l
INNER JOIN users AS u ON u.id = l.user_id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE l.post_id = $2 AND (l.created_at, l.user_id) < ($3, $4)
ORDER BY l.created_at DESC, l.user_id DESC
LIMIT $5;

-- name: add_interest(post_id, user_id, context) :one
-- Register a user's interest in another user's open project; counted once. `_refusal` is the reason if that is not possible.
-- FOR SHARE keeps the post's status unchanged until the transaction ends.
WITH post AS MATERIALIZED (
    SELECT
        p.id, p.author_id,
        CASE
            WHEN p.type <> 'project' THEN 'not_a_project'
            WHEN p.author_id = $2 THEN 'own_project'
            WHEN p.status IN ('completed', 'cancelled') THEN 'project_closed'
        END AS refusal
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR SHARE
),
added AS (
    INSERT INTO interests (post_id, user_id)
    SELECT post.id, $2 FROM post WHERE post.refusal IS NULL
    ON CONFLICT ON CONSTRAINT interests_pkey DO NOTHING
    RETURNING post_id
),
counted AS (
    UPDATE post_stats AS s
    SET
        interest_count = s.interest_count + 1,
        score = CASE WHEN s.score IS NOT NULL THEN add_heat(s.score, heat(now(), 3)) END
    FROM added
    WHERE s.post_id = added.post_id
    RETURNING s.post_id, s.interest_count, s.revision
)
SELECT
    true AS interested, coalesce(counted.interest_count, s.interest_count) AS "interestCount",
    coalesce(counted.revision, s.revision) AS "countsVersion",
    post.refusal AS "_refusal",
    CASE WHEN counted.post_id IS NOT NULL THEN emit(
        'post.interest_added', $2, 'post', post.id, jsonb_build_object('authorId', post.author_id), $3
    ) END AS "_eventId"
FROM post
INNER JOIN post_stats AS s ON s.post_id = post.id
LEFT JOIN counted ON counted.post_id = post.id;

-- name: remove_interest(post_id, user_id, context) :one
-- Remove an interest in a project; not possible for its assignee (`_assigned`). FOR SHARE keeps the post's assignee unchanged
-- until the transaction ends.
WITH post AS MATERIALIZED (
    SELECT p.id, p.assignee_id IS NOT DISTINCT FROM $2 AS assigned
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
    FOR SHARE
),
removed AS (
    DELETE FROM interests AS t
    USING post
    WHERE t.post_id = post.id AND t.user_id = $2 AND NOT post.assigned
    RETURNING t.post_id, t.created_at
),
counted AS (
    UPDATE post_stats AS s
    SET
        interest_count = s.interest_count - 1,
        score = CASE
            WHEN s.score IS NOT NULL THEN take_heat(s.score, heat(removed.created_at, 3), s.least_score)
        END
    FROM removed
    WHERE s.post_id = removed.post_id
    RETURNING s.post_id, s.interest_count, s.revision
)
SELECT
    false AS interested, coalesce(counted.interest_count, s.interest_count) AS "interestCount",
    coalesce(counted.revision, s.revision) AS "countsVersion",
    post.assigned AS "_assigned",
    CASE WHEN counted.post_id IS NOT NULL THEN emit(
        'post.interest_removed', $2, 'post', post.id, '{}', $3
    ) END AS "_eventId"
FROM post
INNER JOIN post_stats AS s ON s.post_id = post.id
LEFT JOIN counted ON counted.post_id = post.id;

-- name: list_interests(viewer_id, post_id, before, before_user, most) :many
-- The users interested in a project, the latest first, before a position (time, id).
SELECT
    person_seen(u, seen.followed, seen.follower_count, seen.following_count, seen.post_count) AS "user",
    t.created_at AS "createdAt", t.user_id AS "_userId"
FROM interests AS t
INNER JOIN users AS u ON u.id = t.user_id
CROSS JOIN LATERAL standing_of($1, u.id) AS seen
WHERE t.post_id = $2 AND (t.created_at, t.user_id) < ($3, $4)
ORDER BY t.created_at DESC, t.user_id DESC
LIMIT $5;

-- name: lock_interests(user_id) :exec
-- Lock, in id order, the counters of the projects that a user who leaves is interested in. The projects are already locked by
-- lock_posts_of in sql/posts.sql.
SELECT
FROM post_stats
WHERE post_id IN (SELECT t.post_id FROM interests AS t WHERE t.user_id = $1)
ORDER BY post_id
FOR UPDATE;

-- name: delete_interests(user_id) :exec
-- Delete the interests of a user who leaves, and update the counters.
WITH removed AS (
    DELETE FROM interests WHERE user_id = $1
    RETURNING post_id, created_at
)
UPDATE post_stats AS s
SET
    interest_count = s.interest_count - 1,
    score = CASE
        WHEN s.score IS NOT NULL THEN take_heat(s.score, heat(removed.created_at, 3), s.least_score)
    END
FROM removed
WHERE s.post_id = removed.post_id;

-- name: export_likes(user_id) :many
-- A user's likes, for their export.
SELECT post_id AS "postId", created_at AS "createdAt" FROM likes WHERE user_id = $1 ORDER BY created_at;

-- name: export_interests(user_id) :many
-- A user's interests in projects, for their export.
SELECT post_id AS "postId", created_at AS "createdAt" FROM interests WHERE user_id = $1 ORDER BY created_at;
