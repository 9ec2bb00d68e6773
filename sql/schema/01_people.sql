-- People as they are shown, called and found.

CREATE OR REPLACE FUNCTION person(u users) RETURNS json
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN (u).id IS NOT NULL THEN json_build_object(
            'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name,
            'avatarUrl', (u).avatar_url
        )
    END
$$;
COMMENT ON FUNCTION person(users) IS 'A user as embedded in what they wrote or did; NULL for nobody.';

CREATE OR REPLACE FUNCTION display_name(u users) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(nullif(concat_ws(' ', (u).first_name, (u).last_name), ''), (u).username::text)
$$;
COMMENT ON FUNCTION display_name(users) IS 'What a user is called in a sentence: the full name, else the username.';

CREATE OR REPLACE FUNCTION search_text(username citext, first_name text, last_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- With its schema: PostgreSQL builds indexes without a search path.
    SELECT public.fold_text(' ' || username::text || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))
$$;
COMMENT ON FUNCTION search_text(citext, text, text) IS 'What people are found by, in lower case and without accents; every name has a space before it, so that LIKE ''% ada%'' finds beginnings.';

CREATE OR REPLACE FUNCTION forgive(name text) RETURNS text
LANGUAGE sql
AS $$
    SELECT name FROM set_config('pg_trgm.word_similarity_threshold', '0.4', true)
$$;
COMMENT ON FUNCTION forgive(text) IS 'The same, and until the transaction ends `<%` forgives a slip in a short name, which PostgreSQL''s own threshold of 0.6 does not. Call it as (SELECT forgive(...)) beside the operator.';

CREATE OR REPLACE FUNCTION note_role_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.role_version := OLD.role_version + 1;
    NEW.role_changed_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION note_role_change() IS 'Makes access tokens of an older role or status worthless, whoever changes them: the service or a DBA.';

CREATE OR REPLACE TRIGGER note_role_change BEFORE UPDATE ON users
FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role OR OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION note_role_change();
COMMENT ON TRIGGER note_role_change ON users IS 'Access tokens of the role or status before are worthless from now on.';

CREATE OR REPLACE FUNCTION find_named(usernames citext[], only_id uuid DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    -- In plpgsql, so that a statement that calls it costs the planner the same however many names there are:
    -- with the array in sight it would plan that statement anew at every call.
    RETURN (
        SELECT coalesce(jsonb_agg(u.id), '[]')
        FROM users AS u
        WHERE u.username = ANY(usernames) AND u.status = 'active' AND (only_id IS NULL OR u.id = only_id)
    );
END
$$;
COMMENT ON FUNCTION find_named(citext[], uuid) IS 'Ids of the active people with these usernames, as an array; with `only_id` of nobody else.';

CREATE OR REPLACE FUNCTION count_follows() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO person_stats AS s (user_id, follower_count, following_count)
    SELECT c.user_id, step * sum(c.followers), step * sum(c.following)
    FROM (
        SELECT followed_id AS user_id, 1 AS followers, 0 AS following FROM changed
        UNION ALL
        SELECT follower_id, 0, 1 FROM changed
    ) AS c
    -- Where a person's row is deleted, all that is theirs goes along.
    INNER JOIN users AS u ON u.id = c.user_id
    GROUP BY c.user_id
    ORDER BY c.user_id
    ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE
    SET
        follower_count = s.follower_count + excluded.follower_count,
        following_count = s.following_count + excluded.following_count;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION count_follows() IS 'Counts follows that came or went for both people, whose rows it takes in one order.';

CREATE OR REPLACE TRIGGER count_new_follows AFTER INSERT ON follows
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_follows();
COMMENT ON TRIGGER count_new_follows ON follows IS 'Both people''s counters in person_stats go up.';

CREATE OR REPLACE TRIGGER count_ended_follows AFTER DELETE ON follows
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_follows();
COMMENT ON TRIGGER count_ended_follows ON follows IS 'Both people''s counters in person_stats go down.';

CREATE OR REPLACE FUNCTION standing_of(viewer_id uuid, user_id uuid)
RETURNS TABLE (followed boolean, follower_count integer, following_count integer, post_count integer)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT
        -- A scalar subquery: for EXISTS the planner would read all whom the viewer follows, to show one page.
        coalesce((SELECT true FROM follows AS f WHERE f.follower_id = $1 AND f.followed_id = $2), false),
        coalesce(s.follower_count, 0), coalesce(s.following_count, 0), coalesce(s.post_count, 0)
    FROM (VALUES (1)) AS one (row)
    LEFT JOIN person_stats AS s ON s.user_id = $2
$$;
COMMENT ON FUNCTION standing_of(uuid, uuid) IS 'Whether a viewer follows a person, and the person''s counters. Always one row; a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION people_seen_by(viewer uuid)
RETURNS TABLE (
    id uuid, username citext, "firstName" text, "lastName" text, "jobTitle" text, department text, location text,
    "avatarUrl" text, role text, "createdAt" timestamptz, email citext, status text, followed boolean,
    "followerCount" integer, "followingCount" integer, "postCount" integer
)
LANGUAGE sql STABLE
AS $$
    SELECT
        u.id, u.username, u.first_name, u.last_name, u.job_title, u.department, u.location, u.avatar_url, u.role,
        u.created_at, u.email, u.status, seen.followed, seen.follower_count, seen.following_count, seen.post_count
    FROM users AS u
    CROSS JOIN LATERAL standing_of($1, u.id) AS seen
$$;
COMMENT ON FUNCTION people_seen_by(uuid) IS 'People as lists show them to a viewer. In FROM, a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION person_seen(
    u users, followed boolean, follower_count integer, following_count integer, post_count integer
) RETURNS json
LANGUAGE sql STABLE
AS $$
    SELECT json_build_object(
        'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name,
        'avatarUrl', (u).avatar_url, 'followed', $2, 'followerCount', $3, 'followingCount', $4, 'postCount', $5
    )
$$;
COMMENT ON FUNCTION person_seen(users, boolean, integer, integer, integer) IS 'A user in a list of people: as person(), and what standing_of() says.';

CREATE OR REPLACE FUNCTION holds_permission(user_id uuid, permission text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(
        (
            SELECT true
            FROM users AS u
            INNER JOIN role_permissions AS p ON p.role = u.role AND p.permission = $2
            WHERE u.id = $1 AND u.status = 'active'
        ),
        false
    )
$$;
COMMENT ON FUNCTION holds_permission(uuid, text) IS 'Whether the role of an active person has a permission, for those who are told of something while they are away.';
