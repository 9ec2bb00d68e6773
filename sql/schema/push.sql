-- Push subscriptions end with the session that made them.

CREATE OR REPLACE FUNCTION end_pushes() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM push_subscriptions WHERE session_id = NEW.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION end_pushes() IS 'Deletes the push subscriptions of a session.';

CREATE OR REPLACE TRIGGER end_pushes AFTER UPDATE OF revoked_at ON sessions
FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION end_pushes();
COMMENT ON TRIGGER end_pushes ON sessions IS 'The push subscriptions of a session that is revoked are deleted.';
