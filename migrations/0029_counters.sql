-- transactional: false
-- How many follow a person, whom they follow, what they published, and a number that says which of two readings of a
-- post's counters is the newer one; and what is told too often by one person. The triggers are there first, and count what the release before writes meanwhile; then
-- everybody is counted in batches, each committed by itself. A second run begins where a first one ended.
SET lock_timeout = '5s';

CREATE TABLE IF NOT EXISTS person_stats (
    user_id uuid CONSTRAINT person_stats_pkey PRIMARY KEY
    CONSTRAINT person_stats_user_id_fkey REFERENCES users ON DELETE CASCADE,
    follower_count integer NOT NULL DEFAULT 0,
    following_count integer NOT NULL DEFAULT 0,
    post_count integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
COMMENT ON TABLE person_stats IS 'How much a person follows, is followed and publishes. No row means nothing of it. Written by the triggers count_follows and count_posts alone.';
COMMENT ON COLUMN person_stats.follower_count IS 'Rows in follows whose followed_id this is.';
COMMENT ON COLUMN person_stats.following_count IS 'Rows in follows whose follower_id this is.';
COMMENT ON COLUMN person_stats.post_count IS 'The person''s posts that stand in lists: those with a position.';

ALTER TABLE post_stats ADD COLUMN IF NOT EXISTS revision bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN post_stats.revision IS 'Goes up with every change of a counter: of two readings the one with the higher number is newer. A trigger counts.';

CREATE TABLE IF NOT EXISTS folded_notices (
    receiver_id uuid NOT NULL CONSTRAINT folded_notices_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    actor_id uuid NOT NULL CONSTRAINT folded_notices_actor_id_fkey REFERENCES users ON DELETE CASCADE,
    type text NOT NULL,
    times integer NOT NULL,
    entity_type text,
    entity_id uuid,
    due_at timestamptz NOT NULL,
    CONSTRAINT folded_notices_pkey PRIMARY KEY (receiver_id, actor_id, type)
);
CREATE INDEX IF NOT EXISTS folded_notices_actor_id_idx ON folded_notices (actor_id);
COMMENT ON TABLE folded_notices IS 'What one person would tell another too often within a minute: it is told as one notification.';
COMMENT ON COLUMN folded_notices.type IS 'The type of notification, for instance mention.';
COMMENT ON COLUMN folded_notices.times IS 'How often it would have been told.';
COMMENT ON COLUMN folded_notices.entity_id IS 'What the last of them leads to.';
COMMENT ON COLUMN folded_notices.due_at IS 'When it is told.';

CREATE OR REPLACE FUNCTION note_revision() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER note_revision BEFORE UPDATE ON post_stats
FOR EACH ROW WHEN (
    (OLD.like_count, OLD.comment_count, OLD.interest_count)
    IS DISTINCT FROM (NEW.like_count, NEW.comment_count, NEW.interest_count)
)
EXECUTE FUNCTION note_revision();

CREATE OR REPLACE FUNCTION count_follows() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO person_stats AS s (user_id, follower_count, following_count)
    SELECT c.user_id, step * sum(c.followers), step * sum(c.following)
    FROM (
        SELECT followed_id AS user_id, 1 AS followers, 0 AS following FROM changed
        UNION ALL
        SELECT follower_id, 0, 1 FROM changed
    ) AS c
    -- Where a person's row is deleted, all that is theirs goes along.
    INNER JOIN users AS u ON u.id = c.user_id
    GROUP BY c.user_id
    ORDER BY c.user_id
    ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE
    SET
        follower_count = s.follower_count + excluded.follower_count,
        following_count = s.following_count + excluded.following_count;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER count_new_follows AFTER INSERT ON follows
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_follows();
CREATE OR REPLACE TRIGGER count_ended_follows AFTER DELETE ON follows
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_follows();

CREATE OR REPLACE FUNCTION count_posts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO person_stats AS s (user_id, post_count)
    SELECT id, (NEW.position IS NOT NULL)::integer - (OLD.position IS NOT NULL)::integer
    FROM users
    WHERE id = coalesce(NEW.author_id, OLD.author_id)
    ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE SET post_count = s.post_count + excluded.post_count;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER count_new_posts AFTER INSERT ON posts
FOR EACH ROW WHEN (NEW.position IS NOT NULL) EXECUTE FUNCTION count_posts();
CREATE OR REPLACE TRIGGER count_moved_posts AFTER UPDATE OF position ON posts
FOR EACH ROW WHEN ((OLD.position IS NULL) <> (NEW.position IS NULL)) EXECUTE FUNCTION count_posts();
CREATE OR REPLACE TRIGGER count_deleted_posts AFTER DELETE ON posts
FOR EACH ROW WHEN (OLD.position IS NOT NULL) EXECUTE FUNCTION count_posts();

DO $$
DECLARE
    after uuid := '00000000-0000-0000-0000-000000000000';
    part uuid[];
BEGIN
    LOOP
        part := ARRAY(SELECT id FROM users WHERE id > after ORDER BY id LIMIT 1000);
        EXIT WHEN cardinality(part) = 0;
        -- Held, then counted by a statement of its own: whoever follows or publishes meanwhile counts on behind it.
        INSERT INTO person_stats (user_id)
        SELECT p.id FROM unnest(part) AS p (id) ORDER BY p.id
        ON CONFLICT ON CONSTRAINT person_stats_pkey DO NOTHING;
        PERFORM FROM person_stats WHERE user_id = ANY(part) ORDER BY user_id FOR NO KEY UPDATE;
        UPDATE person_stats AS s
        SET
            follower_count = (SELECT count(*) FROM follows AS f WHERE f.followed_id = s.user_id),
            following_count = (SELECT count(*) FROM follows AS f WHERE f.follower_id = s.user_id),
            post_count = (SELECT count(*) FROM posts AS p WHERE p.author_id = s.user_id AND p.position IS NOT NULL)
        WHERE s.user_id = ANY(part);
        after := part[cardinality(part)];
        COMMIT;
    END LOOP;
END
$$;
RESET lock_timeout;
