-- What each role may do, and whose role or status has changed. Every node asks for both every few seconds.

-- name: list_role_permissions() :many
-- What each role may do, in the order of the codes.
SELECT role, array_agg(permission ORDER BY permission) AS permissions
FROM role_permissions
GROUP BY role
ORDER BY role;

-- name: list_changed_roles() :many
-- People whose role or status changed while an older access token may still be good: those last 15 minutes.
SELECT id, role_version
FROM users
WHERE role_changed_at > now() - interval '16 minutes';

-- name: take_turn() :exec
-- Changes of roles, of who has which, and of who is active take turns, so that an administrator is always left. The lock
-- falls with the transaction.
SELECT pg_advisory_xact_lock(x'6e6578'::integer, x'726f6c'::integer);

-- name: list_permissions() :many
-- Everything that can be allowed.
SELECT code, description FROM permissions ORDER BY code;

-- name: get_role_permissions(role) :value
-- What one role may do, in the order of the codes; NULL for nothing.
SELECT array_agg(permission ORDER BY permission) FROM role_permissions WHERE role = $1;

-- name: replace_role_permissions(role, permissions) :exec
-- Exactly these, from now on.
WITH gone AS (
    DELETE FROM role_permissions
    WHERE role = $1 AND permission <> ALL($2::text[])
)
INSERT INTO role_permissions (role, permission)
SELECT $1, code
FROM unnest($2::text[]) AS wanted (code)
ON CONFLICT ON CONSTRAINT role_permissions_pkey DO NOTHING;
