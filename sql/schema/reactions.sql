-- What a viewer did to a post.

CREATE OR REPLACE FUNCTION reactions_of(viewer_id uuid, post_id uuid)
RETURNS TABLE (liked boolean, interested boolean)
LANGUAGE sql STABLE ROWS 1
AS $$
    -- Scalar subqueries: for EXISTS the planner would read all that the viewer ever liked, to show one page.
    SELECT
        coalesce((SELECT true FROM likes AS l WHERE l.post_id = $2 AND l.user_id = $1), false),
        coalesce((SELECT true FROM interests AS t WHERE t.post_id = $2 AND t.user_id = $1), false)
$$;
COMMENT ON FUNCTION reactions_of(uuid, uuid) IS 'Whether a viewer likes a post, and is interested in it. Always one row; a query takes it in as if it were written there.';
