CREATE TABLE posts (
    id uuid CONSTRAINT posts_pkey PRIMARY KEY DEFAULT uuidv7(),
    author_id uuid NOT NULL CONSTRAINT posts_author_id_fkey REFERENCES users ON DELETE CASCADE,
    type text NOT NULL DEFAULT 'normal',
    title text,
    body text NOT NULL,
    like_count integer NOT NULL DEFAULT 0,
    comment_count integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT posts_type_known CHECK (type IN ('normal')),
    CONSTRAINT posts_title_length CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT posts_body_length CHECK (length(body) BETWEEN 1 AND 20000),
    CONSTRAINT posts_like_count_positive CHECK (like_count >= 0),
    CONSTRAINT posts_comment_count_positive CHECK (comment_count >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE posts IS 'What people publish. Room is left in each page for the counters, which change in place.';
COMMENT ON COLUMN posts.like_count IS 'Rows in likes; written by sql/reactions.sql alone.';
COMMENT ON COLUMN posts.comment_count IS 'Rows in comments; written by sql/comments.sql alone.';
COMMENT ON COLUMN posts.version IS 'Goes up with every edit; counters do not touch it.';
CREATE INDEX posts_author_id_idx ON posts (author_id, id);

CREATE TABLE comments (
    id uuid CONSTRAINT comments_pkey PRIMARY KEY DEFAULT uuidv7(),
    post_id uuid NOT NULL CONSTRAINT comments_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    author_id uuid NOT NULL CONSTRAINT comments_author_id_fkey REFERENCES users ON DELETE CASCADE,
    parent_id uuid CONSTRAINT comments_parent_id_fkey REFERENCES comments ON DELETE CASCADE,
    body text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT comments_body_length CHECK (length(body) BETWEEN 1 AND 5000)
);
COMMENT ON TABLE comments IS 'What people say to a post, and to each other, one level deep.';
COMMENT ON COLUMN comments.parent_id IS 'The comment this one replies to; that one has no parent itself.';
COMMENT ON COLUMN comments.version IS 'Goes up with every edit.';
CREATE INDEX comments_post_id_idx ON comments (post_id, id);
CREATE INDEX comments_author_id_idx ON comments (author_id);
CREATE INDEX comments_parent_id_idx ON comments (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE likes (
    post_id uuid NOT NULL CONSTRAINT likes_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT likes_user_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT likes_pkey PRIMARY KEY (post_id, user_id)
);
COMMENT ON TABLE likes IS 'Who likes which post.';
CREATE INDEX likes_newest_idx ON likes (post_id, created_at, user_id);
CREATE INDEX likes_user_id_idx ON likes (user_id);

CREATE TABLE follows (
    follower_id uuid NOT NULL CONSTRAINT follows_follower_id_fkey REFERENCES users ON DELETE CASCADE,
    followed_id uuid NOT NULL CONSTRAINT follows_followed_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followed_id),
    CONSTRAINT follows_no_self CHECK (follower_id <> followed_id)
);
COMMENT ON TABLE follows IS 'Who follows whom.';
CREATE INDEX follows_followers_idx ON follows (followed_id, created_at, follower_id);
CREATE INDEX follows_audience_idx ON follows (followed_id, follower_id);
CREATE INDEX follows_following_idx ON follows (follower_id, created_at, followed_id);
