-- squawk-ignore ban-drop-constraint
ALTER TABLE posts DROP CONSTRAINT posts_type_known;
ALTER TABLE posts ADD CONSTRAINT posts_type_known CHECK (type IN ('normal', 'announcement', 'project')) NOT VALID;
ALTER TABLE posts ADD COLUMN status text;
ALTER TABLE posts ADD COLUMN position uuid;
UPDATE posts SET position = id;
-- For what web processes of the release before go on writing.
ALTER TABLE posts ALTER COLUMN position SET DEFAULT uuidv7();
ALTER TABLE posts ADD COLUMN interest_count integer NOT NULL DEFAULT 0;
ALTER TABLE posts ADD COLUMN assignee_id uuid;
ALTER TABLE posts ADD CONSTRAINT posts_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES users ON DELETE SET NULL NOT VALID;
ALTER TABLE posts ADD CONSTRAINT posts_interest_count_positive CHECK (interest_count >= 0) NOT VALID;
ALTER TABLE posts ADD CONSTRAINT posts_status_of_type CHECK (
    CASE type
        WHEN 'normal' THEN status IS NULL
        WHEN 'announcement' THEN status IS NOT NULL AND status IN ('draft', 'published', 'archived')
        WHEN 'project' THEN status IS NOT NULL
            AND status IN ('open', 'in_progress', 'on_hold', 'completed', 'cancelled')
    END
) NOT VALID;
ALTER TABLE posts ADD CONSTRAINT posts_assignee_of_project CHECK (assignee_id IS NULL OR type = 'project') NOT VALID;
COMMENT ON COLUMN posts.type IS 'normal, announcement or project.';
COMMENT ON COLUMN posts.status IS 'Where an announcement or a project stands; NULL for normal posts. A draft is its author''s alone.';
COMMENT ON COLUMN posts.position IS 'Its place in every list, newest first: a version 7 id of when it was published. NULL: in no list (drafts, archived announcements).';
COMMENT ON COLUMN posts.interest_count IS 'Rows in interests; written by sql/reactions.sql alone.';
COMMENT ON COLUMN posts.assignee_id IS 'Who does a project: one of those interested.';

CREATE FUNCTION shown_to(p posts, viewer_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT (p).status IS DISTINCT FROM 'draft' OR (p).author_id = viewer_id
$$;
COMMENT ON FUNCTION shown_to(posts, uuid) IS 'Whether somebody may see a post: drafts are their author''s alone.';

CREATE TABLE interests (
    post_id uuid NOT NULL CONSTRAINT interests_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT interests_user_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT interests_pkey PRIMARY KEY (post_id, user_id)
);
COMMENT ON TABLE interests IS 'Who would like to take part in which project.';
CREATE INDEX interests_newest_idx ON interests (post_id, created_at, user_id);
CREATE INDEX interests_user_id_idx ON interests (user_id);

CREATE TABLE post_status_log (
    id uuid CONSTRAINT post_status_log_pkey PRIMARY KEY DEFAULT uuidv7(),
    post_id uuid NOT NULL CONSTRAINT post_status_log_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    actor_id uuid CONSTRAINT post_status_log_actor_id_fkey REFERENCES users ON DELETE SET NULL,
    from_status text,
    to_status text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE post_status_log IS 'Every move of an announcement or a project.';
COMMENT ON COLUMN post_status_log.from_status IS 'NULL for the status it was made with.';
CREATE INDEX post_status_log_post_id_idx ON post_status_log (post_id, id);
CREATE INDEX post_status_log_actor_id_idx ON post_status_log (actor_id);

CREATE TABLE uploads (
    id uuid CONSTRAINT uploads_pkey PRIMARY KEY DEFAULT uuidv7(),
    owner_id uuid NOT NULL CONSTRAINT uploads_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    post_id uuid CONSTRAINT uploads_post_id_fkey REFERENCES posts ON DELETE SET NULL,
    position smallint NOT NULL DEFAULT 0,
    store text NOT NULL,
    store_key text NOT NULL CONSTRAINT uploads_store_key_key UNIQUE,
    name text NOT NULL,
    type text NOT NULL,
    bytes bigint NOT NULL,
    width integer,
    height integer,
    url text NOT NULL,
    thumbnail_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    CONSTRAINT uploads_store_known CHECK (store IN ('local', 'cloudinary')),
    CONSTRAINT uploads_name_length CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT uploads_bytes_positive CHECK (bytes > 0)
);
COMMENT ON TABLE uploads IS 'Files of posts. The row goes only after the file has gone from its store.';
COMMENT ON COLUMN uploads.post_id IS 'The post it belongs to; NULL until it is attached, and again once that is deleted.';
COMMENT ON COLUMN uploads.position IS 'Its place among the files of the post.';
COMMENT ON COLUMN uploads.store IS 'local or cloudinary.';
COMMENT ON COLUMN uploads.store_key IS 'What the store calls it: a path below MEDIA_ROOT, or Cloudinary''s public id.';
COMMENT ON COLUMN uploads.type IS 'Media type as its bytes say, not as the client did.';
COMMENT ON COLUMN uploads.width IS 'Pixels; NULL for what is no image.';
COMMENT ON COLUMN uploads.thumbnail_url IS 'NULL until the worker has made it.';
COMMENT ON COLUMN uploads.removed_at IS 'To be removed from the store by the worker.';
CREATE INDEX uploads_post_id_idx ON uploads (post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX uploads_owner_id_idx ON uploads (owner_id, id);
CREATE INDEX uploads_loose_idx ON uploads (created_at) WHERE post_id IS NULL;
CREATE INDEX uploads_removed_idx ON uploads (removed_at) WHERE removed_at IS NOT NULL;

CREATE VIEW post_items AS
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
    p.position AS "_position"
FROM posts AS p
INNER JOIN users AS a ON a.id = p.author_id
LEFT JOIN users AS d ON d.id = p.assignee_id;
COMMENT ON VIEW post_items IS 'Posts as the API and the frames show them, but for what depends on the viewer.';

INSERT INTO permissions (code, description) VALUES
('post:assign', 'Assign anybody''s project post to one of those interested.');
INSERT INTO role_permissions (role, permission) VALUES ('admin', 'post:assign'), ('manager', 'post:assign');
