CREATE TABLE notifications (
    id uuid CONSTRAINT notifications_pkey PRIMARY KEY DEFAULT uuidv7(),
    receiver_id uuid NOT NULL CONSTRAINT notifications_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    event_id uuid NOT NULL,
    actor_id uuid CONSTRAINT notifications_actor_id_fkey REFERENCES users ON DELETE SET NULL,
    type text NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    post_id uuid CONSTRAINT notifications_post_id_fkey REFERENCES posts ON DELETE SET NULL,
    comment_id uuid CONSTRAINT notifications_comment_id_fkey REFERENCES comments ON DELETE SET NULL,
    once_key text,
    is_read boolean NOT NULL DEFAULT false,
    read_at timestamptz,
    seen_at timestamptz,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notifications_receiver_id_event_id_key UNIQUE (receiver_id, event_id),
    CONSTRAINT notifications_type_known CHECK (type IN ('like', 'comment', 'mention', 'follow'))
) WITH (fillfactor = 85);
COMMENT ON TABLE notifications IS 'What a person is told. One event tells one person once.';
COMMENT ON COLUMN notifications.event_id IS 'The event it tells of. No foreign key: retention drops old events.';
COMMENT ON COLUMN notifications.post_id IS 'The post it is about; NULL once that is deleted.';
COMMENT ON COLUMN notifications.comment_id IS 'The comment it is about; NULL once that is deleted.';
COMMENT ON COLUMN notifications.once_key IS 'Where set, the receiver has at most one with it: a like taken back and given again tells nothing new.';
COMMENT ON COLUMN notifications.seen_at IS 'When it was first shown in a list.';
CREATE UNIQUE INDEX notifications_once_key_idx ON notifications (receiver_id, once_key) WHERE once_key IS NOT NULL;
CREATE INDEX notifications_receiver_idx ON notifications (receiver_id, id);
CREATE INDEX notifications_unread_idx ON notifications (receiver_id, id) WHERE NOT is_read AND archived_at IS NULL;
CREATE INDEX notifications_actor_id_idx ON notifications (actor_id);
CREATE INDEX notifications_post_id_idx ON notifications (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX notifications_comment_id_idx ON notifications (comment_id) WHERE comment_id IS NOT NULL;

CREATE VIEW notification_items AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    n.title,
    n.message,
    n.is_read AS "isRead",
    n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt",
    person(a) AS actor,
    CASE
        WHEN n.comment_id IS NOT NULL THEN json_build_object('type', 'comment', 'id', n.comment_id)
        WHEN n.post_id IS NOT NULL THEN json_build_object('type', 'post', 'id', n.post_id)
        WHEN n.type = 'follow' AND a.id IS NOT NULL THEN json_build_object('type', 'user', 'id', a.id)
    END AS entity,
    n.post_id AS "postId",
    NULL::uuid AS "relatedLeadId",
    n.created_at AS "createdAt",
    n.updated_at AS "updatedAt"
FROM notifications AS n
LEFT JOIN users AS a ON a.id = n.actor_id;
COMMENT ON VIEW notification_items IS 'Notifications as the API and the frames show them.';

CREATE TABLE notification_counters (
    user_id uuid CONSTRAINT notification_counters_pkey PRIMARY KEY
    CONSTRAINT notification_counters_user_id_fkey REFERENCES users ON DELETE CASCADE,
    unread integer NOT NULL DEFAULT 0,
    CONSTRAINT notification_counters_unread_positive CHECK (unread >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE notification_counters IS 'How many notifications a person has neither read nor archived.';
COMMENT ON COLUMN notification_counters.unread IS 'Changes in the statement that changes the notifications, never recounted.';

CREATE TABLE rooms (
    name text CONSTRAINT rooms_pkey PRIMARY KEY,
    last_seq bigint NOT NULL DEFAULT 0,
    min_seq bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
COMMENT ON TABLE rooms IS 'Streams of frames: user:{id}, post:{id}, profile:{id} ...';
COMMENT ON COLUMN rooms.last_seq IS 'Number of the newest frame; the row''s lock is the right to give out the next.';
COMMENT ON COLUMN rooms.min_seq IS 'Number of the oldest frame that is still kept.';

CREATE TABLE room_frames (
    room text NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    frame jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT room_frames_pkey PRIMARY KEY (room, seq)
);
COMMENT ON TABLE room_frames IS 'What was sent to a room, kept so that a client that was away gets it in order and once.';
COMMENT ON COLUMN room_frames.seq IS 'Without gaps and in commit order in its room.';
COMMENT ON COLUMN room_frames.frame IS 'The frame as clients get it.';

CREATE TABLE room_acks (
    session_id uuid NOT NULL CONSTRAINT room_acks_session_id_fkey REFERENCES sessions ON DELETE CASCADE,
    room text NOT NULL,
    seq bigint NOT NULL,
    acked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT room_acks_pkey PRIMARY KEY (session_id, room)
) WITH (fillfactor = 70);
COMMENT ON TABLE room_acks IS 'How far each device says it has shown a room.';
COMMENT ON COLUMN room_acks.seq IS 'The highest number acknowledged; never goes back.';
