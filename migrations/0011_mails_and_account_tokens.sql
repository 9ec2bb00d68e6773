CREATE TABLE mails (
    id uuid CONSTRAINT mails_pkey PRIMARY KEY DEFAULT uuidv7(),
    user_id uuid NOT NULL CONSTRAINT mails_user_id_fkey REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL,
    address text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    failed_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mails_kind_known CHECK (
        kind IN (
            'verify_email', 'reset_password', 'change_email',
            'password_changed', 'password_reset', 'email_change_requested', 'email_changed'
        )
    )
) WITH (fillfactor = 80);
COMMENT ON TABLE mails IS 'The queue of mails: a row is written with what asks for it, and waits until it is sent.';
COMMENT ON COLUMN mails.kind IS 'What it says; the text is made when it is sent.';
COMMENT ON COLUMN mails.data IS 'What the text needs beyond the account. Never a secret: a token is made when the mail is sent.';
COMMENT ON COLUMN mails.next_at IS 'Not before this. While a worker sends it, the moment from which another one may.';
COMMENT ON COLUMN mails.failed_at IS 'When it was given up, for the reason in last_error.';
CREATE INDEX mails_due_idx ON mails (next_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mails_user_id_idx ON mails (user_id, kind, created_at);
CREATE INDEX mails_created_at_idx ON mails (created_at);

CREATE TABLE account_tokens (
    token_hash bytea CONSTRAINT account_tokens_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT account_tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL,
    email citext NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_tokens_purpose_known CHECK (purpose IN ('verify_email', 'reset_password', 'change_email'))
);
COMMENT ON TABLE account_tokens IS 'One-time proofs sent by mail: whoever has one reads the mail of that address.';
COMMENT ON COLUMN account_tokens.token_hash IS 'SHA-256 of the token; the token itself is never stored.';
COMMENT ON COLUMN account_tokens.email IS 'The address it was sent to; of change_email the new one.';
CREATE INDEX account_tokens_user_id_idx ON account_tokens (user_id, purpose);
CREATE INDEX account_tokens_expires_at_idx ON account_tokens (expires_at);

COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse or password.';
