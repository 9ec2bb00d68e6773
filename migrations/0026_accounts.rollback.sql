DROP TABLE freed_usernames;
DROP TABLE name_key;
DELETE FROM mails WHERE kind = 'invitation';
ALTER TABLE mails DROP CONSTRAINT mails_kind_known;
ALTER TABLE mails ADD CONSTRAINT mails_kind_known CHECK (
    kind IN (
        'verify_email', 'reset_password', 'change_email',
        'password_changed', 'password_reset', 'email_change_requested', 'email_changed'
    )
);
ALTER TABLE mails DROP COLUMN mailbox;
DROP INDEX account_tokens_invited_idx;
DELETE FROM account_tokens WHERE purpose = 'invitation';
ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_purpose_known;
ALTER TABLE account_tokens ADD CONSTRAINT account_tokens_purpose_known
CHECK (purpose IN ('verify_email', 'reset_password', 'change_email'));
COMMENT ON COLUMN account_tokens.user_id IS NULL;
DROP TABLE invitations;
ALTER TABLE sessions DROP COLUMN proved_at;
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse or password.';
