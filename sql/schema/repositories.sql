-- Linked repositories and their commits as their readers see them.

CREATE OR REPLACE FUNCTION describe_repository(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(substring(r.url FROM '^[a-z]+://(.+)$')), NULL::text, NULL::uuid
    FROM repositories AS r
    WHERE r.id = $1
        AND project_role(r.project_id, $2, holds_permission($2, 'project:manage')) IN ('owner', 'editor', 'viewer')
$$;
COMMENT ON FUNCTION describe_repository(uuid, uuid) IS 'A linked repository in describe_entity(), for members of its project: by its address.';

CREATE OR REPLACE FUNCTION chain_repository(entity_id uuid)
RETURNS TABLE (part_type text, part_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT 'repository', $1
    UNION ALL
    SELECT 'project', r.project_id FROM repositories AS r WHERE r.id = $1
$$;
COMMENT ON FUNCTION chain_repository(uuid) IS 'A linked repository and its project, in chain_entity().';

SELECT gather_kinds();

DROP VIEW IF EXISTS repository_items;
CREATE VIEW repository_items AS
SELECT
    r.id, r.project_id AS "projectId", r.url, r.branch, r.default_branch AS "defaultBranch", r.status, r.reason, r.message,
    r.moved_to AS "movedTo",
    encode(r.head, 'hex') AS head, r.commit_count AS "commitCount", r.token IS NOT NULL AS "hasToken",
    r.interval_s AS interval, r.failing_since AS "failingSince", r.synced_at AS "lastSyncedAt",
    r.next_at AS "nextSyncAt", r.version, r.created_at AS "createdAt"
FROM repositories AS r;
COMMENT ON VIEW repository_items IS 'Linked repositories as members of their projects see them.';

DROP VIEW IF EXISTS git_commit_items;
CREATE VIEW git_commit_items AS
SELECT
    encode(c.sha, 'hex') AS sha,
    ARRAY(SELECT encode(p.sha, 'hex') FROM unnest(c.parents) WITH ORDINALITY AS p (sha, place) ORDER BY p.place) AS parents,
    c.author_name AS "authorName", c.author_email AS "authorEmail",
    (
        SELECT person(u) FROM users AS u
        WHERE u.email = c.author_email::citext AND u.email_verified_at IS NOT NULL
    ) AS "user",
    c.authored_at AS "authoredAt", c.committed_at AS "committedAt", c.subject, c.body,
    c.repository_id AS "_repositoryId", c.sha AS "_sha", c.n AS "_n", c.gone_at AS "goneAt"
FROM git_commits AS c;
COMMENT ON VIEW git_commit_items IS 'Commits; with the user whose verified address their author has.';
