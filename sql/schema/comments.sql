-- Comments: how one is described, and what becomes of its words.

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

CREATE OR REPLACE TRIGGER doubt_words AFTER DELETE OR UPDATE OF body ON comments
FOR EACH ROW EXECUTE FUNCTION doubt_words('body');
COMMENT ON TRIGGER doubt_words ON comments IS 'Words of a text that was changed or deleted go into search_doubts.';
