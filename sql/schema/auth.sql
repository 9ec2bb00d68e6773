-- Accounts: until when a sign-in lasts.

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
