-- People: profiles, finding them, their role and status, leaving, and the export of their data. Accounts are inserted, and
-- their sign-in columns changed, by sql/auth.sql. Searches take `q` twice: as it is, and for LIKE with %, _ and \ escaped.

-- name: list_people(viewer_id, status, before, most) :many
-- The newest people of a status before an id. Bounds and order by both columns of the index leave the planner no other:
-- it would walk along the ids of all people to find those of a rare status.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE i.status >= $2 AND (i.status, i.id) < ($2, $3)
ORDER BY i.status DESC, i.id DESC
LIMIT $4;

-- name: list_people_of_role(viewer_id, status, role, before, most) :many
-- The newest people of a role before an id, likewise.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE (i.role, i.status) >= ($3, $2) AND (i.role, i.status, i.id) < ($3, $2, $4)
ORDER BY i.role DESC, i.status DESC, i.id DESC
LIMIT $5;

-- name: page_people(viewer_id, status, roles, most, skip) :many
-- A page by its number, for those who must have numbers: it reads what it skips.
SELECT i.*
FROM people_seen_by($1) AS i
WHERE i.status = $2 AND i.role = ANY($3::text[])
ORDER BY i.id DESC
LIMIT $4 OFFSET $5;

-- name: count_people(status, roles) :value
-- How many page_people would show in all.
SELECT count(*)::integer FROM users WHERE status = $1 AND role = ANY($2::text[]);

-- name: search_people(viewer_id, q, prefix, status, roles, after_rank, after, most) :many
-- Whoever has a name that begins with `q`, then whoever has one like it; the best first, behind a place by (rank, id).
-- forgive() says how like; it is asked in a SELECT of its own, so that it is done before anything is compared.
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
        -- A fence: without it the rank, which costs most, is computed for the bound and again for the order.
        OFFSET 0
    ) AS ranked
    WHERE (rank, id) > ($6, $7)
    ORDER BY rank, id
    LIMIT $8
) AS found
INNER JOIN people_seen_by($1) AS i ON i.id = found.id
ORDER BY found.rank, found.id;

-- name: page_found_people(viewer_id, q, prefix, status, roles, most, skip) :many
-- A page of a search by its number.
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
-- How many a search finds in all.
SELECT count(*)::integer
FROM users
WHERE (search_text(username, first_name, last_name) LIKE '% ' || fold_text($2) || '%' OR (SELECT forgive(fold_text($1))) <% search_text(username, first_name, last_name))
    AND status = $3
    AND role = ANY($4::text[]);

-- name: get_profile(user_id, viewer_id) :one
-- One person with everything; who may see what of it is the service's affair.
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
-- Counters of people that were loaded in bulk, with what they follow and published.
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
-- Whose username this is, whatever its case.
SELECT id FROM users WHERE username = $1::citext;

-- name: update_profile(user_id, versions, changes) :value
-- Change the fields that stand in `changes`, an object in the API's words; null clears one. NULL versions match any.
UPDATE users
SET
    username = CASE WHEN $3::jsonb ? 'username' THEN ($3 ->> 'username')::citext ELSE username END,
    first_name = CASE WHEN $3 ? 'firstName' THEN $3 ->> 'firstName' ELSE first_name END,
    last_name = CASE WHEN $3 ? 'lastName' THEN $3 ->> 'lastName' ELSE last_name END,
    job_title = CASE WHEN $3 ? 'jobTitle' THEN $3 ->> 'jobTitle' ELSE job_title END,
    department = CASE WHEN $3 ? 'department' THEN $3 ->> 'department' ELSE department END,
    location = CASE WHEN $3 ? 'location' THEN $3 ->> 'location' ELSE location END,
    bio = CASE WHEN $3 ? 'bio' THEN $3 ->> 'bio' ELSE bio END,
    phone = CASE WHEN $3 ? 'phone' THEN $3 ->> 'phone' ELSE phone END,
    avatar_url = CASE WHEN $3 ? 'avatarUrl' THEN $3 ->> 'avatarUrl' ELSE avatar_url END,
    version = version + 1,
    updated_at = now()
WHERE id = $1 AND status = 'active' AND ($2::integer[] IS NULL OR version = ANY($2))
RETURNING version;

-- name: lock_standing(user_id) :one
-- Role and status of a person who has not left, held until the transaction ends.
SELECT role, status
FROM users
WHERE id = $1 AND status <> 'deleted'
FOR UPDATE;

-- name: count_other_admins(user_id) :value
-- How many active administrators there are besides one; asked while it is our turn (sql/roles.sql).
SELECT count(*)::integer FROM users WHERE role = 'admin' AND status = 'active' AND id <> $1;

-- name: set_role(user_id, role) :value
-- Another role; returns the new role version, which a trigger counts.
UPDATE users SET role = $2, updated_at = now() WHERE id = $1
RETURNING role_version;

-- name: set_status(user_id, status) :value
-- Another status; returns the new role version, which a trigger counts.
UPDATE users SET status = $2, updated_at = now() WHERE id = $1
RETURNING role_version;

-- name: forget_person(user_id) :exec
-- Leaves of a person only what others need in order to read what that person wrote.
-- The end of the id, its random part, makes the name.
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
-- Who left in the last so many minutes. Leaving counts up role_version, so the index of role_changed_at finds them.
SELECT id
FROM users
WHERE role_changed_at > now() - make_interval(mins => $1::integer) AND left_at IS NOT NULL
ORDER BY left_at, id;

-- name: export_account(user_id) :many
-- A person's account, but for secrets.
SELECT
    u.id, u.email, u.username, u.role, u.status, u.email_verified_at AS "emailVerifiedAt",
    u.created_at AS "createdAt", u.updated_at AS "updatedAt"
FROM users AS u
WHERE u.id = $1;

-- name: export_profile(user_id) :many
-- What a person says of themselves.
SELECT
    u.first_name AS "firstName", u.last_name AS "lastName", u.job_title AS "jobTitle", u.department,
    u.location, u.bio, u.phone, u.avatar_url AS "avatarUrl"
FROM users AS u
WHERE u.id = $1;
