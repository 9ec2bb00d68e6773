-- The old ends: counters and texts that 0023 carried over, and what kept the copies in step. Few rows are left to
-- carry over: those of the last moments.

UPDATE notifications AS n
SET
    variant = c.variant, params = c.params, entity_type = c.entity_type, entity_id = c.entity_id
FROM (SELECT (carry_over_notification(o)).* FROM notifications AS o WHERE o.params IS NULL OFFSET 0) AS c
WHERE n.id = c.id;
UPDATE room_frames AS f
SET
    event = c.event, entity_type = c.entity_type, entity_id = c.entity_id, data = c.data, members = c.members
FROM (SELECT (carry_over_frame(o)).* FROM room_frames AS o WHERE o.event IS NULL OFFSET 0) AS c
WHERE f.room = c.room AND f.seq = c.seq;
INSERT INTO post_stats (post_id, like_count, comment_count, interest_count, score, least_score)
SELECT p.id, p.like_count, p.comment_count, p.interest_count, s.score, s.least_score
FROM posts AS p
LEFT JOIN post_scores AS s ON s.post_id = p.id
WHERE NOT EXISTS (SELECT FROM post_stats AS t WHERE t.post_id = p.id);
-- The release before went on writing behind the pass of 0023.
SET LOCAL nexcorp.carry_over = 'on';
UPDATE events AS e
SET payload = e.payload - '{post,comment,notification,excerpt,username,device,name}'::text[] || CASE
    WHEN e.payload ? 'post' THEN jsonb_build_object('type', e.payload -> 'post' -> 'type')
    ELSE '{}'
END
WHERE e.created_at > now() - interval '1 day'
    AND e.payload ?| '{post,comment,notification,excerpt,username,device,name}';
UPDATE idempotency_keys
SET entity_id = (convert_from(body, 'UTF8')::jsonb ->> 'id')::uuid
WHERE entity_id IS NULL AND status = 201 AND body IS NOT NULL AND convert_from(body, 'UTF8')::jsonb ? 'id';

DROP VIEW notification_items;
DROP VIEW post_items;

DROP TRIGGER carry_counters ON posts;
DROP FUNCTION carry_counters();
DROP TRIGGER carry_score ON post_scores;
DROP FUNCTION carry_score();
DROP FUNCTION carry_over_notification(notifications);
DROP FUNCTION carry_over_frame(room_frames);
DROP TRIGGER place_in_explore ON posts;
DROP TRIGGER replace_in_explore ON posts;
DROP FUNCTION place_in_explore();
DROP TRIGGER warm_post ON likes;
DROP TRIGGER warm_post ON comments;
DROP TRIGGER warm_post ON interests;
DROP FUNCTION warm_post();
DROP TRIGGER cool_posts ON likes;
DROP TRIGGER cool_posts ON comments;
DROP TRIGGER cool_posts ON interests;
DROP FUNCTION cool_posts();
-- squawk-ignore ban-drop-table
DROP TABLE post_scores;
DROP TRIGGER notifications_empty_message ON notifications;
DROP FUNCTION empty_message();
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- squawk-ignore ban-drop-column
ALTER TABLE posts DROP COLUMN like_count;
-- squawk-ignore ban-drop-column
ALTER TABLE posts DROP COLUMN comment_count;
-- squawk-ignore ban-drop-column
ALTER TABLE posts DROP COLUMN interest_count;
COMMENT ON TABLE posts IS 'What people publish. Its counters are in post_stats.';

-- The manifests of the features say which types there are.
-- squawk-ignore ban-drop-constraint
ALTER TABLE notifications DROP CONSTRAINT notifications_type_known;
-- squawk-ignore ban-drop-column
ALTER TABLE notifications DROP COLUMN title;
-- squawk-ignore ban-drop-column
ALTER TABLE notifications DROP COLUMN message;
-- squawk-ignore ban-drop-column
ALTER TABLE notifications DROP COLUMN post_id;
-- squawk-ignore ban-drop-column
ALTER TABLE notifications DROP COLUMN comment_id;
-- Nobody is deleted from users: whoever leaves keeps a row without a name.
-- squawk-ignore ban-drop-constraint
ALTER TABLE notifications DROP CONSTRAINT notifications_actor_id_fkey;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX notifications_actor_id_idx;
ALTER TABLE notifications ALTER COLUMN params SET DEFAULT '{}';
-- squawk-ignore adding-not-nullable-field
ALTER TABLE notifications ALTER COLUMN params SET NOT NULL;
COMMENT ON COLUMN notifications.actor_id IS 'Who did it; NULL where nobody is named. No foreign key: a row of users is never deleted.';

-- squawk-ignore ban-drop-column
ALTER TABLE room_frames DROP COLUMN frame;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE room_frames ALTER COLUMN event SET NOT NULL;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE room_frames ALTER COLUMN entity_type SET NOT NULL;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE room_frames ALTER COLUMN entity_id SET NOT NULL;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE room_frames ALTER COLUMN data SET NOT NULL;
COMMENT ON TABLE room_frames IS 'What was sent to a room, as references, kept so that a client that was away gets it in order and once.';

-- squawk-ignore ban-drop-column
ALTER TABLE users DROP COLUMN scrubbed_at;

-- Order is kept within an entity, so the queue has lanes; each is walked by its own key.
ALTER TABLE outbox ADD COLUMN lane smallint NOT NULL DEFAULT 0;
-- squawk-ignore ban-drop-constraint
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey;
-- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
ALTER TABLE outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (lane, id);
-- squawk-ignore ban-drop-constraint
ALTER TABLE outbox DROP CONSTRAINT outbox_dedup_key_key;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX outbox_dedup_key_idx ON outbox (dedup_key) WHERE dedup_key IS NOT NULL;
ALTER TABLE outbox_dead ADD COLUMN lane smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN outbox.lane IS 'Of the root entity: events of one entity are delivered in their order, by one worker at a time.';

-- One index by time serves the trail''s key and its newest events. The parent is partitioned, so none of its indexes can
-- be built CONCURRENTLY; before the first release the trail is small.
-- squawk-ignore ban-drop-constraint
ALTER TABLE events DROP CONSTRAINT events_pkey;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX events_newest_idx;
-- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (created_at, id);
COMMENT ON COLUMN events.type IS 'What happened, for instance comment.created; the manifest of its feature says who hears of it.';
COMMENT ON COLUMN events.payload IS 'Ids, states, numbers, dates and names of fields: what says who is told. Never a text that somebody wrote.';
