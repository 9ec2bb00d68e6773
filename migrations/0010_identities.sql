CREATE TABLE identities (
    provider text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL CONSTRAINT identities_user_id_fkey REFERENCES users ON DELETE CASCADE,
    username text,
    name text,
    email citext,
    email_verified boolean NOT NULL,
    avatar_url text,
    tokens bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identities_pkey PRIMARY KEY (provider, subject),
    CONSTRAINT identities_user_id_provider_key UNIQUE (user_id, provider),
    CONSTRAINT identities_provider_known CHECK (provider IN ('github', 'google', 'gitlab', 'oidc'))
);
COMMENT ON TABLE identities IS 'Accounts elsewhere that people sign in with; at most one of each provider for one person.';
COMMENT ON COLUMN identities.subject IS 'The provider''s own id of the person: names and addresses change hands, this does not.';
COMMENT ON COLUMN identities.username IS 'Like name, e-mail address and picture: as the provider had it at the first sign-in.';
COMMENT ON COLUMN identities.email_verified IS 'Whether the provider vouched for the address.';
COMMENT ON COLUMN identities.tokens IS 'The provider''s tokens, encrypted with a key made of JWT_SECRET; bound to provider and subject.';
