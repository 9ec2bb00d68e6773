-- Comments: how one is shown and described, and what becomes of its words.

DROP VIEW IF EXISTS comment_items;
CREATE VIEW comment_items AS
SELECT
    c.id,
    c.post_id AS "postId",
    c.task_id AS "taskId",
    c.parent_id AS "parentId",
    c.body,
    person(u) AS author,
    c.body IS NULL AS deleted,
    c.version,
    c.created_at AS "createdAt",
    c.updated_at AS "updatedAt"
FROM comments AS c
LEFT JOIN users AS u ON u.id = c.author_id;
COMMENT ON VIEW comment_items IS 'Comments as the API and the frames show them, with the placeholders of deleted ones that have replies.';

CREATE OR REPLACE FUNCTION visible_comments(viewer uuid, sees_all boolean) RETURNS SETOF comments
LANGUAGE sql STABLE
AS $$
    SELECT c.*
    FROM comments AS c
    -- Scalars: EXISTS might be answered with a table of all tasks that the viewer sees.
    WHERE CASE
        WHEN c.task_id IS NULL THEN (SELECT shown_to(p, $1) FROM posts AS p WHERE p.id = c.post_id)
        ELSE (SELECT true FROM visible_tasks($1, $2) AS t WHERE t.id = c.task_id)
    END
$$;
COMMENT ON FUNCTION visible_comments(uuid, boolean) IS 'The comments whose post or task a viewer may see, with placeholders; `sees_all` as in visible_tasks().';

CREATE OR REPLACE FUNCTION describe_comment(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(c.body), excerpt(c.body), c.post_id
    FROM visible_comments($2, holds_permission($2, 'task:manage')) AS c
    WHERE c.id = $1 AND c.body IS NOT NULL
$$;
COMMENT ON FUNCTION describe_comment(uuid, uuid) IS 'A comment in describe_entity(); a placeholder is as good as gone.';

CREATE OR REPLACE FUNCTION chain_comment(entity_id uuid)
RETURNS TABLE (part_type text, part_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT p.part_type, p.part_id
    FROM comments AS c
    CROSS JOIN LATERAL (VALUES ('comment', c.parent_id), ('post', c.post_id), ('task', c.task_id)) AS p (part_type, part_id)
    WHERE c.id = $1 AND p.part_id IS NOT NULL
$$;
COMMENT ON FUNCTION chain_comment(uuid) IS 'What a comment belongs to, in chain_entity(): the comment it replies to, and the post or task.';

SELECT gather_kinds();

CREATE OR REPLACE TRIGGER doubt_words AFTER DELETE OR UPDATE OF body ON comments
FOR EACH ROW EXECUTE FUNCTION doubt_words('body');
COMMENT ON TRIGGER doubt_words ON comments IS 'Words of a text that was changed or deleted go into search_doubts.';
