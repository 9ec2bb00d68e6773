COMMENT ON COLUMN notifications.message IS NULL;
DROP TRIGGER notifications_empty_message ON notifications;
DROP FUNCTION empty_message();
