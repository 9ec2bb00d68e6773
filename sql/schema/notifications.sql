-- Notifications as the API and the frames show them: references, with what they lead to read from the row as it is now.

CREATE OR REPLACE FUNCTION excerpt(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN length(left(written, 141)) > 140 THEN left(written, 139) || '…' ELSE written END
$$;
COMMENT ON FUNCTION excerpt(text) IS 'How a text begins, in at most 140 characters.';

CREATE OR REPLACE FUNCTION describe_entity(entity_type text, entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(coalesce(p.title, p.body)), excerpt(p.body), p.id
    FROM posts AS p
    WHERE $1 = 'post' AND p.id = $2 AND shown_to(p, $3)
    UNION ALL
    SELECT excerpt(c.body), excerpt(c.body), c.post_id
    FROM comments AS c
    INNER JOIN posts AS p ON p.id = c.post_id
    WHERE $1 = 'comment' AND c.id = $2 AND shown_to(p, $3)
    UNION ALL
    SELECT NULL, NULL, NULL
    WHERE $1 NOT IN ('post', 'comment')
$$;
COMMENT ON FUNCTION describe_entity(text, uuid, uuid) IS 'What a notification leads to, as its receiver may see it now: its title or else how it begins, how its text begins, and the post it is or belongs to. No row for what is gone. Only the branch of its kind is run; a kind without one has no excerpt.';

DROP VIEW IF EXISTS notification_items;
CREATE VIEW notification_items AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    n.variant AS "_variant",
    n.params AS "_params",
    e.excerpt AS "_excerpt",
    e.beginning AS "_beginning",
    display_name(a) AS "_actorName",
    n.is_read AS "isRead",
    n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt",
    person(a) AS actor,
    CASE WHEN e.found THEN json_build_object('type', n.entity_type, 'id', n.entity_id) END AS entity,
    e.post_id AS "postId",
    NULL::uuid AS "relatedLeadId",
    n.created_at AS "createdAt",
    n.updated_at AS "updatedAt"
FROM notifications AS n
LEFT JOIN users AS a ON a.id = n.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(n.entity_type, n.entity_id, n.receiver_id) AS d
) AS e ON true;
COMMENT ON VIEW notification_items IS 'Notifications as the API and the frames show them; title and message are the sentences of type and variant, filled in by the service.';
