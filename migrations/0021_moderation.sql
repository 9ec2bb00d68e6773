-- Moderation; when a post was published; a picture wherever a person is shown.
INSERT INTO permissions (code, description) VALUES
('post:moderate', 'Delete anybody''s posts and comments, and move anybody''s announcements.');
INSERT INTO role_permissions (role, permission) VALUES ('admin', 'post:moderate'), ('manager', 'post:moderate');

CREATE OR REPLACE FUNCTION person(u users) RETURNS json
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN (u).id IS NOT NULL THEN json_build_object(
            'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name,
            'avatarUrl', (u).avatar_url
        )
    END
$$;

CREATE FUNCTION read_time(id uuid) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- 48 bits of milliseconds; behind the version, 12 bits of the millisecond's fraction.
    SELECT 'epoch'::timestamptz + interval '1 microsecond' * (
        ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint * 1000
        + ('x' || substring(id::text FROM 16 FOR 3))::bit(12)::integer * 1000 / 4096
    )
$$;
COMMENT ON FUNCTION read_time(uuid) IS 'When a version 7 id was made.';

CREATE OR REPLACE VIEW post_items AS
SELECT
    p.id,
    p.type,
    p.status,
    p.title,
    p.body,
    person(a) AS author,
    person(d) AS assignee,
    p.like_count AS "likeCount",
    p.comment_count AS "commentCount",
    p.interest_count AS "interestCount",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.url, f.thumbnail_url AS "thumbnailUrl"
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
INNER JOIN users AS a ON a.id = p.author_id
LEFT JOIN users AS d ON d.id = p.assignee_id;
