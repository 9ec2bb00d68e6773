CREATE TABLE users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY DEFAULT uuidv7(),
    email citext NOT NULL CONSTRAINT users_email_key UNIQUE,
    username citext NOT NULL CONSTRAINT users_username_key UNIQUE,
    password_hash text,
    first_name text,
    last_name text,
    role text NOT NULL DEFAULT 'member',
    role_version integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_length CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_username_format CHECK (username ~ '^[A-Za-z0-9_]{3,30}$'),
    CONSTRAINT users_role_known CHECK (role IN ('admin', 'manager', 'member')),
    CONSTRAINT users_status_known CHECK (status IN ('active', 'deactivated'))
);
COMMENT ON TABLE users IS 'People who can sign in.';
COMMENT ON COLUMN users.email IS 'Sign-in name; compared without case.';
COMMENT ON COLUMN users.username IS 'Public name, what follows @ in a mention; compared without case.';
COMMENT ON COLUMN users.password_hash IS 'argon2id, or bcrypt until its owner signs in next; NULL where there is no password.';
COMMENT ON COLUMN users.role IS 'admin, manager or member.';
COMMENT ON COLUMN users.role_version IS 'Goes up with every change of role or status; older access tokens are then worthless.';
COMMENT ON COLUMN users.status IS 'active or deactivated.';

CREATE FUNCTION person(u users) RETURNS json
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN (u).id IS NOT NULL THEN json_build_object(
            'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name
        )
    END
$$;
COMMENT ON FUNCTION person(users) IS 'A user as embedded in what they wrote or did; NULL for nobody.';

CREATE FUNCTION display_name(u users) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(nullif(concat_ws(' ', (u).first_name, (u).last_name), ''), (u).username::text)
$$;
COMMENT ON FUNCTION display_name(users) IS 'What a user is called in a sentence: the full name, else the username.';

CREATE TABLE sessions (
    id uuid CONSTRAINT sessions_pkey PRIMARY KEY DEFAULT uuidv7(),
    user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    platform text NOT NULL,
    device text,
    ip text,
    user_agent text,
    refresh_counter integer NOT NULL DEFAULT 1,
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '90 days',
    revoked_at timestamptz,
    revoked_reason text,
    CONSTRAINT sessions_platform_known CHECK (platform IN ('web', 'mobile', 'cli'))
);
COMMENT ON TABLE sessions IS 'One sign-in on one device.';
COMMENT ON COLUMN sessions.refresh_counter IS 'The only refresh token that rotates carries this number; nothing replayable is stored.';
COMMENT ON COLUMN sessions.refreshed_at IS 'Last rotation; also the last use, for the idle limit of 30 days.';
COMMENT ON COLUMN sessions.expires_at IS 'The absolute end, 90 days after the sign-in.';
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit or reuse.';
CREATE INDEX sessions_user_id_idx ON sessions (user_id, refreshed_at) WHERE revoked_at IS NULL;
CREATE INDEX sessions_revoked_at_idx ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE tickets (
    token_hash bytea CONSTRAINT tickets_pkey PRIMARY KEY,
    session_id uuid NOT NULL CONSTRAINT tickets_session_id_fkey REFERENCES sessions ON DELETE CASCADE,
    purpose text NOT NULL,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '60 seconds',
    CONSTRAINT tickets_purpose_known CHECK (purpose IN ('ws', 'download'))
);
COMMENT ON TABLE tickets IS 'One-time proofs for clients that cannot send a header, such as a browser opening a socket.';
COMMENT ON COLUMN tickets.token_hash IS 'SHA-256 of the ticket; the ticket itself is never stored.';
CREATE INDEX tickets_session_id_idx ON tickets (session_id);
CREATE INDEX tickets_expires_at_idx ON tickets (expires_at);

CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    body bytea,
    location text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key)
);
COMMENT ON TABLE idempotency_keys IS 'Answers of POST requests, replayed to retries for 72 hours.';
COMMENT ON COLUMN idempotency_keys.scope IS 'The id of who asked; without an account anonymous and the address.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'HMAC of method, path and body: tells a retry from another request.';
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
