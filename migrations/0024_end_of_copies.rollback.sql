-- Functions, views and triggers of before come back by the runner, from the migrations that made them.
ALTER TABLE events DROP CONSTRAINT events_pkey;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id, created_at);
CREATE INDEX events_newest_idx ON events (created_at, id);
COMMENT ON COLUMN events.type IS 'What happened, for instance comment.created; see nexcorp/events/catalogue.py.';
COMMENT ON COLUMN events.payload IS 'What those who hear of it need, in the API''s words.';
ALTER TABLE outbox_dead DROP COLUMN lane;
DROP INDEX outbox_dedup_key_idx;
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey;
ALTER TABLE outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE outbox ADD CONSTRAINT outbox_dedup_key_key UNIQUE (dedup_key);
ALTER TABLE outbox DROP COLUMN lane;
ALTER TABLE users ADD COLUMN scrubbed_at timestamptz;
COMMENT ON COLUMN users.scrubbed_at IS 'When the frames that were kept ceased to name the person who left.';
CREATE INDEX users_unscrubbed_idx ON users (left_at) WHERE left_at IS NOT NULL AND scrubbed_at IS NULL;

-- The frames of before show what an edited post or comment left, no more than its id; notifications are told as gone: what
-- they showed can be fetched.
COMMENT ON TABLE room_frames IS 'What was sent to a room, kept so that a client that was away gets it in order and once.';
ALTER TABLE room_frames ALTER COLUMN data DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN entity_id DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN entity_type DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN event DROP NOT NULL;
ALTER TABLE room_frames ADD COLUMN frame jsonb;
UPDATE room_frames
SET frame = CASE
    WHEN members = '{}' OR event = 'comment:deleted' THEN jsonb_build_object('event', event, 'data', data)
    WHEN entity_type = 'notification'
        THEN jsonb_build_object('event', 'notification:deleted', 'data', jsonb_build_object('id', entity_id))
    ELSE jsonb_build_object(
        'event', entity_type || ':updated',
        'data', jsonb_build_object('id', entity_id) || CASE
            WHEN entity_type = 'comment' THEN jsonb_build_object('postId', data -> 'postId')
            ELSE '{}'
        END
    )
END;
ALTER TABLE room_frames ALTER COLUMN frame SET NOT NULL;
COMMENT ON COLUMN room_frames.frame IS 'The frame as clients get it.';
CREATE INDEX room_frames_text_idx ON room_frames (room, (frame -> 'data' ->> 'id')) WHERE frame -> 'data' ? 'body';

COMMENT ON COLUMN notifications.actor_id IS NULL;
ALTER TABLE notifications ALTER COLUMN params DROP NOT NULL;
ALTER TABLE notifications ALTER COLUMN params DROP DEFAULT;
CREATE INDEX notifications_actor_id_idx ON notifications (actor_id);
ALTER TABLE notifications ADD CONSTRAINT notifications_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users ON DELETE SET NULL;
ALTER TABLE notifications
ADD COLUMN title text NOT NULL DEFAULT '',
ADD COLUMN message text NOT NULL DEFAULT '',
ADD COLUMN post_id uuid CONSTRAINT notifications_post_id_fkey REFERENCES posts ON DELETE SET NULL,
ADD COLUMN comment_id uuid CONSTRAINT notifications_comment_id_fkey REFERENCES comments ON DELETE SET NULL;
ALTER TABLE notifications ALTER COLUMN title DROP DEFAULT;
ALTER TABLE notifications ALTER COLUMN message DROP DEFAULT;
UPDATE notifications AS n
SET post_id = p.id
FROM posts AS p
WHERE n.entity_type = 'post' AND p.id = n.entity_id;
UPDATE notifications AS n
SET post_id = c.post_id, comment_id = c.id
FROM comments AS c
WHERE n.entity_type = 'comment' AND c.id = n.entity_id;
UPDATE notifications AS n
SET
    title = CASE n.type
        WHEN 'like' THEN '{actor} liked your post'
        WHEN 'interest' THEN '{actor} is interested in your project'
        WHEN 'follow' THEN '{actor} follows you'
        WHEN 'mention' THEN '{actor} mentioned you'
        WHEN 'announcement' THEN '{actor} announced something'
        WHEN 'project_status' THEN '{actor} moved a project'
        WHEN 'comment' THEN CASE n.variant
            WHEN 'reply' THEN '{actor} replied to your comment'
            ELSE '{actor} commented on your post'
        END
        WHEN 'assignment' THEN CASE n.variant
            WHEN 'own' THEN '{actor} assigned your project'
            WHEN 'own_taken' THEN '{actor} left your project to nobody'
            WHEN 'taken' THEN '{actor} took a project from you'
            ELSE '{actor} assigned a project to you'
        END
        WHEN 'security' THEN CASE n.variant
            WHEN 'api_key_created' THEN 'An API key was made'
            WHEN 'session_reused' THEN 'A device was signed out for your safety'
            WHEN 'password_changed' THEN 'Your password was changed'
            WHEN 'password_reset' THEN 'Your password was reset'
            WHEN 'email_changed' THEN 'Your e-mail address was changed'
            ELSE 'An account elsewhere opens yours'
        END
        ELSE 'There is something new.'
    END,
    message = CASE
        WHEN n.type = 'security' THEN CASE n.variant
            WHEN 'api_key_created'
                THEN 'A program can act for you with it. If this was not you, revoke it and change your password.'
            WHEN 'session_reused'
                THEN 'Its sign-in was used from two places. If you do not know why, change your password.'
            WHEN 'password_changed'
                THEN 'All other devices were signed out. If this was not you, reset your password now.'
            WHEN 'password_reset' THEN 'All devices were signed out. If this was not you, tell your administrator.'
            WHEN 'email_changed' THEN 'Sign in with the new one. If this was not you, tell your administrator.'
            ELSE 'It was linked to sign in with. If this was not you, remove it and change your password.'
        END
        ELSE coalesce(
            (
                SELECT CASE WHEN length(left(t.text, 141)) > 140 THEN left(t.text, 139) || '…' ELSE t.text END
                FROM (
                    SELECT c.body AS text FROM comments AS c WHERE c.id = n.comment_id
                    UNION ALL
                    SELECT CASE WHEN n.type = 'mention' THEN p.body ELSE coalesce(p.title, p.body) END
                    FROM posts AS p
                    WHERE p.id = n.post_id AND n.comment_id IS NULL
                ) AS t
            )
            || CASE
                WHEN n.type = 'project_status'
                    THEN ': ' || (n.params ->> 'from') || ' -> ' || (n.params ->> 'to')
                ELSE ''
            END,
            ''
        )
    END;
CREATE INDEX notifications_post_id_idx ON notifications (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX notifications_comment_id_idx ON notifications (comment_id) WHERE comment_id IS NOT NULL;
COMMENT ON COLUMN notifications.title IS 'With {actor} where the actor''s name is shown.';
COMMENT ON COLUMN notifications.post_id IS 'The post it is about; NULL once that is deleted.';
COMMENT ON COLUMN notifications.comment_id IS 'The comment it is about; NULL once that is deleted.';
ALTER TABLE notifications ADD CONSTRAINT notifications_type_known CHECK (
    type IN (
        'like', 'comment', 'mention', 'follow', 'interest', 'assignment', 'announcement', 'project_status',
        'lead_created', 'score_updated', 'task_assigned', 'task_updated', 'task_completed', 'task_due',
        'comment_added', 'member_added', 'security'
    )
);

COMMENT ON TABLE posts IS 'What people publish. Room is left in each page for the counters, which change in place.';
ALTER TABLE posts ADD COLUMN like_count integer NOT NULL DEFAULT 0 CONSTRAINT posts_like_count_positive CHECK (like_count >= 0);
ALTER TABLE posts ADD COLUMN comment_count integer NOT NULL DEFAULT 0 CONSTRAINT posts_comment_count_positive CHECK (comment_count >= 0);
ALTER TABLE posts ADD COLUMN interest_count integer NOT NULL DEFAULT 0 CONSTRAINT posts_interest_count_positive CHECK (interest_count >= 0);
COMMENT ON COLUMN posts.like_count IS 'Rows in likes; written by sql/reactions.sql alone.';
COMMENT ON COLUMN posts.comment_count IS 'Rows in comments; written by sql/comments.sql alone.';
COMMENT ON COLUMN posts.interest_count IS 'Rows in interests; written by sql/reactions.sql alone.';
UPDATE posts AS p
SET like_count = s.like_count, comment_count = s.comment_count, interest_count = s.interest_count
FROM post_stats AS s
WHERE s.post_id = p.id;
CREATE TABLE post_scores (
    post_id uuid CONSTRAINT post_scores_pkey PRIMARY KEY
    CONSTRAINT post_scores_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    score double precision NOT NULL,
    least_score double precision NOT NULL
);
COMMENT ON TABLE post_scores IS 'The order of explore: posts that stand in lists, by recent engagement. A table of its own, so that posts are still updated in place. Written by triggers alone.';
COMMENT ON COLUMN post_scores.score IS 'log2 of the sum of weight * 2^(days since 1970) over publication 1, likes 1, comments 2 and interests 3.';
COMMENT ON COLUMN post_scores.least_score IS 'What the publication alone comes to.';
INSERT INTO post_scores (post_id, score, least_score)
SELECT post_id, score, least_score FROM post_stats WHERE score IS NOT NULL;
CREATE INDEX post_scores_score_idx ON post_scores (score, post_id);
