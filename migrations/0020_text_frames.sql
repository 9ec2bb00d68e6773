-- transactional: false
-- The runner puts no transaction around this file: what was deleted before 0019 is emptied without a lock on the
-- table, and a second run begins where a first one ended. A mention in a comment is told by its event.
UPDATE notifications AS n
SET message = ''
WHERE n.message <> ''
    AND n.comment_id IS NULL
    AND (
        n.type = 'comment'
        OR n.post_id IS NULL
        AND n.type IN ('like', 'mention', 'interest', 'assignment', 'announcement', 'project_status')
        OR n.type = 'mention'
        AND EXISTS (SELECT FROM events AS e WHERE e.id = n.event_id AND e.type = 'comment.created')
    );
-- Frames with the text of a post or a comment. Likes, counters and notifications are not in it, and cost nothing.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY room_frames_text_idx ON room_frames (room, (frame -> 'data' ->> 'id')) WHERE frame -> 'data' ? 'body';
