-- transactional: false
DROP INDEX CONCURRENTLY room_frames_text_idx;
