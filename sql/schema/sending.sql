-- What is sent outside of the service: what waits is considered anew when its receiver changes the hours.

CREATE OR REPLACE FUNCTION consider_held() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE deliveries AS d
    SET due_at = greatest(now(), d.created_at + CASE d.channel WHEN 'email' THEN interval '2 minutes' ELSE interval '0' END)
    WHERE d.receiver_id = old.user_id AND d.channel IN ('email', 'push') AND d.state = 'waiting' AND d.attempts = 0
        AND d.due_at > now();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION consider_held() IS 'What waits for the end of quiet hours or for a digest is due, and held anew by the hours as they are by then.';

CREATE OR REPLACE TRIGGER consider_held
AFTER DELETE OR UPDATE OF timezone, quiet_from, quiet_to, digest, digest_at ON notification_settings
FOR EACH ROW EXECUTE FUNCTION consider_held();
COMMENT ON TRIGGER consider_held ON notification_settings IS 'What waits for hours that have changed is considered anew.';

CREATE OR REPLACE FUNCTION trust_address() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    new.email_bounced_at := NULL;
    RETURN new;
END
$$;
COMMENT ON FUNCTION trust_address() IS 'An address that is proved anew takes mail.';

CREATE OR REPLACE TRIGGER trust_address BEFORE UPDATE OF email, email_verified_at ON users
FOR EACH ROW WHEN (old.email_bounced_at IS NOT NULL)
EXECUTE FUNCTION trust_address();
COMMENT ON TRIGGER trust_address ON users IS 'An address that is proved anew, or another one, is no longer one that refused mail.';
