-- Explore: posts by recent engagement. The scores are stored beside the counters in post_stats and change in the same
-- statements.

-- name: list_posts(viewer_id, before, before_id, most) :many
-- The posts with the highest scores, after a position (score, id).
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId", s.score AS "_score"
FROM (
    SELECT post_id, score
    FROM post_stats
    WHERE score IS NOT NULL AND (score, post_id) < ($2, $3)
    ORDER BY score DESC, post_id DESC
    LIMIT $4
) AS s
-- OFFSET 0 keeps the planner, which does not know the value of LIMIT, from joining all posts.
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items.id = s.post_id OFFSET 0) AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
ORDER BY s.score DESC, s.post_id DESC;

-- name: list_shared(most) :many
-- The first page without the columns that depend on the viewer; it is cached for all viewers for a few seconds.
SELECT i.*, s.score AS "_score"
FROM (SELECT post_id, score FROM post_stats WHERE score IS NOT NULL ORDER BY score DESC, post_id DESC LIMIT $1) AS s
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items.id = s.post_id OFFSET 0) AS i
ORDER BY s.score DESC, s.post_id DESC;

-- name: list_live(viewer_id, post_ids) :many
-- The current values for the posts of a cached page: version, counters, and the viewer's own reactions. No row for a post that
-- is no longer in lists.
SELECT
    p.id AS "_id", p.version,
    s.like_count AS "likeCount", s.comment_count AS "commentCount", s.interest_count AS "interestCount",
    s.revision AS "countsVersion",
    mine.*,
    show_link(p.project_id, $1) AS "projectId"
FROM posts AS p
INNER JOIN post_stats AS s ON s.post_id = p.id
CROSS JOIN LATERAL reactions_of($1, p.id) AS mine
WHERE p.id = ANY($2::uuid[]) AND p.position IS NOT NULL;
