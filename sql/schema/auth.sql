-- Accounts: how one is shown to its owner, and until when a sign-in lasts.

DROP VIEW IF EXISTS account_items;
CREATE VIEW account_items AS
SELECT
    u.id,
    u.email,
    u.username,
    u.first_name AS "firstName",
    u.last_name AS "lastName",
    u.avatar_url AS "avatarUrl",
    u.role,
    u.status,
    u.email_verified_at IS NOT NULL AS "emailVerified",
    u.created_at AS "createdAt",
    u.updated_at AS "updatedAt",
    u.role_version AS "_roleVersion"
FROM users AS u;
COMMENT ON VIEW account_items IS 'Accounts as their owners see them.';

CREATE OR REPLACE FUNCTION session_end(s sessions) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT least((s).expires_at, (s).refreshed_at + interval '30 days')
$$;
COMMENT ON FUNCTION session_end(sessions) IS 'When a session ends by itself: 90 days after the sign-in, or 30 days after it was last refreshed.';

CREATE OR REPLACE FUNCTION is_live(s sessions) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    -- As session_end() has it, but so that an index on refreshed_at serves.
    SELECT (s).revoked_at IS NULL AND (s).expires_at > now() AND (s).refreshed_at > now() - interval '30 days'
$$;
COMMENT ON FUNCTION is_live(sessions) IS 'Whether a session can still be refreshed: it is not revoked and has not come to its end.';
