-- transactional: false
-- Conversations between people, their messages, and files on these. The release before goes on meanwhile: it puts files on no
-- message. A second run begins where a first one ended.
SET lock_timeout = '5s';

CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE IF NOT EXISTS conversations (
    id uuid DEFAULT uuidv7() CONSTRAINT conversations_pkey PRIMARY KEY,
    kind text NOT NULL CONSTRAINT conversations_kind_known CHECK (kind IN ('direct', 'group')),
    title text CONSTRAINT conversations_title_length CHECK (length(title) BETWEEN 1 AND 120),
    low_id uuid CONSTRAINT conversations_low_id_fkey REFERENCES users ON DELETE SET NULL,
    high_id uuid CONSTRAINT conversations_high_id_fkey REFERENCES users ON DELETE SET NULL,
    last_n bigint NOT NULL DEFAULT 0,
    min_n bigint NOT NULL DEFAULT 1,
    member_count integer NOT NULL DEFAULT 0 CONSTRAINT conversations_member_count CHECK (member_count BETWEEN 0 AND 5000),
    position uuid NOT NULL DEFAULT uuidv7(),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conversations_pair_ordered CHECK (low_id <= high_id),
    CONSTRAINT conversations_title_of_group CHECK ((kind = 'group') = (title IS NOT NULL))
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX IF NOT EXISTS conversations_pair_key ON conversations (low_id, high_id) WHERE kind = 'direct';
CREATE INDEX IF NOT EXISTS conversations_high_id_idx ON conversations (high_id) WHERE high_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS conversations_empty_idx ON conversations (id) WHERE member_count = 0;
COMMENT ON TABLE conversations IS 'What people write to each other in: two of them, one alone, or a group. One without members is seen by nobody and is purged.';
COMMENT ON COLUMN conversations.low_id IS 'With high_id, whose direct conversation it is, in the order of their ids; twice the same: notes to oneself.';
COMMENT ON COLUMN conversations.last_n IS 'The number of the newest message, even if it has gone. Given out under the lock of this row: without gaps.';
COMMENT ON COLUMN conversations.min_n IS 'The number of the oldest message that is kept.';
COMMENT ON COLUMN conversations.member_count IS 'How many members it has, to choose what others are shown of them; the constraint is the limit.';
COMMENT ON COLUMN conversations.position IS 'The place in lists, which each message renews. In no index: a message changes the row where it stands (HOT).';

CREATE TABLE IF NOT EXISTS conversation_members (
    conversation_id uuid NOT NULL CONSTRAINT conversation_members_conversation_id_fkey REFERENCES conversations ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT conversation_members_user_id_fkey REFERENCES users ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CONSTRAINT conversation_members_role_known CHECK (role IN ('owner', 'member')),
    read_n bigint NOT NULL DEFAULT 0,
    delivered_n bigint NOT NULL DEFAULT 0,
    notified_n bigint NOT NULL DEFAULT 0,
    level text CONSTRAINT conversation_members_level_known CHECK (level IN ('all', 'mentions', 'none')),
    muted_until timestamptz,
    joined_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conversation_members_pkey PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS conversation_members_user_idx ON conversation_members (user_id, conversation_id);
COMMENT ON TABLE conversation_members IS 'Who is in which conversation, and how far they have come there. A message writes nothing here but the mark of its author.';
COMMENT ON COLUMN conversation_members.read_n IS 'Read up to this number.';
COMMENT ON COLUMN conversation_members.delivered_n IS 'A device of theirs has had the messages up to this number.';
COMMENT ON COLUMN conversation_members.notified_n IS 'The last message that they were notified of: above read_n they are not again.';
COMMENT ON COLUMN conversation_members.level IS 'Of what they are notified: all, mentions of them, nothing. NULL: all, in groups of more than 20 mentions.';
COMMENT ON COLUMN conversation_members.muted_until IS 'Until then they are not notified, and it is left out of the unread count over all conversations.';

CREATE TABLE IF NOT EXISTS messages (
    id uuid DEFAULT uuidv7() CONSTRAINT messages_pkey PRIMARY KEY,
    conversation_id uuid NOT NULL CONSTRAINT messages_conversation_id_fkey REFERENCES conversations ON DELETE CASCADE,
    n bigint NOT NULL,
    author_id uuid CONSTRAINT messages_author_id_fkey REFERENCES users ON DELETE SET NULL,
    body text CONSTRAINT messages_body_length CHECK (length(body) <= 10000),
    reply_to_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    edited_at timestamptz,
    deleted_at timestamptz,
    words tsvector,
    CONSTRAINT messages_n_key UNIQUE (conversation_id, n),
    CONSTRAINT messages_text_or_deleted CHECK ((body IS NULL) = (deleted_at IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS messages_deleted_idx ON messages (conversation_id, n) WHERE deleted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_author_idx ON messages (author_id, id);
CREATE INDEX IF NOT EXISTS messages_words_idx ON messages USING gin (conversation_id, words) WITH (gin_pending_list_limit = 512);
COMMENT ON TABLE messages IS 'What people write to each other. A deleted one keeps its number, without its text.';
COMMENT ON COLUMN messages.id IS 'The client may choose it: a retry then finds what the first attempt made. It says nothing of the order.';
COMMENT ON COLUMN messages.n IS 'Its place in the conversation, from 1.';
COMMENT ON COLUMN messages.body IS 'Empty where files say it all; NULL once it is deleted.';
COMMENT ON COLUMN messages.reply_to_id IS 'The message of the same conversation that it answers. No foreign key: that one may have been removed since.';
COMMENT ON COLUMN messages.words IS 'What it is found by; NULL once it is deleted.';

CREATE TABLE IF NOT EXISTS message_reactions (
    message_id uuid NOT NULL CONSTRAINT message_reactions_message_id_fkey REFERENCES messages ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT message_reactions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    emoji text NOT NULL CONSTRAINT message_reactions_emoji_length CHECK (length(emoji) BETWEEN 1 AND 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT message_reactions_pkey PRIMARY KEY (message_id, user_id, emoji)
);
CREATE INDEX IF NOT EXISTS message_reactions_user_id_idx ON message_reactions (user_id);
COMMENT ON TABLE message_reactions IS 'Who answered which message with which emoji.';

CREATE TABLE IF NOT EXISTS blocks (
    user_id uuid NOT NULL CONSTRAINT blocks_user_id_fkey REFERENCES users ON DELETE CASCADE,
    blocked_id uuid NOT NULL CONSTRAINT blocks_blocked_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT blocks_pkey PRIMARY KEY (user_id, blocked_id),
    CONSTRAINT blocks_no_self CHECK (user_id <> blocked_id)
);
CREATE INDEX IF NOT EXISTS blocks_blocked_idx ON blocks (blocked_id, user_id);
COMMENT ON TABLE blocks IS 'Who wants to hear nothing from whom: neither writes to the other directly, and nobody is notified of what the other says in groups.';

ALTER TABLE uploads ADD COLUMN IF NOT EXISTS message_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_message_id_fkey;
ALTER TABLE uploads ADD CONSTRAINT uploads_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages ON DELETE SET NULL NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_one_place;
ALTER TABLE uploads ADD CONSTRAINT uploads_one_place CHECK (num_nonnulls(post_id, task_id, message_id) <= 1) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE uploads VALIDATE CONSTRAINT uploads_message_id_fkey;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE uploads VALIDATE CONSTRAINT uploads_one_place;
-- squawk-ignore ban-drop-constraint
ALTER TABLE uploads DROP CONSTRAINT IF EXISTS uploads_one_subject;
COMMENT ON TABLE uploads IS 'Files of posts, tasks and messages. The row is there before the file is in its store, and goes only after the file has gone from it.';
COMMENT ON COLUMN uploads.message_id IS 'The message that it is on.';

INSERT INTO permissions (code, description) VALUES
('message:read', 'Read the conversations that one is a member of.'),
('message:create', 'Open conversations, write in one''s own, react, and block people.')
ON CONFLICT ON CONSTRAINT permissions_pkey DO NOTHING;
INSERT INTO role_permissions (role, permission)
SELECT r.role, p.code
FROM (VALUES ('member'), ('manager'), ('admin')) AS r (role)
CROSS JOIN (VALUES ('message:read'), ('message:create')) AS p (code)
ON CONFLICT ON CONSTRAINT role_permissions_pkey DO NOTHING;

RESET lock_timeout;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_message_id_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_message_id_idx ON uploads (message_id) WHERE message_id IS NOT NULL;
-- Files on a message are no more loose than those on a post or a task: nobody walks over them to count or sweep.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_unplaced_owner_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_unplaced_owner_idx ON uploads (owner_id)
WHERE post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_unplaced_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY uploads_unplaced_idx ON uploads (created_at)
WHERE post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_free_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS uploads_loose_idx;
