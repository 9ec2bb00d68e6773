-- Browsers that push messages go to.
CREATE TABLE push_subscriptions (
    id uuid CONSTRAINT push_subscriptions_pkey PRIMARY KEY DEFAULT uuidv7(),
    user_id uuid NOT NULL CONSTRAINT push_subscriptions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    session_id uuid NOT NULL CONSTRAINT push_subscriptions_session_id_fkey REFERENCES sessions ON DELETE CASCADE,
    endpoint_hash bytea NOT NULL CONSTRAINT push_subscriptions_endpoint_hash_key UNIQUE,
    endpoint text NOT NULL,
    host text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    last_success_at timestamptz,
    failing_since timestamptz,
    failed_at timestamptz,
    CONSTRAINT push_subscriptions_endpoint_length CHECK (length(endpoint) BETWEEN 1 AND 2048),
    CONSTRAINT push_subscriptions_p256dh_length CHECK (length(p256dh) = 65),
    CONSTRAINT push_subscriptions_auth_length CHECK (length(auth) = 16)
) WITH (fillfactor = 80);
COMMENT ON TABLE push_subscriptions IS 'Browsers that Web Push messages go to, each as long as the session that subscribed it.';
COMMENT ON COLUMN push_subscriptions.id IS 'Another one when the browser has passed to another user.';
COMMENT ON COLUMN push_subscriptions.session_id IS 'The session that subscribed. The trigger end_pushes deletes the row when it is revoked.';
COMMENT ON COLUMN push_subscriptions.endpoint_hash IS 'SHA-256 of the endpoint.';
COMMENT ON COLUMN push_subscriptions.endpoint IS 'The URL at the browser''s push service. Whoever knows it can send there: it is shown to nobody.';
COMMENT ON COLUMN push_subscriptions.host IS 'The host of the endpoint, to be shown.';
COMMENT ON COLUMN push_subscriptions.p256dh IS 'The browser''s public key, an uncompressed point of P-256.';
COMMENT ON COLUMN push_subscriptions.auth IS 'The secret that the browser shares with us.';
COMMENT ON COLUMN push_subscriptions.expires_at IS 'When the push service ends it, where the browser was told.';
COMMENT ON COLUMN push_subscriptions.refreshed_at IS 'When the browser last sent it.';
COMMENT ON COLUMN push_subscriptions.last_success_at IS 'When the push service last took a message, up to a minute late.';
COMMENT ON COLUMN push_subscriptions.failing_since IS 'The first failure behind the last success.';
COMMENT ON COLUMN push_subscriptions.failed_at IS 'The last failure.';
CREATE INDEX push_subscriptions_user_id_idx ON push_subscriptions (user_id, refreshed_at);
CREATE INDEX push_subscriptions_session_id_idx ON push_subscriptions (session_id);
