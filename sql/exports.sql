-- Exports of what is kept of a person. The row is the queue: it is claimed by its lock alone, so a dead worker leaves nothing
-- behind.

-- name: request_export(user_id) :value
-- Asks for an export where there is none, none that is fresh, or one that failed. True where it was asked for just now.
INSERT INTO data_exports AS e (user_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT data_exports_pkey DO UPDATE
SET requested_at = now(), finished_at = NULL, expires_at = NULL, body = NULL, error = NULL
WHERE e.error IS NOT NULL OR e.expires_at <= now()
RETURNING true;

-- name: get_export(user_id) :one
-- How far somebody's export is. `ready` is false while it is to be made.
SELECT
    finished_at IS NOT NULL AND error IS NULL AND expires_at > now() AS ready,
    error IS NOT NULL OR expires_at <= now() AS "_over",
    expires_at AS "expiresAt", length(body) AS bytes
FROM data_exports
WHERE user_id = $1;

-- name: get_export_body(user_id) :value
-- The compressed file; NULL where none is ready.
SELECT body FROM data_exports WHERE user_id = $1 AND expires_at > now();

-- name: claim_export() :value
-- Whose export is to be made next. SKIP LOCKED: two workers never make the same one.
SELECT user_id
FROM data_exports
WHERE finished_at IS NULL
ORDER BY requested_at
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: finish_export(user_id, body) :exec
-- The file, for 24 hours.
UPDATE data_exports
SET body = $2, finished_at = now(), expires_at = now() + interval '24 hours', error = NULL
WHERE user_id = $1;

-- name: fail_export(user_id, error) :exec
-- It could not be made; whoever asks again gets another try.
UPDATE data_exports
SET error = $2, finished_at = now()
WHERE user_id = $1 AND finished_at IS NULL;

-- name: delete_old_exports() :exec
-- Files that nobody may fetch any more, and failures of the day before.
DELETE FROM data_exports WHERE expires_at < now() OR (error IS NOT NULL AND finished_at < now() - interval '24 hours');

-- name: delete_export(user_id) :exec
-- Its owner has left.
DELETE FROM data_exports WHERE user_id = $1;

-- name: build_export(user_id) :value
-- Everything that is kept of a person, but for secrets, as one JSON text. A new kind of data is a new pair here.
SELECT json_build_object(
    'exportedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'account', json_build_object(
        'id', u.id, 'email', u.email, 'username', u.username, 'role', u.role, 'status', u.status,
        'emailVerifiedAt', u.email_verified_at, 'createdAt', u.created_at, 'updatedAt', u.updated_at
    ),
    'profile', json_build_object(
        'firstName', u.first_name, 'lastName', u.last_name, 'jobTitle', u.job_title, 'department', u.department,
        'location', u.location, 'bio', u.bio, 'phone', u.phone, 'avatarUrl', u.avatar_url
    ),
    'sessions', (
        SELECT coalesce(json_agg(json_build_object(
            'id', s.id, 'platform', s.platform, 'device', s.device, 'ip', s.ip, 'userAgent', s.user_agent,
            'createdAt', s.created_at, 'lastUsedAt', s.refreshed_at, 'endedAt', s.revoked_at
        ) ORDER BY s.id), '[]')
        FROM sessions AS s
        WHERE s.user_id = u.id
    ),
    'identities', (
        SELECT coalesce(json_agg(json_build_object(
            'provider', d.provider, 'subject', d.subject, 'username', d.username, 'name', d.name, 'email', d.email,
            'avatarUrl', d.avatar_url, 'createdAt', d.created_at, 'lastUsedAt', d.last_used_at
        ) ORDER BY d.provider), '[]')
        FROM identities AS d
        WHERE d.user_id = u.id
    ),
    'apiKeys', (
        SELECT coalesce(json_agg(json_build_object(
            'id', k.id, 'name', k.name, 'shown', k.shown, 'scopes', k.scopes, 'createdAt', k.created_at,
            'lastUsedAt', k.last_used_at, 'expiresAt', k.expires_at, 'revokedAt', k.revoked_at
        ) ORDER BY k.id), '[]')
        FROM api_keys AS k
        WHERE k.user_id = u.id
    ),
    'posts', (
        SELECT coalesce(json_agg(json_build_object(
            'id', p.id, 'type', p.type, 'title', p.title, 'body', p.body, 'createdAt', p.created_at,
            'updatedAt', p.updated_at
        ) ORDER BY p.id), '[]')
        FROM posts AS p
        WHERE p.author_id = u.id
    ),
    'uploads', (
        SELECT coalesce(json_agg(json_build_object(
            'id', f.id, 'postId', f.post_id, 'name', f.name, 'type', f.type, 'bytes', f.bytes, 'width', f.width,
            'height', f.height, 'url', f.url, 'createdAt', f.created_at
        ) ORDER BY f.id), '[]')
        FROM uploads AS f
        WHERE f.owner_id = u.id AND f.arrived_at IS NOT NULL AND f.removed_at IS NULL
    ),
    'comments', (
        SELECT coalesce(json_agg(json_build_object(
            'id', c.id, 'postId', c.post_id, 'parentId', c.parent_id, 'body', c.body, 'createdAt', c.created_at,
            'updatedAt', c.updated_at
        ) ORDER BY c.id), '[]')
        FROM comments AS c
        WHERE c.author_id = u.id
    ),
    'likes', (
        SELECT coalesce(json_agg(json_build_object('postId', l.post_id, 'createdAt', l.created_at)), '[]')
        FROM likes AS l
        WHERE l.user_id = u.id
    ),
    'interests', (
        SELECT coalesce(json_agg(json_build_object('postId', t.post_id, 'createdAt', t.created_at)), '[]')
        FROM interests AS t
        WHERE t.user_id = u.id
    ),
    'following', (
        SELECT coalesce(json_agg(json_build_object('userId', f.followed_id, 'createdAt', f.created_at)), '[]')
        FROM follows AS f
        WHERE f.follower_id = u.id
    ),
    'followers', (
        SELECT coalesce(json_agg(json_build_object('userId', f.follower_id, 'createdAt', f.created_at)), '[]')
        FROM follows AS f
        WHERE f.followed_id = u.id
    ),
    'notifications', (
        SELECT coalesce(json_agg(json_build_object(
            'id', i.id, 'type', i.type, 'title', i.title, 'message', i.message, 'isRead', i."isRead",
            'archivedAt', i."archivedAt", 'createdAt', i."createdAt"
        ) ORDER BY i.id), '[]')
        FROM notification_items AS i
        WHERE i."_receiverId" = u.id
    ),
    'events', (
        SELECT coalesce(json_agg(json_build_object(
            'id', e.id, 'type', e.type, 'entityType', e.entity_type, 'entityId', e.entity_id, 'payload', e.payload,
            'metadata', e.metadata, 'createdAt', e.created_at
        ) ORDER BY e.id), '[]')
        FROM events AS e
        WHERE e.actor_id = u.id
    )
)::text
FROM users AS u
WHERE u.id = $1;
