DROP TABLE data_exports;

CREATE OR REPLACE VIEW notification_items AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    n.title,
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
COMMENT ON COLUMN notifications.title IS NULL;
UPDATE notifications AS n
SET title = replace(n.title, '{actor}', coalesce((SELECT display_name(a) FROM users AS a WHERE a.id = n.actor_id), 'Somebody'))
WHERE n.title LIKE '%{actor}%';

DROP FUNCTION search_text(citext, text, text);

ALTER TABLE users
DROP CONSTRAINT users_username_reserved,
DROP CONSTRAINT users_email_set,
DROP CONSTRAINT users_status_known;
-- Who left becomes somebody deactivated whom no mail reaches: what they wrote stays.
UPDATE users SET status = 'deactivated', email = username || '@former.invalid' WHERE status = 'deleted';
ALTER TABLE users
ADD CONSTRAINT users_status_known CHECK (status IN ('active', 'deactivated')),
ALTER COLUMN email SET NOT NULL,
DROP COLUMN scrubbed_at,
DROP COLUMN left_at,
DROP COLUMN email_verified_at,
DROP COLUMN version,
DROP COLUMN avatar_url,
DROP COLUMN phone,
DROP COLUMN bio,
DROP COLUMN location,
DROP COLUMN department,
DROP COLUMN job_title;
COMMENT ON COLUMN users.email IS 'Sign-in name; compared without case.';
COMMENT ON COLUMN users.status IS 'active or deactivated.';
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit or reuse.';
DROP EXTENSION IF EXISTS pg_trgm;
