DROP TABLE room_acks;
DROP TABLE room_frames;
DROP TABLE rooms;
DROP TABLE notification_counters;
DROP VIEW notification_items;
DROP TABLE notifications;
