SET LOCAL lock_timeout = '5s';

COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse, password, reclaimed or deactivated.';
