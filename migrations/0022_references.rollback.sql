DROP FUNCTION carry_over_frame(room_frames);
DROP FUNCTION carry_over_notification(notifications);
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
ALTER TABLE idempotency_keys DROP COLUMN entity_id;
ALTER TABLE room_frames DROP COLUMN members;
ALTER TABLE room_frames DROP COLUMN data;
ALTER TABLE room_frames DROP COLUMN entity_id;
ALTER TABLE room_frames DROP COLUMN entity_type;
ALTER TABLE room_frames DROP COLUMN event;
COMMENT ON COLUMN notifications.type IS NULL;
ALTER TABLE notifications DROP COLUMN params;
ALTER TABLE notifications DROP COLUMN entity_id;
ALTER TABLE notifications DROP COLUMN entity_type;
ALTER TABLE notifications DROP COLUMN variant;
DROP TRIGGER carry_score ON post_scores;
DROP FUNCTION carry_score();
DROP TRIGGER carry_counters ON posts;
DROP FUNCTION carry_counters();
DROP TABLE post_stats;
