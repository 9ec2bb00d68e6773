-- Profiles, a search for people, leaving without a trace of the person, and the export of what is kept of somebody.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE users
ADD COLUMN job_title text,
ADD COLUMN department text,
ADD COLUMN location text,
ADD COLUMN bio text,
ADD COLUMN phone text,
ADD COLUMN avatar_url text,
ADD COLUMN version integer NOT NULL DEFAULT 1,
ADD COLUMN email_verified_at timestamptz,
ADD COLUMN left_at timestamptz,
ADD COLUMN scrubbed_at timestamptz,
ADD CONSTRAINT users_job_title_length CHECK (length(job_title) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_department_length CHECK (length(department) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_location_length CHECK (length(location) BETWEEN 1 AND 100) NOT VALID,
ADD CONSTRAINT users_bio_length CHECK (length(bio) BETWEEN 1 AND 2000) NOT VALID,
ADD CONSTRAINT users_phone_length CHECK (length(phone) BETWEEN 3 AND 40) NOT VALID,
ADD CONSTRAINT users_avatar_url_length CHECK (length(avatar_url) BETWEEN 8 AND 1000) NOT VALID;
COMMENT ON COLUMN users.version IS 'Goes up with every change of the profile.';
COMMENT ON COLUMN users.email_verified_at IS 'When the address was proved to be theirs; NULL until then.';
COMMENT ON COLUMN users.left_at IS 'When the person left; the row stays, so that what they wrote has an author.';
COMMENT ON COLUMN users.scrubbed_at IS 'When the frames that were kept ceased to name the person who left.';
COMMENT ON COLUMN users.phone IS 'Shown to those who may contact people.';
COMMENT ON COLUMN users.avatar_url IS 'Where the picture is.';

-- squawk-ignore ban-drop-not-null
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
-- squawk-ignore ban-drop-constraint
ALTER TABLE users DROP CONSTRAINT users_status_known;
ALTER TABLE users
ADD CONSTRAINT users_status_known CHECK (status IN ('active', 'deactivated', 'deleted')) NOT VALID,
ADD CONSTRAINT users_email_set CHECK (email IS NOT NULL OR status = 'deleted') NOT VALID,
ADD CONSTRAINT users_username_reserved
CHECK (status = 'deleted' OR username !~ '^former_[0-9a-f]{12}$') NOT VALID;
COMMENT ON COLUMN users.email IS 'Sign-in name; compared without case. NULL once its owner has left.';
COMMENT ON COLUMN users.status IS 'active, deactivated, or deleted once the person has left.';
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse or deactivated.';

CREATE FUNCTION search_text(username citext, first_name text, last_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT lower(' ' || username::text || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))
$$;
COMMENT ON FUNCTION search_text(citext, text, text) IS 'What people are found by; every name has a space before it, so that LIKE ''% ada%'' finds beginnings.';

-- The actor's name is put in when it is shown: a new name shows everywhere, the name of somebody who left nowhere.
CREATE OR REPLACE VIEW notification_items AS
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
UPDATE notifications AS n
SET title = '{actor}' || substr(n.title, length(display_name(a)) + 1)
FROM users AS a
WHERE a.id = n.actor_id AND starts_with(n.title, display_name(a));
COMMENT ON COLUMN notifications.title IS 'With {actor} where the actor''s name is shown.';

CREATE TABLE data_exports (
    user_id uuid CONSTRAINT data_exports_pkey PRIMARY KEY
    CONSTRAINT data_exports_user_id_fkey REFERENCES users ON DELETE CASCADE,
    requested_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    expires_at timestamptz,
    body bytea,
    error text
);
COMMENT ON TABLE data_exports IS 'What people asked to get of their own data, one at a time; the row is the queue of the job that makes it.';
COMMENT ON COLUMN data_exports.finished_at IS 'NULL while it is to be made.';
COMMENT ON COLUMN data_exports.expires_at IS '24 hours after it was made; then it is deleted.';
COMMENT ON COLUMN data_exports.body IS 'JSON, compressed with gzip.';
COMMENT ON COLUMN data_exports.error IS 'Why it could not be made; asking again tries again.';
CREATE INDEX data_exports_requested_at_idx ON data_exports (requested_at) WHERE finished_at IS NULL;
