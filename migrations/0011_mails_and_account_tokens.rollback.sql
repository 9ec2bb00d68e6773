COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit or reuse.';
DROP TABLE account_tokens;
DROP TABLE mails;
