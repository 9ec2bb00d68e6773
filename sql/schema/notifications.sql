-- Notifications as the API and the frames show them.

-- The actor's name is put in when it is shown: a new name shows everywhere, the name of somebody who left nowhere.
DROP VIEW IF EXISTS notification_items;
CREATE VIEW notification_items AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    replace(n.title, '{actor}', coalesce(display_name(a), 'Somebody')) AS title,
    n.message,
    n.is_read AS "isRead",
    n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt",
    person(a) AS actor,
    CASE
        WHEN n.comment_id IS NOT NULL THEN json_build_object('type', 'comment', 'id', n.comment_id)
        WHEN n.post_id IS NOT NULL THEN json_build_object('type', 'post', 'id', n.post_id)
        WHEN n.type = 'follow' AND a.id IS NOT NULL THEN json_build_object('type', 'user', 'id', a.id)
    END AS entity,
    n.post_id AS "postId",
    NULL::uuid AS "relatedLeadId",
    n.created_at AS "createdAt",
    n.updated_at AS "updatedAt"
FROM notifications AS n
LEFT JOIN users AS a ON a.id = n.actor_id;
COMMENT ON VIEW notification_items IS 'Notifications as the API and the frames show them.';

CREATE OR REPLACE FUNCTION empty_message() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.message := '';
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION empty_message() IS 'Takes the text of what was deleted out of a notification of it.';

-- For ON DELETE SET NULL of either link, whoever deletes.
CREATE OR REPLACE TRIGGER notifications_empty_message BEFORE UPDATE OF post_id, comment_id ON notifications
FOR EACH ROW
WHEN (
    (OLD.post_id IS NOT NULL AND NEW.post_id IS NULL) OR (OLD.comment_id IS NOT NULL AND NEW.comment_id IS NULL)
)
EXECUTE FUNCTION empty_message();
COMMENT ON TRIGGER notifications_empty_message ON notifications IS 'A notification of a deleted post or comment loses its text.';
