-- Likes and interests, and posts.like_count and posts.interest_count with them. Where a statement says that the post is
-- locked, lock_post in sql/posts.sql came before it: as for those who delete a post, it is the first to be locked.

-- name: like_post(post_id, user_id) :one
-- Like once; the counter moves in the same statement, and only if the like is new.
WITH added AS (
    INSERT INTO likes (post_id, user_id)
    SELECT p.id, $2 FROM posts AS p WHERE p.id = $1 AND shown_to(p, $2)
    ON CONFLICT ON CONSTRAINT likes_pkey DO NOTHING
    RETURNING post_id
),
counted AS (
    UPDATE posts AS p
    SET like_count = p.like_count + 1
    FROM added
    WHERE p.id = added.post_id
    RETURNING p.id, p.like_count
)
SELECT
    p.id AS "_postId", p.author_id AS "_authorId", left(coalesce(p.title, p.body), 140) AS "_excerpt",
    counted.id IS NOT NULL AS "_changed",
    true AS liked, coalesce(counted.like_count, p.like_count) AS "likeCount"
FROM posts AS p
LEFT JOIN counted ON counted.id = p.id
WHERE p.id = $1 AND shown_to(p, $2);

-- name: unlike_post(post_id, user_id) :one
-- Take a like of a post, which is locked, back; the counter moves only if there was one.
WITH post AS (
    SELECT p.id, p.like_count
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
),
removed AS (
    DELETE FROM likes AS l
    USING post
    WHERE l.post_id = post.id AND l.user_id = $2
    RETURNING l.post_id
),
counted AS (
    UPDATE posts AS p
    SET like_count = p.like_count - 1
    FROM removed
    WHERE p.id = removed.post_id
    RETURNING p.id, p.like_count
)
SELECT
    post.id AS "_postId", counted.id IS NOT NULL AS "_changed",
    false AS liked, coalesce(counted.like_count, post.like_count) AS "likeCount"
FROM post
LEFT JOIN counted ON counted.id = post.id;

-- name: list_likes(post_id, before, before_user, most) :many
-- Who liked a post last, before a place by (time, id).
SELECT person(u) AS "user", l.created_at AS "createdAt", l.user_id AS "_userId"
FROM likes AS l
INNER JOIN users AS u ON u.id = l.user_id
WHERE l.post_id = $1 AND (l.created_at, l.user_id) < ($2, $3)
ORDER BY l.created_at DESC, l.user_id DESC
LIMIT $4;

-- name: add_interest(post_id, user_id) :one
-- Take an interest in a project of somebody else, which is locked, that is not over; counted once. `_refusal` says
-- why not.
WITH post AS (
    SELECT
        p.id, p.author_id, p.interest_count, left(coalesce(p.title, p.body), 140) AS excerpt,
        CASE
            WHEN p.type <> 'project' THEN 'not_a_project'
            WHEN p.author_id = $2 THEN 'own_project'
            WHEN p.status IN ('completed', 'cancelled') THEN 'project_closed'
        END AS refusal
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
),
added AS (
    INSERT INTO interests (post_id, user_id)
    SELECT id, $2 FROM post WHERE refusal IS NULL
    ON CONFLICT ON CONSTRAINT interests_pkey DO NOTHING
    RETURNING post_id
),
counted AS (
    UPDATE posts AS p
    SET interest_count = p.interest_count + 1
    FROM added
    WHERE p.id = added.post_id
    RETURNING p.id, p.interest_count
)
SELECT
    post.author_id AS "_authorId", post.excerpt AS "_excerpt", post.refusal AS "_refusal",
    counted.id IS NOT NULL AS "_changed",
    true AS interested, coalesce(counted.interest_count, post.interest_count) AS "interestCount"
FROM post
LEFT JOIN counted ON counted.id = post.id;

-- name: remove_interest(post_id, user_id) :one
-- Take an interest in a project, which is locked, back; the assigned cannot.
WITH post AS (
    SELECT p.id, p.interest_count, p.assignee_id IS NOT DISTINCT FROM $2 AS assigned
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
),
removed AS (
    DELETE FROM interests AS t
    USING post
    WHERE t.post_id = post.id AND t.user_id = $2 AND NOT post.assigned
    RETURNING t.post_id
),
counted AS (
    UPDATE posts AS p
    SET interest_count = p.interest_count - 1
    FROM removed
    WHERE p.id = removed.post_id
    RETURNING p.id, p.interest_count
)
SELECT
    post.assigned AS "_assigned", counted.id IS NOT NULL AS "_changed",
    false AS interested, coalesce(counted.interest_count, post.interest_count) AS "interestCount"
FROM post
LEFT JOIN counted ON counted.id = post.id;

-- name: list_interests(post_id, before, before_user, most) :many
-- Who took an interest last, before such a place.
SELECT person(u) AS "user", t.created_at AS "createdAt", t.user_id AS "_userId"
FROM interests AS t
INNER JOIN users AS u ON u.id = t.user_id
WHERE t.post_id = $1 AND (t.created_at, t.user_id) < ($2, $3)
ORDER BY t.created_at DESC, t.user_id DESC
LIMIT $4;

-- name: delete_interests(user_id) :exec
-- The interests of somebody who has left.
WITH removed AS (
    DELETE FROM interests WHERE user_id = $1
    RETURNING post_id
)
UPDATE posts AS p
SET interest_count = p.interest_count - 1
FROM removed
WHERE p.id = removed.post_id;
