-- Statements for the page of the console that the API does not offer.

-- name: list_demo_people(usernames) :many
-- The users with these usernames who exist and may sign in, in the order of `usernames`.
SELECT u.username, u.email, u.first_name AS "firstName", u.role
FROM users AS u
WHERE u.username = any($1::text[]::citext[]) AND u.status = 'active' AND u.email IS NOT NULL
ORDER BY array_position($1::text[], u.username::text);
