-- transactional: false
-- The runner puts no transaction around this file: what is stored is carried over in batches of a few thousand rows,
-- each committed by itself, while the service runs. A second run begins where a first one ended.

-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS post_stats_score_idx ON post_stats (score, post_id) WHERE score IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS idempotency_keys_entity_idx ON idempotency_keys (entity_id) WHERE entity_id IS NOT NULL;

DO $$
DECLARE
    after uuid := '00000000-0000-0000-0000-000000000000';
    last uuid;
BEGIN
    LOOP
        -- Held, so that nobody counts between the reading and the writing of a row.
        WITH part AS (
            SELECT id, like_count, comment_count, interest_count FROM posts WHERE id > after ORDER BY id LIMIT 5000 FOR SHARE
        ),
        carried AS (
            INSERT INTO post_stats (post_id, like_count, comment_count, interest_count, score, least_score)
            SELECT p.id, p.like_count, p.comment_count, p.interest_count, s.score, s.least_score
            FROM part AS p
            LEFT JOIN post_scores AS s ON s.post_id = p.id
            ON CONFLICT ON CONSTRAINT post_stats_pkey DO UPDATE
            SET
                like_count = excluded.like_count, comment_count = excluded.comment_count,
                interest_count = excluded.interest_count,
                score = coalesce(post_stats.score, excluded.score),
                least_score = coalesce(post_stats.least_score, excluded.least_score)
        )
        SELECT id INTO last FROM part ORDER BY id DESC LIMIT 1;
        EXIT WHEN last IS NULL;
        after := last;
        COMMIT;
    END LOOP;
END
$$;

DO $$
DECLARE
    after uuid := '00000000-0000-0000-0000-000000000000';
    last uuid;
BEGIN
    LOOP
        WITH part AS (
            SELECT n.id FROM notifications AS n WHERE n.id > after ORDER BY n.id LIMIT 5000
        ),
        carried AS (
            UPDATE notifications AS n
            SET
                variant = c.variant, params = c.params, entity_type = c.entity_type, entity_id = c.entity_id,
                -- Titles are sentences of the release before, which shows them as long as it runs.
                message = CASE WHEN n.type = 'security' THEN n.message ELSE '' END
            FROM (
                SELECT (carry_over_notification(o)).*
                FROM part INNER JOIN notifications AS o ON o.id = part.id
                WHERE o.params IS NULL
                OFFSET 0
            ) AS c
            WHERE n.id = c.id
        )
        SELECT id INTO last FROM part ORDER BY id DESC LIMIT 1;
        EXIT WHEN last IS NULL;
        after := last;
        COMMIT;
    END LOOP;
END
$$;

DO $$
DECLARE
    after_room text := '';
    after_seq bigint := 0;
    last record;
BEGIN
    LOOP
        WITH part AS (
            SELECT f.room, f.seq
            FROM room_frames AS f
            WHERE (f.room, f.seq) > (after_room, after_seq)
            ORDER BY f.room, f.seq
            LIMIT 5000
        ),
        carried AS (
            UPDATE room_frames AS f
            SET
                event = c.event, entity_type = c.entity_type, entity_id = c.entity_id, data = c.data,
                members = c.members, frame = c.frame
            FROM (
                SELECT (carry_over_frame(o)).*
                FROM part INNER JOIN room_frames AS o ON o.room = part.room AND o.seq = part.seq
                WHERE o.event IS NULL
                OFFSET 0
            ) AS c
            WHERE f.room = c.room AND f.seq = c.seq
        )
        SELECT room, seq INTO last FROM part ORDER BY room DESC, seq DESC LIMIT 1;
        EXIT WHEN last.room IS NULL;
        after_room := last.room;
        after_seq := last.seq;
        COMMIT;
    END LOOP;
END
$$;

-- The trail said what was written, and what people and their devices were called.
DO $$
DECLARE
    texts text[] := '{post,comment,notification,excerpt,username,device,name}';
    after_at timestamptz := '-infinity';
    after_id uuid := '00000000-0000-0000-0000-000000000000';
    last record;
BEGIN
    LOOP
        PERFORM set_config('nexcorp.carry_over', 'on', true);
        WITH part AS (
            SELECT e.created_at, e.id
            FROM events AS e
            WHERE (e.created_at, e.id) > (after_at, after_id)
            ORDER BY e.created_at, e.id
            LIMIT 5000
        ),
        carried AS (
            UPDATE events AS e
            SET payload = e.payload - texts || CASE
                WHEN e.payload ? 'post' THEN jsonb_build_object('type', e.payload -> 'post' -> 'type')
                ELSE '{}'
            END
            FROM part
            WHERE e.created_at = part.created_at AND e.id = part.id AND e.payload ?| texts
        )
        SELECT created_at, id INTO last FROM part ORDER BY created_at DESC, id DESC LIMIT 1;
        EXIT WHEN last.id IS NULL;
        after_at := last.created_at;
        after_id := last.id;
        COMMIT;
    END LOOP;
END
$$;

-- Stored answers go with what they show; of those whose thing is gone already only the key is kept.
UPDATE idempotency_keys
SET entity_id = (convert_from(body, 'UTF8')::jsonb ->> 'id')::uuid
WHERE entity_id IS NULL AND status = 201 AND body IS NOT NULL AND convert_from(body, 'UTF8')::jsonb ? 'id';
UPDATE idempotency_keys AS k
SET body = NULL, location = NULL
WHERE k.location LIKE '/api/v1/posts/%'
    AND NOT EXISTS (SELECT FROM posts AS p WHERE p.id = k.entity_id)
    OR convert_from(k.body, 'UTF8') LIKE '%"postId":%'
    AND NOT EXISTS (SELECT FROM comments AS c WHERE c.id = k.entity_id)
    AND NOT EXISTS (SELECT FROM uploads AS u WHERE u.id = k.entity_id)
    OR k.location LIKE '/api/v1/uploads/%'
    AND NOT EXISTS (SELECT FROM uploads AS u WHERE u.id = k.entity_id AND u.removed_at IS NULL);
