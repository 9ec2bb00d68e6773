CREATE FUNCTION empty_message() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.message := '';
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION empty_message() IS 'Takes the text of what was deleted out of a notification of it.';
-- For ON DELETE SET NULL of either link, whoever deletes.
CREATE TRIGGER notifications_empty_message BEFORE UPDATE OF post_id, comment_id ON notifications
FOR EACH ROW
WHEN (
    (OLD.post_id IS NOT NULL AND NEW.post_id IS NULL) OR (OLD.comment_id IS NOT NULL AND NEW.comment_id IS NULL)
)
EXECUTE FUNCTION empty_message();
COMMENT ON COLUMN notifications.message IS 'How what it tells of begins; empty once the post or the comment is deleted.';
