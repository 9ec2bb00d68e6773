-- Linked repositories, as users see them and as workers sync them. A worker claims a row for a limited time; its writes take
-- effect only while it holds the claim, so that a run which was overtaken, or whose repository has changed meanwhile, writes
-- nothing.

-- name: get_repository(project_id) :one
-- The repository of a project.
SELECT i.* FROM repository_items AS i WHERE i."projectId" = $1;

-- name: render_repositories(ids) :many
-- Repositories as the rooms of their projects show them now.
SELECT i.*, ARRAY['project:' || i."projectId"] AS "_rooms"
FROM repository_items AS i
INNER JOIN projects AS p ON p.id = i."projectId"
WHERE i.id = ANY($1::uuid[]) AND p.deleted_at IS NULL;

-- name: link_repository(project_id, url, branch, interval_s) :value
-- Insert the repository of a project; returns its id.
INSERT INTO repositories (project_id, url, branch, interval_s) VALUES ($1, $2, $3, $4) RETURNING id;

-- name: seal_repository(project_id, token, hook_secret) :exec
-- Store the encrypted token and hook secret, which are bound to the repository's id.
UPDATE repositories SET token = $2, hook_secret = $3 WHERE project_id = $1;

-- name: update_repository(project_id, branch, interval_s, set_token, token) :exec
-- Change a repository's settings; it is synced at once, and a running sync loses its claim.
UPDATE repositories
SET
    branch = $2, interval_s = $3, token = CASE WHEN $4 THEN $5 ELSE token END, status = 'pending', failures = 0,
    next_at = now(), lease_until = '-infinity', claim = NULL, version = version + 1
WHERE project_id = $1;

-- name: unlink_repository(project_id) :value
-- Delete the repository of a project, with its commits; returns its id.
DELETE FROM repositories WHERE project_id = $1 RETURNING id;

-- name: interrupt_sync(project_id) :exec
-- Revoke the claim of a running sync, which notices it within one batch; until then its inserted commits lock the row against
-- deletion.
UPDATE repositories SET claim = NULL WHERE project_id = $1 AND claim IS NOT NULL;

-- name: ask_sync(project_id) :value
-- Request a sync soon, or another one after the running one. NULL if one was requested within the last minute.
UPDATE repositories
SET
    wanted_at = clock_timestamp(), asked_at = now(), next_at = now(),
    status = CASE WHEN status = 'syncing' THEN status ELSE 'pending' END
WHERE project_id = $1 AND asked_at <= now() - interval '1 minute'
RETURNING id;

-- name: get_hook(repository_id) :value
-- The encrypted hook secret of a repository; NULL if its project is in the trash.
SELECT r.hook_secret
FROM repositories AS r
INNER JOIN projects AS p ON p.id = r.project_id
WHERE r.id = $1 AND p.deleted_at IS NULL;

-- name: hear_hook(repository_id) :exec
-- Sync a repository soon, because its host has reported a change.
UPDATE repositories SET wanted_at = clock_timestamp(), next_at = now() WHERE id = $1;

-- name: list_branches(project_id) :many
-- The branches as of the last sync, by name.
SELECT b.key AS name, b.value AS head, b.key = coalesce(r.branch, r.default_branch) AS followed
FROM repositories AS r
CROSS JOIN LATERAL jsonb_each_text(r.refs) AS b
WHERE r.project_id = $1
ORDER BY b.key COLLATE "C";

-- name: list_commits(repository_id, author, words, since, before, most) :many
-- The newest commits of the branch. A NULL filter is ignored; `author` and `words` have %, _ and \ escaped.
SELECT i.*
FROM (
    SELECT c.repository_id, c.sha, c.n
    FROM git_commits AS c
    WHERE c.repository_id = $1
        AND c.gone_at IS NULL
        AND c.n < $5
        AND ($2::text IS NULL OR c.author_name ILIKE '%' || $2 || '%' OR c.author_email ILIKE $2)
        AND ($3::text IS NULL OR c.subject ILIKE '%' || $3 || '%' OR c.body ILIKE '%' || $3 || '%')
        AND ($4::timestamptz IS NULL OR c.authored_at >= $4)
    ORDER BY c.n DESC
    LIMIT $6
) AS found
INNER JOIN git_commit_items AS i ON i."_repositoryId" = found.repository_id AND i."_sha" = found.sha
ORDER BY found.n DESC;

-- name: get_commit(repository_id, sha) :one
-- One commit, even if the branch no longer contains it.
SELECT i.* FROM git_commit_items AS i WHERE i."_repositoryId" = $1 AND i."_sha" = $2;

-- name: claim_due(lease_seconds, most) :many
-- Claim repositories that are due and not claimed by another run.
WITH due AS (
    SELECT r.id
    FROM repositories AS r
    INNER JOIN projects AS p ON p.id = r.project_id
    WHERE r.next_at <= now() AND r.lease_until < now() AND p.deleted_at IS NULL
    ORDER BY r.next_at
    LIMIT $2
    FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE repositories AS r
SET
    claim = gen_random_uuid(), started_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => $1::double precision)
FROM due
WHERE r.id = due.id
RETURNING
    r.id, r.project_id, r.claim, r.url, r.branch, r.default_branch, r.status, r.head, r.refs, r.last_n, r.token, r.failures,
    r.reason;

-- name: extend_claim(repository_id, claim, lease_seconds) :value
-- Extend a claim; NULL if it is lost.
UPDATE repositories
SET lease_until = clock_timestamp() + make_interval(secs => $3::double precision)
WHERE id = $1 AND claim = $2
RETURNING true;

-- name: holds_claim(repository_id, claim) :value
-- True while a run holds its claim, else NULL.
SELECT true FROM repositories WHERE id = $1 AND claim = $2;

-- name: begin_sync(repository_id, claim) :value
-- Mark a repository as syncing, once there is something to fetch; NULL if the claim is lost.
UPDATE repositories SET status = 'syncing', version = version + 1 WHERE id = $1 AND claim = $2 RETURNING true;

-- name: release_claim(repository_id, claim) :exec
-- Give up a claim, so that another worker can sync the repository at once.
UPDATE repositories
SET status = CASE WHEN status = 'syncing' THEN 'pending' ELSE status END, lease_until = '-infinity', claim = NULL
WHERE id = $1 AND claim = $2;

-- name: add_commits(repository_id, shas, ns, parents, names, emails, authored, committed, subjects, bodies) :exec
-- Insert commits from parallel arrays; `parents` are hexadecimal, separated by spaces. A known commit that is on the branch
-- again gets its new number.
INSERT INTO git_commits AS g (
    repository_id, sha, n, parents, author_name, author_email, authored_at, committed_at, subject, body
)
SELECT
    $1, c.sha, c.n, ARRAY(SELECT decode(p.sha, 'hex') FROM string_to_table(nullif(c.parents, ''), ' ') AS p (sha)),
    c.author_name, c.author_email, c.authored_at, c.committed_at, c.subject, c.body
FROM unnest(
    $2::bytea[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[]
) AS c (sha, n, parents, author_name, author_email, authored_at, committed_at, subject, body)
ON CONFLICT ON CONSTRAINT git_commits_pkey DO UPDATE SET n = excluded.n, gone_at = NULL;

-- name: lose_commits(repository_id, shas) :value
-- Mark commits as no longer on the branch; returns the number of rows.
WITH lost AS (
    UPDATE git_commits SET gone_at = now()
    WHERE repository_id = $1 AND sha = ANY($2::bytea[]) AND gone_at IS NULL
    RETURNING 1
)
SELECT count(*) FROM lost;

-- name: lose_older(repository_id, last_n) :value
-- Mark all commits numbered up to `last_n` as no longer on the branch, because the sync gave them no new number; returns the
-- number of rows.
WITH lost AS (
    UPDATE git_commits SET gone_at = now()
    WHERE repository_id = $1 AND n <= $2 AND gone_at IS NULL
    RETURNING 1
)
SELECT count(*) FROM lost;

-- name: finish_sync(repository_id, claim, default_branch, head, refs, last_n, changed) :value
-- Store the result of a successful sync: default branch, head and branches. `changed`: commits were added or lost. NULL if the
-- claim is lost.
UPDATE repositories
SET
    status = 'synced', reason = NULL, message = NULL, moved_to = NULL, failures = 0, failing_since = NULL, told_at = NULL,
    default_branch = $3, head = $4, refs = $5, last_n = $6,
    commit_count = CASE
        WHEN $7::boolean
            THEN (SELECT count(*) FROM git_commits AS c WHERE c.repository_id = $1 AND c.gone_at IS NULL)
        ELSE commit_count
    END,
    synced_at = clock_timestamp(),
    next_at = CASE
        WHEN wanted_at > started_at THEN clock_timestamp() ELSE clock_timestamp() + make_interval(secs => interval_s)
    END,
    lease_until = '-infinity', claim = NULL, version = version + 1
WHERE id = $1 AND claim = $2
RETURNING true;

-- name: fail_sync(repository_id, claim, reason, message, moved_to) :one
-- Note that a sync failed; it is retried after 5, 10, 20 ... minutes, at most a day. After five refused tokens only a request
-- starts it again. `isNews`: a token was refused for the first time since the last success. No row if the claim is lost.
UPDATE repositories
SET
    status = 'failed', reason = $3, message = $4, moved_to = $5, failures = failures + 1,
    failing_since = coalesce(failing_since, now()),
    told_at = coalesce(told_at, CASE WHEN $3 = 'auth_failed' THEN now() END),
    next_at = CASE
        WHEN wanted_at > started_at THEN clock_timestamp()
        WHEN $3 = 'auth_failed' AND failures >= 4 THEN NULL
        ELSE clock_timestamp() + least(interval '5 minutes' * power(2, least(failures, 10)), interval '24 hours')
    END,
    lease_until = '-infinity', claim = NULL, version = version + 1
WHERE id = $1 AND claim = $2
RETURNING failures, coalesce(told_at = now(), false) AS "isNews";

-- name: list_known(ids) :many
-- The ids among these that are repositories.
SELECT id FROM repositories WHERE id = ANY($1::uuid[]);

-- name: list_owners_after(project_id, after, most) :many
-- The owners of a project after an id, to notify that its repository needs another token.
SELECT m.user_id AS receiver_id
FROM project_members AS m
WHERE m.project_id = $1 AND m.user_id > $2 AND m.role = 'owner'
ORDER BY m.user_id
LIMIT $3;
