-- Posts: who may see one, how it is shown and described, and what becomes of its words.

CREATE OR REPLACE FUNCTION shown_to(p posts, viewer_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT (p).status IS DISTINCT FROM 'draft' OR (p).author_id = viewer_id
$$;
COMMENT ON FUNCTION shown_to(posts, uuid) IS 'Whether somebody may see a post: drafts are their author''s alone.';

CREATE OR REPLACE FUNCTION show_link(project_id uuid, viewer_id uuid) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN $1 IS NOT NULL THEN CASE WHEN project_role($1, $2, false) IS NOT NULL THEN $1 END END
$$;
COMMENT ON FUNCTION show_link(uuid, uuid) IS 'The project that a post is linked with, where a viewer may know of it by themselves, else NULL. A query takes it in: without a link it costs nothing.';

CREATE OR REPLACE FUNCTION describe_post(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(coalesce(p.title, p.body)), excerpt(p.body), p.id
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
$$;
COMMENT ON FUNCTION describe_post(uuid, uuid) IS 'A post in describe_entity().';

SELECT gather_kinds();

DROP VIEW IF EXISTS post_items;
CREATE VIEW post_items AS
SELECT
    p.id,
    p.type,
    p.status,
    p.title,
    p.body,
    person(a) AS author,
    person(d) AS assignee,
    s.like_count AS "likeCount",
    s.comment_count AS "commentCount",
    s.interest_count AS "interestCount",
    s.revision AS "countsVersion",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.alt, f.url, f.thumbnail_url AS "thumbnailUrl"
                FROM uploads AS f
                WHERE f.post_id = p.id AND f.removed_at IS NULL
                ORDER BY f.position
            ) AS file
        ),
        '[]'::json
    ) AS uploads,
    p.version,
    p.created_at AS "createdAt",
    p.updated_at AS "updatedAt",
    p.author_id AS "_authorId",
    p.project_id AS "_projectId",
    p.position AS "_position",
    -- An archived announcement has no position any more; the log of moves says when it was published last.
    CASE
        WHEN p.position IS NOT NULL THEN read_time(p.position)
        WHEN p.status = 'archived' THEN (
            SELECT read_time(g.id)
            FROM post_status_log AS g
            WHERE g.post_id = p.id AND g.to_status = 'published'
            ORDER BY g.id DESC
            LIMIT 1
        )
    END AS "publishedAt"
FROM posts AS p
INNER JOIN post_stats AS s ON s.post_id = p.id
INNER JOIN users AS a ON a.id = p.author_id
LEFT JOIN users AS d ON d.id = p.assignee_id;
COMMENT ON VIEW post_items IS 'Posts as the API and the frames show them, but for what depends on the viewer.';

CREATE OR REPLACE TRIGGER doubt_words AFTER DELETE OR UPDATE OF title, body ON posts
FOR EACH ROW EXECUTE FUNCTION doubt_words('title', 'body');
COMMENT ON TRIGGER doubt_words ON posts IS 'Words of a text that was changed or deleted go into search_doubts.';

CREATE OR REPLACE FUNCTION note_revision() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION note_revision() IS 'Numbers the states of a post''s counters.';

CREATE OR REPLACE TRIGGER note_revision BEFORE UPDATE ON post_stats
FOR EACH ROW WHEN (
    (OLD.like_count, OLD.comment_count, OLD.interest_count)
    IS DISTINCT FROM (NEW.like_count, NEW.comment_count, NEW.interest_count)
)
EXECUTE FUNCTION note_revision();
COMMENT ON TRIGGER note_revision ON post_stats IS 'Another state of the counters has a higher revision.';

CREATE OR REPLACE FUNCTION count_posts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO person_stats AS s (user_id, post_count)
    SELECT id, (NEW.position IS NOT NULL)::integer - (OLD.position IS NOT NULL)::integer
    FROM users
    WHERE id = coalesce(NEW.author_id, OLD.author_id)
    ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE SET post_count = s.post_count + excluded.post_count;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION count_posts() IS 'Counts a post for its author when it comes into the lists or leaves them.';

CREATE OR REPLACE TRIGGER count_new_posts AFTER INSERT ON posts
FOR EACH ROW WHEN (NEW.position IS NOT NULL) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_new_posts ON posts IS 'The author''s post_count in person_stats goes up.';

CREATE OR REPLACE TRIGGER count_moved_posts AFTER UPDATE OF position ON posts
FOR EACH ROW WHEN ((OLD.position IS NULL) <> (NEW.position IS NULL)) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_moved_posts ON posts IS 'The author''s post_count in person_stats goes up or down.';

CREATE OR REPLACE TRIGGER count_deleted_posts AFTER DELETE ON posts
FOR EACH ROW WHEN (OLD.position IS NOT NULL) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_deleted_posts ON posts IS 'The author''s post_count in person_stats goes down.';
