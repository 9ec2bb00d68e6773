ALTER TABLE sessions ADD COLUMN proved_at timestamptz;
COMMENT ON COLUMN sessions.proved_at IS 'When its owner last proved again who they are, by password or provider; NULL where never.';
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse, password, reclaimed or deactivated.';

CREATE TABLE invitations (
    id uuid CONSTRAINT invitations_pkey PRIMARY KEY DEFAULT uuidv7(),
    email citext NOT NULL,
    invited_by uuid NOT NULL CONSTRAINT invitations_invited_by_fkey REFERENCES users ON DELETE CASCADE,
    accepted_by uuid CONSTRAINT invitations_accepted_by_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days',
    accepted_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT invitations_email_length CHECK (length(email) BETWEEN 3 AND 254)
);
COMMENT ON TABLE invitations IS 'Addresses that administrators asked to register. The tokens of their mails are in account_tokens.';
COMMENT ON COLUMN invitations.email IS 'The address that may register with it, in the form that users.email has.';
COMMENT ON COLUMN invitations.accepted_by IS 'The account that it became.';
CREATE INDEX invitations_email_idx ON invitations (email);
CREATE INDEX invitations_invited_by_idx ON invitations (invited_by);
CREATE INDEX invitations_accepted_by_idx ON invitations (accepted_by);

-- Both tables hold the mails of a few days: their constraints are checked in a moment.
-- squawk-ignore ban-drop-constraint
ALTER TABLE account_tokens DROP CONSTRAINT account_tokens_purpose_known;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE account_tokens ADD CONSTRAINT account_tokens_purpose_known
CHECK (purpose IN ('verify_email', 'reset_password', 'change_email', 'invitation'));
COMMENT ON COLUMN account_tokens.user_id IS 'The account that it is of; of an invitation the account that invites.';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX account_tokens_invited_idx ON account_tokens (email) WHERE purpose = 'invitation';

ALTER TABLE mails ADD COLUMN mailbox text;
COMMENT ON COLUMN mails.mailbox IS 'The address in small letters without what follows a +: where mails are counted. NULL in rows of before.';
-- squawk-ignore ban-drop-constraint
ALTER TABLE mails DROP CONSTRAINT mails_kind_known;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE mails ADD CONSTRAINT mails_kind_known CHECK (
    kind IN (
        'verify_email', 'reset_password', 'change_email', 'invitation',
        'password_changed', 'password_reset', 'email_change_requested', 'email_changed'
    )
);

CREATE TABLE name_key (
    id boolean CONSTRAINT name_key_pkey PRIMARY KEY DEFAULT true,
    key bytea NOT NULL,
    CONSTRAINT name_key_single CHECK (id)
);
COMMENT ON TABLE name_key IS 'One row: the random key of the hashes in freed_usernames.';
INSERT INTO name_key (key)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

CREATE TABLE freed_usernames (
    name_hash bytea CONSTRAINT freed_usernames_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT freed_usernames_user_id_fkey REFERENCES users ON DELETE CASCADE,
    freed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE freed_usernames IS 'Usernames that were given up and stay reserved for a year, as keyed hashes.';
COMMENT ON COLUMN freed_usernames.user_id IS 'Who may take it again; NULL where that person has left.';
CREATE INDEX freed_usernames_user_id_idx ON freed_usernames (user_id, freed_at);
