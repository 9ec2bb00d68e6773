-- Users: profiles, search, role and status, leaving, and the export of their data. Accounts are inserted, and their sign-in
-- columns changed, by sql/auth.sql. Searches take the text twice: as it is (`q`), and for LIKE with %, _ and \ escaped
-- (`prefix`).

-- name: list_people(viewer_id, status, before, most) :many
-- The newest users of a status before an id. Bounds and ORDER BY on both columns of the index leave the planner no other index:
-- it would scan the ids of all users to find those of a rare status.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE i.status >= $2 AND (i.status, i.id) < ($2, $3)
ORDER BY i.status DESC, i.id DESC
LIMIT $4;

-- name: list_people_of_role(viewer_id, status, role, before, most) :many
-- The newest users of a role and status before an id; bounds as in list_people.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE (i.role, i.status) >= ($3, $2) AND (i.role, i.status, i.id) < ($3, $2, $4)
ORDER BY i.role DESC, i.status DESC, i.id DESC
LIMIT $5;

-- name: page_people(viewer_id, status, roles, most, skip) :many
-- One page by its number, for clients that need page numbers: it reads the rows that it skips.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE i.status = $2 AND i.role = ANY($3::text[])
ORDER BY i.id DESC
LIMIT $4 OFFSET $5;

-- name: count_people(status, roles) :value
-- The number of rows of all pages of page_people.
SELECT count(*)::integer FROM users WHERE status = $1 AND role = ANY($2::text[]);

-- name: search_people(viewer_id, q, prefix, status, roles, after_rank, after, most) :many
-- Users with a name that begins with `q`, then users with a similar name; the best match first, after a position (rank, id).
-- forgive() sets the threshold of similarity; it is in a scalar subquery, so that it runs before any comparison.
SELECT i.*, found.rank AS "_rank"
FROM (
    SELECT id, rank
    FROM (
        SELECT
            id,
            CASE WHEN search_text(username, first_name, last_name) LIKE '% ' || fold_text($3) || '%' THEN 0 ELSE 10000 END
            + round(1000 * (1 - word_similarity(fold_text($2), search_text(username, first_name, last_name))))::integer AS rank
        FROM users
        WHERE (search_text(username, first_name, last_name) LIKE '% ' || fold_text($3) || '%' OR (SELECT forgive(fold_text($2))) <% search_text(username, first_name, last_name))
            AND status = $4
            AND role = ANY($5::text[])
        -- OFFSET 0 keeps the rank, which is the most expensive part, from being computed for the bound and again for the order.
        OFFSET 0
    ) AS ranked
    WHERE (rank, id) > ($6, $7)
    ORDER BY rank, id
    LIMIT $8
) AS found
INNER JOIN people_seen_by($1) AS i ON i.id = found.id
ORDER BY found.rank, found.id;

-- name: page_found_people(viewer_id, q, prefix, status, roles, most, skip) :many
-- One page of a search by its number.
SELECT i.*, found.rank AS "_rank"
FROM (
    SELECT
        id,
        CASE WHEN search_text(username, first_name, last_name) LIKE '% ' || fold_text($3) || '%' THEN 0 ELSE 10000 END
        + round(1000 * (1 - word_similarity(fold_text($2), search_text(username, first_name, last_name))))::integer AS rank
    FROM users
    WHERE (search_text(username, first_name, last_name) LIKE '% ' || fold_text($3) || '%' OR (SELECT forgive(fold_text($2))) <% search_text(username, first_name, last_name))
        AND status = $4
        AND role = ANY($5::text[])
) AS found
INNER JOIN people_seen_by($1) AS i ON i.id = found.id
ORDER BY found.rank, found.id
LIMIT $6 OFFSET $7;

-- name: count_found_people(q, prefix, status, roles) :value
-- The number of users that a search finds.
SELECT count(*)::integer
FROM users
WHERE (search_text(username, first_name, last_name) LIKE '% ' || fold_text($2) || '%' OR (SELECT forgive(fold_text($1))) <% search_text(username, first_name, last_name))
    AND status = $3
    AND role = ANY($4::text[]);

-- name: get_profile(user_id, viewer_id) :one
-- One user with all fields; the service decides which of them a viewer may see.
SELECT
    u.id, u.username, u.first_name AS "firstName", u.last_name AS "lastName", u.job_title AS "jobTitle",
    u.department, u.location, u.bio, u.avatar_url AS "avatarUrl", u.role, u.created_at AS "createdAt",
    seen.followed, seen.follower_count AS "followerCount", seen.following_count AS "followingCount",
    seen.post_count AS "postCount",
    u.version, u.email, u.phone, u.status, u.email_verified_at IS NOT NULL AS "emailVerified",
    greatest(
        (SELECT max(s.refreshed_at) FROM sessions AS s WHERE s.user_id = u.id),
        (SELECT max(k.last_used_at) FROM api_keys AS k WHERE k.user_id = u.id)
    ) AS "lastSeenAt"
FROM users AS u
CROSS JOIN LATERAL standing_of($2, u.id) AS seen
WHERE u.id = $1;

-- name: fill_person_stats() :exec
-- Insert the counters of users that were loaded in bulk with their follows and posts.
INSERT INTO person_stats (user_id, follower_count, following_count, post_count)
SELECT
    u.id,
    (SELECT count(*) FROM follows AS f WHERE f.followed_id = u.id),
    (SELECT count(*) FROM follows AS f WHERE f.follower_id = u.id),
    (SELECT count(*) FROM posts AS p WHERE p.author_id = u.id AND p.position IS NOT NULL)
FROM users AS u
ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE
SET
    follower_count = excluded.follower_count, following_count = excluded.following_count,
    post_count = excluded.post_count;

-- name: get_id_by_username(username) :value
-- The id of the user with this username, ignoring case.
SELECT id FROM users WHERE username = $1::citext;

-- name: update_profile(user_id, versions, changes) :value
-- Change the fields present in `changes`, an object with the API's names; null clears a field. `versions` NULL matches any
-- version. Returns the names of the fields that had other values; without any, nothing changes. NULL if no active user with one
-- of these versions exists.
WITH held AS (
    SELECT
        id,
        jsonb_build_object(
            'username', username, 'firstName', first_name, 'lastName', last_name, 'jobTitle', job_title,
            'department', department, 'location', location, 'bio', bio, 'phone', phone, 'avatarUrl', avatar_url
        ) AS fields
    FROM users
    WHERE id = $1 AND status = 'active' AND ($2::integer[] IS NULL OR version = ANY($2))
    FOR NO KEY UPDATE
),
compared AS (
    SELECT
        h.id,
        h.fields || $3::jsonb AS fields,
        array(SELECT w.key FROM jsonb_each($3) AS w WHERE w.value IS DISTINCT FROM h.fields -> w.key ORDER BY w.key) AS names
    FROM held AS h
),
changed AS (
    UPDATE users AS u
    SET
        username = (c.fields ->> 'username')::citext,
        first_name = c.fields ->> 'firstName',
        last_name = c.fields ->> 'lastName',
        job_title = c.fields ->> 'jobTitle',
        department = c.fields ->> 'department',
        location = c.fields ->> 'location',
        bio = c.fields ->> 'bio',
        phone = c.fields ->> 'phone',
        avatar_url = c.fields ->> 'avatarUrl',
        version = u.version + 1,
        updated_at = now()
    FROM compared AS c
    WHERE u.id = c.id AND c.names <> '{}'
)
SELECT names FROM compared;

-- name: lock_standing(user_id) :one
-- Lock a user who has not left; returns role and status.
SELECT role, status
FROM users
WHERE id = $1 AND status <> 'deleted'
FOR UPDATE;

-- name: count_other_admins(user_id) :value
-- The number of active administrators other than this user; call roles.take_turn first.
SELECT count(*)::integer FROM users WHERE role = 'admin' AND status = 'active' AND id <> $1;

-- name: set_role(user_id, role) :value
-- Set a user's role; returns the new role version, which a trigger increments.
UPDATE users SET role = $2, updated_at = now() WHERE id = $1
RETURNING role_version;

-- name: set_status(user_id, status) :value
-- Set a user's status; returns the new role version, which a trigger increments.
UPDATE users SET status = $2, updated_at = now() WHERE id = $1
RETURNING role_version;

-- name: forget_person(user_id) :exec
-- Erase a user who leaves, except what others need to read the texts they wrote. The end of the id, which is random, makes the
-- username.
UPDATE users
SET
    status = 'deleted',
    role = 'member',
    username = 'former_' || right(id::text, 12),
    first_name = 'Former',
    last_name = 'member',
    job_title = NULL,
    department = NULL,
    location = NULL,
    bio = NULL,
    phone = NULL,
    avatar_url = NULL,
    version = version + 1,
    left_at = now(),
    updated_at = now()
WHERE id = $1;

-- name: list_departed(minutes) :many
-- Users who left in the last `minutes`. Leaving increments role_version, so the index on role_changed_at finds them.
SELECT id
FROM users
WHERE role_changed_at > now() - make_interval(mins => $1::integer) AND left_at IS NOT NULL
ORDER BY left_at, id;

-- name: export_account(user_id) :many
-- A user's account without secrets, for their export.
SELECT
    u.id, u.email, u.username, u.role, u.status, u.email_verified_at AS "emailVerifiedAt",
    u.created_at AS "createdAt", u.updated_at AS "updatedAt"
FROM users AS u
WHERE u.id = $1;

-- name: export_profile(user_id) :many
-- A user's profile, for their export.
SELECT
    u.first_name AS "firstName", u.last_name AS "lastName", u.job_title AS "jobTitle", u.department,
    u.location, u.bio, u.phone, u.avatar_url AS "avatarUrl"
FROM users AS u
WHERE u.id = $1;
