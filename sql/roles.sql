-- The permissions of roles, and users whose role or status has changed. Every node reads both every few seconds.

-- name: list_role_permissions() :many
-- The permissions of each role, in order of their codes.
SELECT role, array_agg(permission ORDER BY permission) AS permissions
FROM role_permissions
GROUP BY role
ORDER BY role;

-- name: list_changed_roles() :many
-- Users whose role or status changed so recently that an older access token may still be valid: these tokens last 15 minutes.
SELECT id, role_version
FROM users
WHERE role_changed_at > now() - interval '16 minutes';

-- name: take_turn() :exec
-- Take the advisory lock for changes of roles, of their assignment, and of users' status until the transaction ends, so that an
-- active administrator always remains.
SELECT pg_advisory_xact_lock(x'6e6578'::integer, x'726f6c'::integer);

-- name: list_permissions() :many
-- All permissions.
SELECT code, description FROM permissions ORDER BY code;

-- name: get_role_permissions(role) :value
-- The permissions of one role, in order of their codes; NULL if it has none.
SELECT array_agg(permission ORDER BY permission) FROM role_permissions WHERE role = $1;

-- name: replace_role_permissions(role, permissions) :exec
-- Give a role exactly these permissions.
WITH gone AS (
    DELETE FROM role_permissions
    WHERE role = $1 AND permission <> ALL($2::text[])
)
INSERT INTO role_permissions (role, permission)
SELECT $1, code
FROM unnest($2::text[]) AS wanted (code)
ON CONFLICT ON CONSTRAINT role_permissions_pkey DO NOTHING;
