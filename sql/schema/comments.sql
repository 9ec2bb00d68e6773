-- Comments: how one is described.

CREATE OR REPLACE FUNCTION describe_comment(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(c.body), excerpt(c.body), c.post_id
    FROM comments AS c
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE c.id = $1 AND shown_to(p, $2)
$$;
COMMENT ON FUNCTION describe_comment(uuid, uuid) IS 'A comment in describe_entity().';

SELECT gather_kinds();
