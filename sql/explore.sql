-- Explore: posts by recent engagement. The scores stand beside the counters, and move in the same statements.

-- name: list_posts(viewer_id, before, before_id, most) :many
-- The posts that find most attention, behind a place by (score, id).
SELECT i.*, mine.*, show_link(i."_projectId", $1) AS "projectId", s.score AS "_score"
FROM (
    SELECT post_id, score
    FROM post_stats
    WHERE score IS NOT NULL AND (score, post_id) < ($2, $3)
    ORDER BY score DESC, post_id DESC
    LIMIT $4
) AS s
-- OFFSET 0 is a fence: without it the planner, who does not know the LIMIT, may join all posts.
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items.id = s.post_id OFFSET 0) AS i
CROSS JOIN LATERAL reactions_of($1, i.id) AS mine
ORDER BY s.score DESC, s.post_id DESC;

-- name: list_shared(most) :many
-- The first page, but for what depends on the viewer: it is kept for all of them for seconds.
SELECT i.*, s.score AS "_score"
FROM (SELECT post_id, score FROM post_stats WHERE score IS NOT NULL ORDER BY score DESC, post_id DESC LIMIT $1) AS s
CROSS JOIN LATERAL (SELECT * FROM post_items WHERE post_items.id = s.post_id OFFSET 0) AS i
ORDER BY s.score DESC, s.post_id DESC;

-- name: list_live(viewer_id, post_ids) :many
-- What a page that was kept must be told of each of its posts: its version, its counters, and the viewer's own part.
-- No row for one that is in no list any longer.
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
