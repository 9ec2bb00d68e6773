-- References instead of copies: events, frames and notifications hold ids, and what people wrote is read from its own
-- row when it is shown. Counters leave the posts. This file only makes room; 0023 carries over what is stored, in
-- batches, while the service of the release before runs; 0024 ends the old.

CREATE TABLE post_stats (
    post_id uuid CONSTRAINT post_stats_pkey PRIMARY KEY
    CONSTRAINT post_stats_post_id_fkey REFERENCES posts ON DELETE CASCADE,
    like_count integer NOT NULL DEFAULT 0,
    comment_count integer NOT NULL DEFAULT 0,
    interest_count integer NOT NULL DEFAULT 0,
    score double precision,
    least_score double precision,
    CONSTRAINT post_stats_counts_positive CHECK (like_count >= 0 AND comment_count >= 0 AND interest_count >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE post_stats IS 'What of a post changes with every like and comment, so that these leave the post''s own row alone. A row a post.';
COMMENT ON COLUMN post_stats.like_count IS 'Rows in likes; written by sql/reactions.sql alone.';
COMMENT ON COLUMN post_stats.comment_count IS 'Rows in comments; written by sql/comments.sql alone.';
COMMENT ON COLUMN post_stats.interest_count IS 'Rows in interests; written by sql/reactions.sql alone.';
COMMENT ON COLUMN post_stats.score IS 'The order of explore: log2 of the sum of weight * 2^(days since 1970) over publication 1, likes 1, comments 2 and interests 3. NULL for posts that stand in no list.';
COMMENT ON COLUMN post_stats.least_score IS 'What the publication alone comes to.';

-- What the release before writes meanwhile is counted along.
CREATE FUNCTION carry_counters() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO post_stats AS s (post_id, like_count, comment_count, interest_count)
    VALUES (NEW.id, NEW.like_count, NEW.comment_count, NEW.interest_count)
    ON CONFLICT ON CONSTRAINT post_stats_pkey DO UPDATE
    SET like_count = excluded.like_count, comment_count = excluded.comment_count, interest_count = excluded.interest_count;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION carry_counters() IS 'Copies the counters of a post to post_stats while posts still has them.';
CREATE TRIGGER carry_counters AFTER INSERT OR UPDATE OF like_count, comment_count, interest_count ON posts
FOR EACH ROW EXECUTE FUNCTION carry_counters();

CREATE FUNCTION carry_score() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE post_stats SET score = NULL, least_score = NULL WHERE post_id = OLD.post_id;
    ELSE
        INSERT INTO post_stats AS s (post_id, score, least_score)
        VALUES (NEW.post_id, NEW.score, NEW.least_score)
        ON CONFLICT ON CONSTRAINT post_stats_pkey DO UPDATE
        SET score = excluded.score, least_score = excluded.least_score;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION carry_score() IS 'Copies the score of a post to post_stats while post_scores is still there.';
CREATE TRIGGER carry_score AFTER INSERT OR UPDATE OR DELETE ON post_scores
FOR EACH ROW EXECUTE FUNCTION carry_score();

ALTER TABLE notifications ADD COLUMN variant text NOT NULL DEFAULT '';
ALTER TABLE notifications ADD COLUMN entity_type text;
ALTER TABLE notifications ADD COLUMN entity_id uuid;
ALTER TABLE notifications ADD COLUMN params jsonb;
COMMENT ON COLUMN notifications.type IS 'What it is about, for instance comment; the manifest of its feature has the sentences.';
COMMENT ON COLUMN notifications.variant IS 'Which of the sentences of its type it says; empty for the usual one. Kept for ever.';
COMMENT ON COLUMN notifications.entity_type IS 'Kind of what it leads to: post, comment, user. NULL where it leads nowhere. No foreign key: what is gone is shown without excerpt and link.';
COMMENT ON COLUMN notifications.params IS 'States, numbers, dates and names of fields that its sentences need; never a text that somebody wrote.';

ALTER TABLE room_frames ADD COLUMN event text;
ALTER TABLE room_frames ADD COLUMN entity_type text;
ALTER TABLE room_frames ADD COLUMN entity_id uuid;
ALTER TABLE room_frames ADD COLUMN data jsonb;
ALTER TABLE room_frames ADD COLUMN members text[];
COMMENT ON COLUMN room_frames.event IS 'The frame''s name, for instance comment:created.';
COMMENT ON COLUMN room_frames.entity_type IS 'Kind of what it shows, rendered from the current row whenever the frame is sent.';
COMMENT ON COLUMN room_frames.data IS 'What it says beside that: ids, states, numbers.';
COMMENT ON COLUMN room_frames.members IS 'Which members of the entity it shows; NULL for all of them, {} for none.';

ALTER TABLE idempotency_keys ADD COLUMN entity_id uuid;
COMMENT ON COLUMN idempotency_keys.entity_id IS 'What the stored answer shows; body and location are blanked when it is deleted.';

-- An append-only trail, but for those who take the texts out of it and say so.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('nexcorp.carry_over', true) = 'on' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION carry_over_notification(n notifications) RETURNS notifications
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    statuses text[] := regexp_match(n.message, ': (\w+) -> (\w+)$');
BEGIN
    n.variant := CASE n.title
        WHEN '{actor} replied to your comment' THEN 'reply'
        WHEN '{actor} assigned a project to you' THEN 'assigned'
        WHEN '{actor} assigned your project' THEN 'own'
        WHEN '{actor} left your project to nobody' THEN 'own_taken'
        WHEN '{actor} took a project from you' THEN 'taken'
        WHEN 'An API key was made' THEN 'api_key_created'
        WHEN 'A device was signed out for your safety' THEN 'session_reused'
        WHEN 'Your password was changed' THEN 'password_changed'
        WHEN 'Your password was reset' THEN 'password_reset'
        WHEN 'Your e-mail address was changed' THEN 'email_changed'
        WHEN 'An account elsewhere opens yours' THEN 'identity_linked'
        ELSE ''
    END;
    n.params := CASE
        WHEN n.type = 'project_status' THEN jsonb_build_object(
            'from', coalesce(statuses[1], '?'), 'to', coalesce(statuses[2], '?')
        )
        ELSE '{}'
    END;
    -- A message goes with the comment it quoted; the post is not what it leads to.
    IF n.post_id IS NOT NULL AND n.comment_id IS NULL AND n.message = '' THEN
        RETURN n;
    END IF;
    IF n.comment_id IS NOT NULL THEN
        n.entity_type := 'comment';
        n.entity_id := n.comment_id;
    ELSIF n.post_id IS NOT NULL THEN
        n.entity_type := 'post';
        n.entity_id := n.post_id;
    ELSIF n.type = 'follow' AND n.actor_id IS NOT NULL THEN
        n.entity_type := 'user';
        n.entity_id := n.actor_id;
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION carry_over_notification(notifications) IS 'A notification with references in place of the texts it had.';

CREATE FUNCTION carry_over_frame(f room_frames) RETURNS room_frames
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    old jsonb := f.frame -> 'data';
    post_id uuid := coalesce(old ->> 'postId', old ->> 'id')::uuid;
BEGIN
    f.event := f.frame ->> 'event';
    -- What is left for the release before, as long as it runs: of a post or a comment no more than of one that was
    -- edited since, of a notification neither its sentences nor who did it.
    f.frame := CASE
        WHEN old ? 'body' THEN jsonb_build_object(
            'event', regexp_replace(f.frame ->> 'event', ':created$', ':updated'),
            'data', jsonb_strip_nulls(jsonb_build_object('id', old -> 'id', 'postId', old -> 'postId'))
        )
        WHEN old ? 'message' THEN jsonb_build_object(
            'event', f.frame -> 'event',
            'data', old || '{"title": "There is something new.", "message": "", "actor": null}'
        )
        ELSE f.frame
    END;
    CASE
        WHEN f.event LIKE 'post:%' THEN
            f.entity_type := 'post';
            f.entity_id := post_id;
            f.data := CASE f.event
                WHEN 'post:liked' THEN old - 'likeCount'
                ELSE jsonb_build_object('id', old -> 'id')
            END;
            f.members := CASE
                WHEN f.event = 'post:liked' THEN '{likeCount}'::text[]
                WHEN f.event = 'post:deleted' THEN '{}'
                WHEN old ? 'interestCount' AND NOT old ? 'author' THEN '{interestCount}'
            END;
        WHEN f.event = 'comment:deleted' THEN
            f.entity_type := 'post';
            f.entity_id := post_id;
            f.data := old - 'commentCount';
            f.members := CASE WHEN old ? 'commentCount' THEN '{commentCount}'::text[] ELSE '{}' END;
        WHEN f.event LIKE 'comment:%' THEN
            f.entity_type := 'comment';
            f.entity_id := (old ->> 'id')::uuid;
            f.data := jsonb_build_object('postId', old -> 'postId');
        WHEN f.event IN ('notification:created', 'notification:updated') THEN
            f.entity_type := 'notification';
            f.entity_id := (old ->> 'id')::uuid;
            f.data := '{}';
        ELSE
            f.entity_type := 'user';
            f.entity_id := split_part(f.room, ':', 2)::uuid;
            f.data := old;
            f.members := '{}';
    END CASE;
    RETURN f;
END
$$;
COMMENT ON FUNCTION carry_over_frame(room_frames) IS 'A frame with references in place of the texts it had.';
