-- Sessions: who is there, and how one is shown and described.

CREATE OR REPLACE FUNCTION is_here(p session_participants) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT (p).left_at IS NULL AND (p).seen_at > now() - interval '60 seconds'
$$;
COMMENT ON FUNCTION is_here(session_participants) IS 'Whether a participant is there: unseen for 60 seconds they have left.';

CREATE OR REPLACE FUNCTION shows_participant(session_id uuid, user_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM session_participants AS p WHERE p.session_id = $1 AND p.user_id = $2 AND is_here(p)
    )
$$;
COMMENT ON FUNCTION shows_participant(uuid, uuid) IS 'Whether a person is in a session now.';

CREATE OR REPLACE FUNCTION is_deserted(session_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT NOT EXISTS (
        SELECT FROM session_participants AS p
        WHERE p.session_id = $1 AND coalesce(p.left_at, p.seen_at) > now() - interval '24 hours'
    )
$$;
COMMENT ON FUNCTION is_deserted(uuid) IS 'Whether nobody has been in a session for 24 hours; a new one has to be older than that, too.';

DROP VIEW IF EXISTS session_items;
CREATE VIEW session_items AS
SELECT
    s.id,
    s.project_id AS "projectId",
    s.title,
    (
        SELECT json_build_object('id', f.id, 'path', f.path)
        FROM files AS f
        WHERE f.id = s.file_id AND f.deleted_at IS NULL
    ) AS file,
    (SELECT person(h) FROM users AS h WHERE h.id = s.host_id) AS host,
    (
        SELECT count(*)::integer FROM session_participants AS p WHERE p.session_id = s.id AND is_here(p)
    ) AS "participantCount",
    s.created_at AS "createdAt",
    s.ended_at AS "endedAt",
    s.host_id AS "_hostId"
FROM collab_sessions AS s;
COMMENT ON VIEW session_items IS 'Sessions as the API and the frames show them, but for what depends on the viewer.';

CREATE OR REPLACE FUNCTION describe_collab_session(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT s.title, s.title, NULL::uuid
    FROM collab_sessions AS s
    WHERE s.id = $1 AND project_role(s.project_id, $2, holds_permission($2, 'project:manage')) <> 'reader'
$$;
COMMENT ON FUNCTION describe_collab_session(uuid, uuid) IS 'A session in describe_entity().';

SELECT gather_kinds();
