-- The console: what its page asks beside the API.

-- name: list_demo_people(usernames) :many
-- Those of these names who are there and may sign in, in the order of the names.
SELECT u.username, u.email, u.first_name AS "firstName", u.role
FROM users AS u
WHERE u.username = any($1::text[]::citext[]) AND u.status = 'active' AND u.email IS NOT NULL
ORDER BY array_position($1::text[], u.username::text);
