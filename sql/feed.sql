-- The feed: posts by the viewer and the people the viewer follows, newest first. It is computed when it is read, so that a
-- follow, an unfollow and a new post take effect at once and need no other write. First the newest 4,000 posts of all authors
-- are scanned, which fills a page for viewers who follow active people. UNION ALL under LIMIT continues only if that was not
-- enough: with the newest posts of each followed author, older than that window. Both parts are ordered, so neither sorts more
-- rows than it returns.

-- name: list_feed(viewer_id, before, most) :many
-- One page of the feed, after a position.
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId"
FROM (
    (
        SELECT w.position
        FROM (
            SELECT position, author_id
            FROM posts
            WHERE position < $2
            ORDER BY position DESC
            LIMIT 4000
        ) AS w
        WHERE w.author_id = $1 OR w.author_id IN (SELECT followed_id FROM follows WHERE follower_id = $1)
        ORDER BY w.position DESC
        LIMIT $3
    )
    UNION ALL
    (
        SELECT p.position
        FROM (SELECT followed_id AS id FROM follows WHERE follower_id = $1 UNION ALL SELECT $1) AS f
        CROSS JOIN LATERAL (
            SELECT position
            FROM posts
            WHERE author_id = f.id
                AND position < (
                    SELECT position
                    FROM posts
                    WHERE position < $2
                    ORDER BY position DESC
                    OFFSET 3999
                    LIMIT 1
                )
            ORDER BY position DESC
            LIMIT $3
        ) AS p
        ORDER BY p.position DESC
        LIMIT $3
    )
    LIMIT $3
) AS found
CROSS JOIN LATERAL (
    SELECT *
    FROM post_items
    WHERE post_items."_position" = found.position
    -- OFFSET 0 keeps the planner, which does not know the value of LIMIT, from joining all posts.
    OFFSET 0
) AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
ORDER BY found.position DESC;

-- name: list_concerned(user_ids, source_ids) :many
-- Pairs of these users and these authors in which the user sees the author's posts: the author, and followers of the author. A
-- node asks for its connected users. The followers are read for an author who has few of them; otherwise each user is looked
-- up.
WITH authors AS MATERIALIZED (
    SELECT a.id, coalesce(s.follower_count, 0) <= cardinality($1::uuid[]) AS few
    FROM unnest($2::uuid[]) AS a (id)
    LEFT JOIN person_stats AS s ON s.user_id = a.id
)
SELECT a.id AS user_id, a.id AS source_id
FROM authors AS a
WHERE a.id = ANY($1)
UNION ALL
SELECT f.follower_id, a.id
FROM authors AS a
CROSS JOIN LATERAL (SELECT follower_id FROM follows WHERE followed_id = a.id OFFSET 0) AS f
WHERE a.few AND f.follower_id IN (SELECT unnest($1))
UNION ALL
SELECT u.id, a.id
FROM authors AS a
CROSS JOIN unnest($1) AS u (id)
WHERE NOT a.few AND (SELECT true FROM follows AS f WHERE f.follower_id = u.id AND f.followed_id = a.id);

-- name: list_recent(seconds) :many
-- The posts published in the last `seconds`, newest first, at most 500.
SELECT p.author_id AS source_id, 'post' AS entity_type, p.id AS entity_id
FROM posts AS p
WHERE p.position > first_id(now() - make_interval(secs => $1))
ORDER BY p.position DESC
LIMIT 500;
