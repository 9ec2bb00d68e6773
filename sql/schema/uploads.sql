-- Uploads: which of them are more than files of a post.

CREATE OR REPLACE FUNCTION is_avatar(u uploads) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM users AS p WHERE p.id = (u).owner_id AND p.avatar_url IN ((u).url, (u).thumbnail_url))
$$;
COMMENT ON FUNCTION is_avatar(uploads) IS 'Whether an upload is the picture of its owner''s profile, which nothing removes by itself.';
