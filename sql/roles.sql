-- What each role may do, and whose role or status has changed. Every node asks for both every few seconds.

-- name: list_role_permissions() :many
-- What each role may do, in the order of the codes.
SELECT role, array_agg(permission ORDER BY permission) AS permissions
FROM role_permissions
GROUP BY role
ORDER BY role

-- name: list_changed_roles() :many
-- People whose role or status changed while an older access token may still be good: those last 15 minutes.
SELECT id, role_version
FROM users
WHERE role_changed_at > now() - interval '16 minutes'
