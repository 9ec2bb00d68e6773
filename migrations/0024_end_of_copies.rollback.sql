ALTER TABLE events DROP CONSTRAINT events_pkey;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id, created_at);
CREATE INDEX events_newest_idx ON events (created_at, id);
COMMENT ON COLUMN events.payload IS 'What those who hear of it need, in the API''s words.';
ALTER TABLE outbox_dead DROP COLUMN lane;
DROP INDEX outbox_dedup_key_idx;
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey;
ALTER TABLE outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE outbox ADD CONSTRAINT outbox_dedup_key_key UNIQUE (dedup_key);
ALTER TABLE outbox DROP COLUMN lane;
ALTER TABLE users ADD COLUMN scrubbed_at timestamptz;
COMMENT ON COLUMN users.scrubbed_at IS 'When the frames that were kept ceased to name the person who left.';

-- The frames of before are told as gone: what they showed can be fetched.
COMMENT ON TABLE room_frames IS 'What was sent to a room, kept so that a client that was away gets it in order and once.';
ALTER TABLE room_frames ALTER COLUMN data DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN entity_id DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN entity_type DROP NOT NULL;
ALTER TABLE room_frames ALTER COLUMN event DROP NOT NULL;
ALTER TABLE room_frames ADD COLUMN frame jsonb;
UPDATE room_frames SET frame = jsonb_build_object('event', regexp_replace(event, ':(created|updated)$', ':deleted'), 'data', data || jsonb_build_object('id', entity_id));
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
UPDATE notifications SET title = type;
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
CREATE FUNCTION place_in_explore() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    published_at timestamptz := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_at ELSE now() END;
BEGIN
    IF NEW.position IS NULL THEN
        DELETE FROM post_scores WHERE post_id = NEW.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, heat(published_at, 1), heat(published_at, 1));
    ELSE
        INSERT INTO post_scores (post_id, score, least_score)
        VALUES (NEW.id, measure_post(NEW.id, published_at), heat(published_at, 1))
        ON CONFLICT ON CONSTRAINT post_scores_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION place_in_explore() IS 'What stands in lists stands in explore, from its publication on.';
CREATE TRIGGER place_in_explore AFTER INSERT ON posts
FOR EACH ROW WHEN (NEW.position IS NOT NULL) EXECUTE FUNCTION place_in_explore();
CREATE TRIGGER replace_in_explore AFTER UPDATE OF position ON posts
FOR EACH ROW WHEN ((OLD.position IS NULL) <> (NEW.position IS NULL)) EXECUTE FUNCTION place_in_explore();

CREATE FUNCTION warm_post() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE post_scores
    SET score = add_heat(score, heat(NEW.created_at, TG_ARGV[0]::double precision))
    WHERE post_id = NEW.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION warm_post() IS 'A like, comment or interest (of the weight given) moves its post up.';

CREATE FUNCTION cool_posts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- Once a statement: a post that goes with 10,000 likes is not updated for each of them.
    UPDATE post_scores AS s
    SET score = take_heat(s.score, gone.taken, s.least_score)
    FROM (
        SELECT post_id, sum_heat(heat(created_at, TG_ARGV[0]::double precision)) AS taken
        FROM removed
        GROUP BY post_id
    ) AS gone
    WHERE s.post_id = gone.post_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cool_posts() IS 'Likes, comments or interests (of the weight given) that are taken back take their part of the score along.';

CREATE TRIGGER warm_post AFTER INSERT ON likes FOR EACH ROW EXECUTE FUNCTION warm_post('1');
CREATE TRIGGER warm_post AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION warm_post('2');
CREATE TRIGGER warm_post AFTER INSERT ON interests FOR EACH ROW EXECUTE FUNCTION warm_post('3');
CREATE TRIGGER cool_posts AFTER DELETE ON likes REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('1');
CREATE TRIGGER cool_posts AFTER DELETE ON comments REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('2');
CREATE TRIGGER cool_posts AFTER DELETE ON interests REFERENCING OLD TABLE AS removed
FOR EACH STATEMENT EXECUTE FUNCTION cool_posts('3');

-- Search. Words are found without their accents and by their English stem.

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

CREATE VIEW post_items AS
SELECT
    p.id,
    p.type,
    p.status,
    p.title,
    p.body,
    person(a) AS author,
    person(d) AS assignee,
    p.like_count AS "likeCount",
    p.comment_count AS "commentCount",
    p.interest_count AS "interestCount",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.url, f.thumbnail_url AS "thumbnailUrl"
                FROM uploads AS f
                WHERE f.post_id = p.id AND f.removed_at IS NULL
                ORDER BY f.position
            ) AS file
        ),
        '[]'::json
    ) AS uploads,
    p.version,
    p.created_at AS "createdAt",
    p.updated_at AS "updatedAt",
    p.author_id AS "_authorId",
    p.position AS "_position",
    -- An archived announcement has no position any more; the log of moves says when it was published last.
    CASE
        WHEN p.position IS NOT NULL THEN read_time(p.position)
        WHEN p.status = 'archived' THEN (
            SELECT read_time(g.id)
            FROM post_status_log AS g
            WHERE g.post_id = p.id AND g.to_status = 'published'
            ORDER BY g.id DESC
            LIMIT 1
        )
    END AS "publishedAt"
FROM posts AS p
INNER JOIN users AS a ON a.id = p.author_id
LEFT JOIN users AS d ON d.id = p.assignee_id;
COMMENT ON VIEW post_items IS 'Posts as the API and the frames show them, but for what depends on the viewer.';

CREATE VIEW notification_items AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    replace(n.title, '{actor}', coalesce(display_name(a), 'Somebody')) AS title,
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

-- Stand-ins for what 0022 made: its rollback drops them, and there is nothing left to carry over.
CREATE FUNCTION carry_over_notification(n notifications) RETURNS notifications
LANGUAGE sql STABLE
AS $$ SELECT n $$;
CREATE FUNCTION carry_over_frame(f room_frames) RETURNS room_frames
LANGUAGE sql STABLE
AS $$ SELECT f $$;
CREATE FUNCTION carry_counters() RETURNS trigger
LANGUAGE plpgsql
AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER carry_counters AFTER INSERT OR UPDATE OF like_count, comment_count, interest_count ON posts
FOR EACH ROW EXECUTE FUNCTION carry_counters();
CREATE FUNCTION carry_score() RETURNS trigger
LANGUAGE plpgsql
AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER carry_score AFTER INSERT OR UPDATE OR DELETE ON post_scores
FOR EACH ROW EXECUTE FUNCTION carry_score();
