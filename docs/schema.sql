-- The schema as migrations/ and sql/schema/ leave it. Written by `make schema`; a test compares it with a
-- migrated database. Months of the trail are left out. uuidv7() is PostgreSQL's own from 18 on; before that
-- sql/schema/00_ids.sql makes it.
SET check_function_bodies = off;

CREATE EXTENSION btree_gin;
CREATE EXTENSION citext;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;

CREATE TEXT SEARCH DICTIONARY nexcorp_stem (TEMPLATE = snowball, language = 'english');
COMMENT ON TEXT SEARCH DICTIONARY nexcorp_stem IS 'English stems of all words, stop words too.';

CREATE TEXT SEARCH CONFIGURATION nexcorp_all (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR asciihword WITH unaccent, nexcorp_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR asciiword WITH unaccent, nexcorp_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR email WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR file WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR float WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR host WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR hword WITH unaccent, nexcorp_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR hword_asciipart WITH unaccent, nexcorp_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR hword_numpart WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR hword_part WITH unaccent, nexcorp_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR int WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR numhword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR numword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR sfloat WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR uint WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR url WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR url_path WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR version WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_all ADD MAPPING FOR word WITH unaccent, nexcorp_stem;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_all IS 'How texts become words: as nexcorp_text, with stop words.';

CREATE TEXT SEARCH CONFIGURATION nexcorp_names (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR asciihword WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR asciiword WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR email WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR file WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR float WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR host WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR hword WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR hword_asciipart WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR hword_numpart WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR hword_part WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR int WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR numhword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR numword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR sfloat WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR uint WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR url WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR url_path WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR version WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_names ADD MAPPING FOR word WITH unaccent, simple;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_names IS 'How names become words: without accents, and nothing else.';

CREATE TEXT SEARCH CONFIGURATION nexcorp_text (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR asciihword WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR asciiword WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR email WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR file WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR float WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR host WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR hword WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR hword_asciipart WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR hword_numpart WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR hword_part WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR int WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR numhword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR numword WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR sfloat WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR uint WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR url WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR url_path WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR version WITH simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_text ADD MAPPING FOR word WITH unaccent, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_text IS 'How queries become words: without accents and stop words, by English stem.';

CREATE TEXT SEARCH CONFIGURATION nexcorp_words (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION nexcorp_words ADD MAPPING FOR asciiword WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_words ADD MAPPING FOR hword_asciipart WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_words ADD MAPPING FOR hword_part WITH unaccent, simple;
ALTER TEXT SEARCH CONFIGURATION nexcorp_words ADD MAPPING FOR word WITH unaccent, simple;
COMMENT ON TEXT SEARCH CONFIGURATION nexcorp_words IS 'The words of a text as they are written, without accents and numbers.';

CREATE OR REPLACE FUNCTION fold_text(written text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    -- Taken apart, accents are characters of their own; what Unicode does not take apart is replaced letter by letter.
    -- Vowel points, fillers of no width, selectors of variants and colours of skin go as well.
    SELECT CASE
        WHEN octet_length(written) = length(written) THEN lower(written)
        ELSE replace(replace(translate(
            lower(normalize(
                regexp_replace(
                    normalize(written, NFKD),
                    '[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]+',
                    '', 'g'
                ),
                NFC
            )),
            'øłđðħŧıς', 'olddhtiσ'
        ), 'ß', 'ss'), 'æ', 'ae')
    END
$function$;
COMMENT ON FUNCTION fold_text(text) IS 'A text in lower case, without accents, however its characters are composed and however wide: two that read alike are equal.';

CREATE OR REPLACE FUNCTION search_text(username citext, first_name text, last_name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    -- With its schema: PostgreSQL builds indexes without a search path.
    SELECT public.fold_text(' ' || username::text || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))
$function$;
COMMENT ON FUNCTION search_text(citext,text,text) IS 'What people are found by, in lower case and without accents; every name has a space before it, so that LIKE ''% ada%'' finds beginnings.';

CREATE TABLE account_tokens (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    email citext NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT account_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT account_tokens_purpose_known CHECK (purpose = ANY (ARRAY['verify_email'::text, 'reset_password'::text, 'change_email'::text, 'invitation'::text]))
);
COMMENT ON TABLE account_tokens IS 'One-time proofs sent by mail: whoever has one reads the mail of that address.';
COMMENT ON COLUMN account_tokens.token_hash IS 'SHA-256 of the token; the token itself is never stored.';
COMMENT ON COLUMN account_tokens.user_id IS 'The account that it is of; of an invitation the account that invites.';
COMMENT ON COLUMN account_tokens.email IS 'The address it was sent to; of change_email the new one.';
CREATE INDEX account_tokens_expires_at_idx ON account_tokens USING btree (expires_at);
CREATE INDEX account_tokens_invited_idx ON account_tokens USING btree (email) WHERE purpose = 'invitation'::text;
CREATE INDEX account_tokens_user_id_idx ON account_tokens USING btree (user_id, purpose);

CREATE TABLE ai_answers (
    message_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    failures smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone,
    worker_id text,
    cancel_at timestamp with time zone,
    prompt_tokens integer,
    completion_tokens integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    first_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT ai_answers_pkey PRIMARY KEY (message_id),
    CONSTRAINT ai_answers_reason_length CHECK (length(reason) <= 500),
    CONSTRAINT ai_answers_status_known CHECK (status = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'incomplete'::text, 'cancelled'::text, 'failed'::text]))
) WITH (fillfactor=50);
COMMENT ON TABLE ai_answers IS 'How each answer comes about. A worker leases one, renews the lease as it writes, and ends it; of a worker that died another one begins again.';
COMMENT ON COLUMN ai_answers.reason IS 'Why it is incomplete or has failed; while it is queued, why the last attempt did.';
COMMENT ON COLUMN ai_answers.attempts IS 'The number of the newest attempt: half of a position, the other half of which is an offset in its text. Never used twice.';
COMMENT ON COLUMN ai_answers.failures IS 'Attempts that failed; those that a worker handed back when it stopped are none.';
COMMENT ON COLUMN ai_answers.next_at IS 'When it is tried (again).';
COMMENT ON COLUMN ai_answers.cancel_at IS 'When its owner asked to end it.';
COMMENT ON COLUMN ai_answers.first_at IS 'When its first words came.';
CREATE INDEX ai_answers_chat_id_idx ON ai_answers USING btree (chat_id);
CREATE INDEX ai_answers_due_idx ON ai_answers USING btree (next_at) WHERE status = 'queued'::text;
CREATE INDEX ai_answers_lease_idx ON ai_answers USING btree (lease_until) WHERE status = 'running'::text;
CREATE INDEX ai_answers_live_idx ON ai_answers USING btree (owner_id) WHERE status = ANY (ARRAY['queued'::text, 'running'::text]);
CREATE UNIQUE INDEX ai_answers_one_per_chat ON ai_answers USING btree (chat_id) WHERE status = ANY (ARRAY['queued'::text, 'running'::text]);
CREATE INDEX ai_answers_owner_id_idx ON ai_answers USING btree (owner_id);

CREATE TABLE ai_chats (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner_id uuid NOT NULL,
    project_id uuid,
    title text,
    model text,
    leaf_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_chats_pkey PRIMARY KEY (id),
    CONSTRAINT ai_chats_model_length CHECK (length(model) >= 1 AND length(model) <= 200),
    CONSTRAINT ai_chats_title_length CHECK (length(title) >= 1 AND length(title) <= 200)
) WITH (fillfactor=85);
COMMENT ON TABLE ai_chats IS 'What people ask a language model. A chat is its owner''s alone, whatever else others may do.';
COMMENT ON COLUMN ai_chats.project_id IS 'The project whose files its questions may be answered from.';
COMMENT ON COLUMN ai_chats.model IS 'The model that is asked; NULL: that of the settings.';
COMMENT ON COLUMN ai_chats.leaf_id IS 'The newest message of the branch that was written to last; NULL while there is none.';
COMMENT ON COLUMN ai_chats.updated_at IS 'When it was last changed or written to.';
CREATE INDEX ai_chats_owner_id_idx ON ai_chats USING btree (owner_id, updated_at, id);
CREATE INDEX ai_chats_project_id_idx ON ai_chats USING btree (project_id) WHERE project_id IS NOT NULL;

CREATE TABLE ai_chunks (
    message_id uuid NOT NULL,
    attempt integer NOT NULL,
    at integer NOT NULL,
    text text NOT NULL,
    CONSTRAINT ai_chunks_pkey PRIMARY KEY (message_id, attempt, at)
);
COMMENT ON TABLE ai_chunks IS 'Answers as they come, ten parts a second at most; at its end they become the body. Appending to a row would write it anew each time.';
COMMENT ON COLUMN ai_chunks.at IS 'Where it stands in the answer of this attempt, in characters.';

CREATE TABLE ai_messages (
    id uuid DEFAULT uuidv7() NOT NULL,
    chat_id uuid NOT NULL,
    parent_id uuid,
    role text NOT NULL,
    body text DEFAULT ''::text NOT NULL,
    context jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_messages_pkey PRIMARY KEY (id),
    CONSTRAINT ai_messages_body_length CHECK (length(body) <= 1000000),
    CONSTRAINT ai_messages_role_known CHECK (role = ANY (ARRAY['user'::text, 'assistant'::text]))
) WITH (fillfactor=85);
COMMENT ON TABLE ai_messages IS 'The messages of chats, as a tree: an edited question, or an answer made again, is a sibling of the first one.';
COMMENT ON COLUMN ai_messages.body IS 'Of an answer empty until it has ended; see ai_chunks.';
COMMENT ON COLUMN ai_messages.context IS 'Of a question: the files chosen for it, [{"fileId"}], and whether to search. Of an answer: what it was made from, [{"fileId", "version", "passage"}].';
CREATE INDEX ai_messages_chat_id_idx ON ai_messages USING btree (chat_id, id);
CREATE INDEX ai_messages_parent_id_idx ON ai_messages USING btree (parent_id, id);

CREATE TABLE ai_usage (
    user_id uuid NOT NULL,
    day date NOT NULL,
    answers integer DEFAULT 0 NOT NULL,
    prompt_tokens bigint DEFAULT 0 NOT NULL,
    completion_tokens bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ai_usage_pkey PRIMARY KEY (user_id, day)
) WITH (fillfactor=70);
COMMENT ON TABLE ai_usage IS 'What each person used on a day, UTC. Whoever asks locks theirs first, so that limits hold exactly.';

CREATE TABLE api_keys (
    id uuid DEFAULT uuidv7() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    shown text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT api_keys_name_length CHECK (length(name) >= 1 AND length(name) <= 100),
    CONSTRAINT api_keys_scopes_some CHECK (cardinality(scopes) > 0)
);
COMMENT ON TABLE api_keys IS 'Keys with which programs act for a person: what both its scopes and that person''s role allow.';
COMMENT ON COLUMN api_keys.shown IS 'The beginning of the key, to recognise it by.';
COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of the key; the key itself is shown once and never stored.';
COMMENT ON COLUMN api_keys.scopes IS 'Codes of permissions.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Up to a minute late.';
CREATE INDEX api_keys_revoked_at_idx ON api_keys USING btree (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX api_keys_user_id_idx ON api_keys USING btree (user_id, id);

CREATE TABLE blocks (
    user_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT blocks_pkey PRIMARY KEY (user_id, blocked_id),
    CONSTRAINT blocks_no_self CHECK (user_id <> blocked_id)
);
COMMENT ON TABLE blocks IS 'Who wants to hear nothing from whom: neither writes to the other directly, and nobody is notified of what the other says in groups.';
CREATE INDEX blocks_blocked_idx ON blocks USING btree (blocked_id, user_id);

CREATE TABLE checklist_items (
    id uuid DEFAULT uuidv7() NOT NULL,
    task_id uuid NOT NULL,
    text text NOT NULL,
    is_done boolean DEFAULT false NOT NULL,
    rank bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT checklist_items_pkey PRIMARY KEY (id),
    CONSTRAINT checklist_items_text_length CHECK (length(text) >= 1 AND length(text) <= 500)
);
COMMENT ON TABLE checklist_items IS 'Small steps of a task, in their order.';
CREATE INDEX checklist_items_task_idx ON checklist_items USING btree (task_id, rank, id);

CREATE TABLE collab_sessions (
    id uuid DEFAULT uuidv7() NOT NULL,
    project_id uuid NOT NULL,
    file_id uuid,
    title text NOT NULL,
    host_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT collab_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT collab_sessions_title_length CHECK (length(title) >= 1 AND length(title) <= 200)
);
COMMENT ON TABLE collab_sessions IS 'Times at which people work on a project together.';
COMMENT ON COLUMN collab_sessions.file_id IS 'The file that it is about; NULL: the whole project.';
COMMENT ON COLUMN collab_sessions.ended_at IS 'When it was ended, or had been empty for 24 hours; NULL while it lives.';
CREATE INDEX collab_sessions_file_id_idx ON collab_sessions USING btree (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX collab_sessions_host_id_idx ON collab_sessions USING btree (host_id);
CREATE INDEX collab_sessions_live_idx ON collab_sessions USING btree (project_id, id) WHERE ended_at IS NULL;
CREATE INDEX collab_sessions_project_id_idx ON collab_sessions USING btree (project_id, id);

CREATE TABLE comment_documents (
    comment_id uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT comment_documents_pkey PRIMARY KEY (comment_id)
);
COMMENT ON TABLE comment_documents IS 'What comments are found by. Written by the worker.';
CREATE INDEX comment_documents_words_idx ON comment_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE comments (
    id uuid DEFAULT uuidv7() NOT NULL,
    post_id uuid,
    author_id uuid,
    parent_id uuid,
    body text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    task_id uuid,
    CONSTRAINT comments_pkey PRIMARY KEY (id),
    CONSTRAINT comments_body_length CHECK (length(body) >= 1 AND length(body) <= 5000),
    CONSTRAINT comments_one_subject CHECK (num_nonnulls(post_id, task_id) = 1),
    CONSTRAINT comments_placeholder_empty CHECK (
CASE
    WHEN body IS NULL THEN author_id IS NULL AND parent_id IS NULL
    ELSE author_id IS NOT NULL
END)
);
COMMENT ON TABLE comments IS 'What people say to a post or a task, and to each other, one level deep.';
COMMENT ON COLUMN comments.author_id IS 'NULL in a placeholder, which tells nobody who it was.';
COMMENT ON COLUMN comments.parent_id IS 'The comment this one replies to; that one has no parent itself.';
COMMENT ON COLUMN comments.body IS 'NULL in the placeholder of a deleted comment that has replies.';
COMMENT ON COLUMN comments.version IS 'Goes up with every edit.';
COMMENT ON COLUMN comments.task_id IS 'The task that it is on; NULL where it is on a post.';
CREATE INDEX comments_author_id_idx ON comments USING btree (author_id);
CREATE INDEX comments_parent_id_idx ON comments USING btree (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX comments_post_id_idx ON comments USING btree (post_id, id);
CREATE INDEX comments_task_id_idx ON comments USING btree (task_id, id) WHERE task_id IS NOT NULL;

CREATE TABLE conversation_members (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    read_n bigint DEFAULT 0 NOT NULL,
    delivered_n bigint DEFAULT 0 NOT NULL,
    notified_n bigint DEFAULT 0 NOT NULL,
    level text,
    muted_until timestamp with time zone,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT conversation_members_pkey PRIMARY KEY (conversation_id, user_id),
    CONSTRAINT conversation_members_level_known CHECK (level = ANY (ARRAY['all'::text, 'mentions'::text, 'none'::text])),
    CONSTRAINT conversation_members_role_known CHECK (role = ANY (ARRAY['owner'::text, 'member'::text]))
) WITH (fillfactor=70);
COMMENT ON TABLE conversation_members IS 'Who is in which conversation, and how far they have come there. A message writes nothing here but the mark of its author.';
COMMENT ON COLUMN conversation_members.read_n IS 'Read up to this number.';
COMMENT ON COLUMN conversation_members.delivered_n IS 'A device of theirs has had the messages up to this number.';
COMMENT ON COLUMN conversation_members.notified_n IS 'The last message that they were notified of: above read_n they are not again.';
COMMENT ON COLUMN conversation_members.level IS 'Of what they are notified: all, mentions of them, nothing. NULL: all, in groups of more than 20 mentions.';
COMMENT ON COLUMN conversation_members.muted_until IS 'Until then they are not notified, and it is left out of the unread count over all conversations.';
CREATE INDEX conversation_members_user_idx ON conversation_members USING btree (user_id, conversation_id);

CREATE TABLE conversations (
    id uuid DEFAULT uuidv7() NOT NULL,
    kind text NOT NULL,
    title text,
    low_id uuid,
    high_id uuid,
    last_n bigint DEFAULT 0 NOT NULL,
    min_n bigint DEFAULT 1 NOT NULL,
    member_count integer DEFAULT 0 NOT NULL,
    "position" uuid DEFAULT uuidv7() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT conversations_pkey PRIMARY KEY (id),
    CONSTRAINT conversations_kind_known CHECK (kind = ANY (ARRAY['direct'::text, 'group'::text])),
    CONSTRAINT conversations_member_count CHECK (member_count >= 0 AND member_count <= 5000),
    CONSTRAINT conversations_pair_ordered CHECK (low_id <= high_id),
    CONSTRAINT conversations_title_length CHECK (length(title) >= 1 AND length(title) <= 120),
    CONSTRAINT conversations_title_of_group CHECK ((kind = 'group'::text) = (title IS NOT NULL))
) WITH (fillfactor=50);
COMMENT ON TABLE conversations IS 'What people write to each other in: two of them, one alone, or a group. One without members is seen by nobody and is purged.';
COMMENT ON COLUMN conversations.low_id IS 'With high_id, whose direct conversation it is, in the order of their ids; twice the same: notes to oneself.';
COMMENT ON COLUMN conversations.last_n IS 'The number of the newest message, even if it has gone. Given out under the lock of this row: without gaps.';
COMMENT ON COLUMN conversations.min_n IS 'The number of the oldest message that is kept.';
COMMENT ON COLUMN conversations.member_count IS 'How many members it has, to choose what others are shown of them; the constraint is the limit.';
COMMENT ON COLUMN conversations."position" IS 'The place in lists, which each message renews. In no index: a message changes the row where it stands (HOT).';
CREATE INDEX conversations_empty_idx ON conversations USING btree (id) WHERE member_count = 0;
CREATE INDEX conversations_high_id_idx ON conversations USING btree (high_id) WHERE high_id IS NOT NULL;
CREATE UNIQUE INDEX conversations_pair_key ON conversations USING btree (low_id, high_id) WHERE kind = 'direct'::text;

CREATE TABLE data_export_parts (
    user_id uuid NOT NULL,
    number integer NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT data_export_parts_pkey PRIMARY KEY (user_id, number)
);
COMMENT ON TABLE data_export_parts IS 'The files of exports in parts, so that neither worker nor web ever has a whole one in memory.';
COMMENT ON COLUMN data_export_parts.number IS 'Its place, from 0.';
COMMENT ON COLUMN data_export_parts.body IS 'A piece of one gzip stream of JSON.';

CREATE TABLE data_exports (
    user_id uuid NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone,
    body bytea,
    error text,
    bytes bigint,
    CONSTRAINT data_exports_pkey PRIMARY KEY (user_id)
);
COMMENT ON TABLE data_exports IS 'What people asked to get of their own data, one at a time; the row is the queue of the job that makes it.';
COMMENT ON COLUMN data_exports.finished_at IS 'NULL while it is to be made.';
COMMENT ON COLUMN data_exports.expires_at IS '24 hours after it was made; then it is deleted.';
COMMENT ON COLUMN data_exports.body IS 'The file as releases before 0027 wrote it; not used any more.';
COMMENT ON COLUMN data_exports.error IS 'Why it could not be made; asking again tries again.';
COMMENT ON COLUMN data_exports.bytes IS 'Length of the file, compressed.';
CREATE INDEX data_exports_requested_at_idx ON data_exports USING btree (requested_at) WHERE finished_at IS NULL;

CREATE TABLE deliveries (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    target text DEFAULT ''::text NOT NULL,
    receiver_id uuid NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text,
    frame_seq bigint,
    bundle text,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    claimed_until timestamp with time zone,
    sent_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (notification_id, channel, target),
    CONSTRAINT deliveries_channel_known CHECK (channel = ANY (ARRAY['email'::text, 'push'::text])),
    CONSTRAINT deliveries_state_known CHECK (state = ANY (ARRAY['waiting'::text, 'sent'::text, 'skipped'::text, 'failed'::text]))
) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.02);
COMMENT ON TABLE deliveries IS 'What is sent of a notification outside of the service. No foreign key to it: what becomes of a deleted one is found when it is due.';
COMMENT ON COLUMN deliveries.target IS 'Of push the id of the subscription; empty for mail, which goes to the address as it is when it is sent.';
COMMENT ON COLUMN deliveries.reason IS 'Why it was skipped or failed: read, gone, preference, no_address, bounced ...';
COMMENT ON COLUMN deliveries.frame_seq IS 'The number of the frame that showed it: a device that acknowledged it has shown it.';
COMMENT ON COLUMN deliveries.bundle IS 'The message that it goes out in with others, a digest or a summary; it keeps its name over all attempts.';
COMMENT ON COLUMN deliveries.due_at IS 'Not before this.';
COMMENT ON COLUMN deliveries.claimed_until IS 'A worker is at it; one that dies leaves it for others from then on.';
CREATE INDEX deliveries_created_at_idx ON deliveries USING btree (created_at);
CREATE INDEX deliveries_due_idx ON deliveries USING btree (channel, due_at) WHERE state = 'waiting'::text;
CREATE INDEX deliveries_receiver_idx ON deliveries USING btree (receiver_id, channel, due_at) WHERE state = 'waiting'::text;

CREATE TABLE delivery_attempts (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    outcome text NOT NULL,
    code text,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (notification_id, channel, target, at),
    CONSTRAINT delivery_attempts_outcome_known CHECK (outcome = ANY (ARRAY['begun'::text, 'sent'::text, 'failed'::text, 'refused'::text, 'gone'::text]))
);
COMMENT ON TABLE delivery_attempts IS 'Each attempt to send one: `begun` before, the outcome behind it.';
COMMENT ON COLUMN delivery_attempts.code IS 'What the other side answered, as a number or a word; never its text.';

CREATE TABLE digests (
    user_id uuid NOT NULL,
    kind text NOT NULL,
    period text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT digests_pkey PRIMARY KEY (user_id, kind, period),
    CONSTRAINT digests_kind_known CHECK (kind = ANY (ARRAY['hourly'::text, 'daily'::text]))
);
COMMENT ON TABLE digests IS 'Digests that were made: one a period, whatever becomes of the clock or the settings meanwhile.';
COMMENT ON COLUMN digests.period IS 'The local date of a daily one; the hour in UTC of an hourly one.';
CREATE INDEX digests_created_at_idx ON digests USING btree (created_at);

CREATE TABLE entity_reads (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    user_id uuid NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT entity_reads_pkey PRIMARY KEY (entity_type, entity_id, user_id)
);
COMMENT ON TABLE entity_reads IS 'Who says that they read something, which for now is a post. Its author has no row. Rows go with what was read.';
COMMENT ON COLUMN entity_reads.entity_type IS 'The kind, as in notifications: post.';
COMMENT ON COLUMN entity_reads.read_at IS 'When they said so first.';
CREATE INDEX entity_reads_newest_idx ON entity_reads USING btree (entity_type, entity_id, read_at, user_id);
CREATE INDEX entity_reads_user_id_idx ON entity_reads USING btree (user_id);

CREATE TABLE events (
    id uuid DEFAULT uuidv7() NOT NULL,
    type text NOT NULL,
    actor_id uuid,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    payload jsonb NOT NULL,
    metadata jsonb NOT NULL,
    correlation_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    project_id uuid,
    CONSTRAINT events_pkey PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE events IS 'The audit trail: everything that happened. Append-only; a month is a partition.';
COMMENT ON COLUMN events.type IS 'What happened, for instance comment.created; the manifest of its feature says who hears of it.';
COMMENT ON COLUMN events.actor_id IS 'Who did it. No foreign key: the trail outlives its people.';
COMMENT ON COLUMN events.payload IS 'Ids, states, numbers, dates and names of fields: what says who is told. Never a text that somebody wrote.';
COMMENT ON COLUMN events.metadata IS 'Where it came from: ip, userAgent, sessionId.';
COMMENT ON COLUMN events.correlation_id IS 'The X-Request-Id of the request that caused it.';
COMMENT ON COLUMN events.project_id IS 'The project in which it happened, for its activity. No foreign key: the trail outlives projects.';
CREATE INDEX events_actor_idx ON events USING btree (actor_id, created_at, id);
CREATE INDEX events_entity_idx ON events USING btree (entity_type, entity_id, created_at, id);
CREATE INDEX events_project_idx ON events USING btree (project_id, created_at, id) WHERE project_id IS NOT NULL;
CREATE INDEX events_type_idx ON events USING btree (type, created_at, id);

CREATE TABLE events_default PARTITION OF events DEFAULT;
COMMENT ON TABLE events_default IS 'Catches events of months without a partition; stays empty while the hourly job runs.';

CREATE TABLE file_chunks (
    sha256 bytea NOT NULL,
    part integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT file_chunks_pkey PRIMARY KEY (sha256, part)
);
COMMENT ON TABLE file_chunks IS 'Contents of versions, each once: compressed with zlib, then cut into parts of 1 MB. Those of no version are swept.';

CREATE TABLE file_docs (
    file_id uuid NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    settled_seq bigint DEFAULT 0 NOT NULL,
    root text,
    edited_at timestamp with time zone,
    dirty_since timestamp with time zone,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT file_docs_pkey PRIMARY KEY (file_id),
    CONSTRAINT file_docs_root_length CHECK (octet_length(root) <= 256)
) WITH (fillfactor=70);
COMMENT ON TABLE file_docs IS 'Text files as they are edited together: how far the log of each has come, and its settling.';
COMMENT ON COLUMN file_docs.last_seq IS 'The number of the newest update in file_updates, even if it has gone from there.';
COMMENT ON COLUMN file_docs.settled_seq IS 'How far snapshot, text and versions have come.';
COMMENT ON COLUMN file_docs.root IS 'The name of the shared type that holds the text; NULL: content.';
COMMENT ON COLUMN file_docs.edited_at IS 'When the newest update came.';
COMMENT ON COLUMN file_docs.dirty_since IS 'When the oldest update came that is not settled; NULL: all are.';
COMMENT ON COLUMN file_docs.lease_until IS 'Until when one worker settles it alone.';
CREATE INDEX file_docs_dirty_idx ON file_docs USING btree (dirty_since) WHERE dirty_since IS NOT NULL;

CREATE TABLE file_documents (
    file_id uuid NOT NULL,
    body text NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT file_documents_pkey PRIMARY KEY (file_id)
);
COMMENT ON TABLE file_documents IS 'What files are found by: their path and their text. Written by the worker.';
COMMENT ON COLUMN file_documents.body IS 'The beginning of a text, up to 100,000 characters: contents are packed. Empty for binaries.';
CREATE INDEX file_documents_words_idx ON file_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE file_editors (
    file_id uuid NOT NULL,
    user_id uuid NOT NULL,
    node bigint NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT file_editors_pkey PRIMARY KEY (file_id, user_id, node)
) WITH (fillfactor=50);
COMMENT ON TABLE file_editors IS 'Who has which file open on which process, as each of these says every few seconds; may be lost.';

CREATE TABLE file_passages (
    file_id uuid NOT NULL,
    n integer NOT NULL,
    project_id uuid NOT NULL,
    version integer NOT NULL,
    path text NOT NULL,
    body text NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT file_passages_pkey PRIMARY KEY (file_id, n)
);
COMMENT ON TABLE file_passages IS 'Text files in parts of about 1,500 characters, for questions that are answered from a project. Made when a question needs them: each file has at least one, which says of which version and path they are.';
CREATE INDEX file_passages_project_id_idx ON file_passages USING btree (project_id);
CREATE INDEX file_passages_words_idx ON file_passages USING gin (project_id, words) WITH (gin_pending_list_limit='512');

CREATE TABLE file_snapshots (
    file_id uuid NOT NULL,
    seq bigint NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT file_snapshots_pkey PRIMARY KEY (file_id)
);
COMMENT ON TABLE file_snapshots IS 'A document with all updates up to `seq`, as one Yjs update (v1).';

CREATE TABLE file_updates (
    file_id uuid NOT NULL,
    seq bigint NOT NULL,
    author_id uuid,
    node bigint NOT NULL,
    update bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT file_updates_pkey PRIMARY KEY (file_id, seq),
    CONSTRAINT file_updates_size CHECK (octet_length(update) <= 33554432)
);
COMMENT ON TABLE file_updates IS 'The log of each text file: Yjs updates (v1) in their order, without gaps. Settled ones go after a minute.';
COMMENT ON COLUMN file_updates.author_id IS 'Who typed. No foreign key: the text outlives its people.';
COMMENT ON COLUMN file_updates.node IS 'Which process stored it, which has relayed it already; 0: a request or a worker, which relays nothing.';

CREATE TABLE file_versions (
    file_id uuid NOT NULL,
    n integer NOT NULL,
    cause text NOT NULL,
    restored_from integer,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    author_ids uuid[] NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT file_versions_pkey PRIMARY KEY (file_id, n),
    CONSTRAINT file_versions_cause_known CHECK (cause = ANY (ARRAY['created'::text, 'edited'::text, 'put'::text, 'restored'::text])),
    CONSTRAINT file_versions_sha256_length CHECK (octet_length(sha256) = 32)
);
COMMENT ON TABLE file_versions IS 'Each saved content of a file.';
COMMENT ON COLUMN file_versions.cause IS 'created: with the file; edited: typed together; put: replaced by a request; restored: an earlier one again.';
COMMENT ON COLUMN file_versions.sha256 IS 'Its content in file_chunks.';
COMMENT ON COLUMN file_versions.author_ids IS 'Whose changes it holds. No foreign keys: the text outlives its people.';
COMMENT ON COLUMN file_versions.seq IS 'The newest update that it holds; 0 for binaries.';
CREATE INDEX file_versions_sha256_idx ON file_versions USING btree (sha256);

CREATE TABLE files (
    id uuid DEFAULT uuidv7() NOT NULL,
    project_id uuid NOT NULL,
    path text NOT NULL,
    kind text NOT NULL,
    type text NOT NULL,
    eol text DEFAULT 'lf'::text NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    content_version integer DEFAULT 0 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    creator_id uuid,
    deleted_at timestamp with time zone,
    deleted_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (id),
    CONSTRAINT files_bytes_positive CHECK (bytes >= 0),
    CONSTRAINT files_eol_known CHECK (eol = ANY (ARRAY['lf'::text, 'crlf'::text])),
    CONSTRAINT files_kind_known CHECK (kind = ANY (ARRAY['text'::text, 'binary'::text])),
    CONSTRAINT files_path_form CHECK (path !~* '(^|/)(\.{0,2}|\.git)(/|$)'::text AND path !~ '[[:cntrl:]\\:*?"<>|]'::text AND (path IS NFC NORMALIZED)),
    CONSTRAINT files_path_length CHECK (octet_length(path) >= 1 AND octet_length(path) <= 512),
    CONSTRAINT files_type_length CHECK (length(type) >= 3 AND length(type) <= 200)
) WITH (fillfactor=85);
COMMENT ON TABLE files IS 'Files of projects. A folder is a common beginning of paths.';
COMMENT ON COLUMN files.kind IS 'text: UTF-8 that people edit together; binary: bytes that are replaced as a whole.';
COMMENT ON COLUMN files.type IS 'The media type.';
COMMENT ON COLUMN files.eol IS 'How lines of a text end when it is read; it is kept with LF.';
COMMENT ON COLUMN files.bytes IS 'Of the newest version.';
COMMENT ON COLUMN files.content_version IS 'The number of the newest version.';
COMMENT ON COLUMN files.version IS 'Of this row: path and type, not content.';
CREATE INDEX files_creator_id_idx ON files USING btree (creator_id);
CREATE INDEX files_deleted_by_idx ON files USING btree (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE UNIQUE INDEX files_path_key ON files USING btree (project_id, lower(path) COLLATE "C") WHERE deleted_at IS NULL;
CREATE INDEX files_project_id_idx ON files USING btree (project_id);
CREATE INDEX files_trash_idx ON files USING btree (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE folded_notices (
    receiver_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    type text NOT NULL,
    times integer NOT NULL,
    entity_type text,
    entity_id uuid,
    due_at timestamp with time zone NOT NULL,
    CONSTRAINT folded_notices_pkey PRIMARY KEY (receiver_id, actor_id, type)
);
COMMENT ON TABLE folded_notices IS 'What one person would tell another too often within a minute: it is told as one notification.';
COMMENT ON COLUMN folded_notices.type IS 'The type of notification, for instance mention.';
COMMENT ON COLUMN folded_notices.times IS 'How often it would have been told.';
COMMENT ON COLUMN folded_notices.entity_id IS 'What the last of them leads to.';
COMMENT ON COLUMN folded_notices.due_at IS 'When it is told.';
CREATE INDEX folded_notices_actor_id_idx ON folded_notices USING btree (actor_id);

CREATE TABLE follows (
    follower_id uuid NOT NULL,
    followed_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followed_id),
    CONSTRAINT follows_no_self CHECK (follower_id <> followed_id)
);
COMMENT ON TABLE follows IS 'Who follows whom.';
CREATE INDEX follows_audience_idx ON follows USING btree (followed_id, follower_id);
CREATE INDEX follows_followers_idx ON follows USING btree (followed_id, created_at, follower_id);
CREATE INDEX follows_following_idx ON follows USING btree (follower_id, created_at, followed_id);

CREATE TABLE freed_usernames (
    name_hash bytea NOT NULL,
    user_id uuid,
    freed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT freed_usernames_pkey PRIMARY KEY (name_hash)
);
COMMENT ON TABLE freed_usernames IS 'Usernames that were given up and stay reserved for a year, as keyed hashes.';
COMMENT ON COLUMN freed_usernames.user_id IS 'Who may take it again; NULL where that person has left.';
CREATE INDEX freed_usernames_user_id_idx ON freed_usernames USING btree (user_id, freed_at);

CREATE TABLE git_commits (
    repository_id uuid NOT NULL,
    sha bytea NOT NULL,
    n bigint NOT NULL,
    parents bytea[] NOT NULL,
    author_name text NOT NULL,
    author_email text NOT NULL,
    authored_at timestamp with time zone NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    gone_at timestamp with time zone,
    CONSTRAINT git_commits_pkey PRIMARY KEY (repository_id, sha),
    CONSTRAINT git_commits_body_length CHECK (length(body) <= 4000)
);
COMMENT ON TABLE git_commits IS 'Commits of the branch that is followed.';
COMMENT ON COLUMN git_commits.n IS 'Its place in the list: parents come before children, whatever the dates say.';
COMMENT ON COLUMN git_commits.gone_at IS 'Since when the branch does not lead to it any more: it was pushed by force.';
CREATE INDEX git_commits_n_idx ON git_commits USING btree (repository_id, n DESC) WHERE gone_at IS NULL;

CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    body bytea,
    location text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    entity_id uuid,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key)
);
COMMENT ON TABLE idempotency_keys IS 'Answers of POST requests, replayed to retries for 72 hours.';
COMMENT ON COLUMN idempotency_keys.scope IS 'The id of who asked; without an account anonymous and the address.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'HMAC of method, path and body: tells a retry from another request.';
COMMENT ON COLUMN idempotency_keys.entity_id IS 'What the stored answer shows; body and location are blanked when it is deleted.';
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys USING btree (created_at);
CREATE INDEX idempotency_keys_entity_idx ON idempotency_keys USING btree (entity_id) WHERE entity_id IS NOT NULL;

CREATE TABLE identities (
    provider text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    username text,
    name text,
    email citext,
    email_verified boolean NOT NULL,
    avatar_url text,
    tokens bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (provider, subject),
    CONSTRAINT identities_user_id_provider_key UNIQUE (user_id, provider),
    CONSTRAINT identities_provider_known CHECK (provider = ANY (ARRAY['github'::text, 'google'::text, 'gitlab'::text, 'oidc'::text]))
);
COMMENT ON TABLE identities IS 'Accounts elsewhere that people sign in with; at most one of each provider for one person.';
COMMENT ON COLUMN identities.subject IS 'The provider''s own id of the person: names and addresses change hands, this does not.';
COMMENT ON COLUMN identities.username IS 'Like name, e-mail address and picture: as the provider had it at the first sign-in.';
COMMENT ON COLUMN identities.email_verified IS 'Whether the provider vouched for the address.';
COMMENT ON COLUMN identities.tokens IS 'The provider''s tokens, encrypted with a key made of JWT_SECRET; bound to provider and subject.';

CREATE TABLE imports (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner_id uuid NOT NULL,
    kind text NOT NULL,
    options jsonb NOT NULL,
    body bytea,
    counts jsonb,
    row_errors jsonb,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (id),
    CONSTRAINT imports_kind_known CHECK (kind = ANY (ARRAY['tasks'::text, 'leads'::text]))
);
COMMENT ON TABLE imports IS 'CSV files that a worker reads in, and what came of them; kept for 7 days.';
COMMENT ON COLUMN imports.body IS 'The file, until it is read in.';
COMMENT ON COLUMN imports.counts IS 'How many rows were created, updated, skipped, failed.';
COMMENT ON COLUMN imports.row_errors IS 'The first errors: row, field, code.';
CREATE INDEX imports_owner_idx ON imports USING btree (owner_id, id);
CREATE INDEX imports_waiting_idx ON imports USING btree (next_at) WHERE finished_at IS NULL;

CREATE TABLE interests (
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT interests_pkey PRIMARY KEY (post_id, user_id)
);
COMMENT ON TABLE interests IS 'Who would like to take part in which project.';
CREATE INDEX interests_newest_idx ON interests USING btree (post_id, created_at, user_id);
CREATE INDEX interests_user_id_idx ON interests USING btree (user_id);

CREATE TABLE invitations (
    id uuid DEFAULT uuidv7() NOT NULL,
    email citext NOT NULL,
    invited_by uuid NOT NULL,
    accepted_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT now() + '7 days'::interval NOT NULL,
    accepted_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT invitations_pkey PRIMARY KEY (id),
    CONSTRAINT invitations_email_length CHECK (length(email::text) >= 3 AND length(email::text) <= 254)
);
COMMENT ON TABLE invitations IS 'Addresses that administrators asked to register. The tokens of their mails are in account_tokens.';
COMMENT ON COLUMN invitations.email IS 'The address that may register with it, in the form that users.email has.';
COMMENT ON COLUMN invitations.accepted_by IS 'The account that it became.';
CREATE INDEX invitations_accepted_by_idx ON invitations USING btree (accepted_by);
CREATE INDEX invitations_email_idx ON invitations USING btree (email);
CREATE INDEX invitations_invited_by_idx ON invitations USING btree (invited_by);

CREATE TABLE labels (
    id uuid DEFAULT uuidv7() NOT NULL,
    project_id uuid,
    name text NOT NULL,
    color text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT labels_pkey PRIMARY KEY (id),
    CONSTRAINT labels_color_form CHECK (color ~ '^#[0-9a-f]{6}$'::text),
    CONSTRAINT labels_name_length CHECK (length(name) >= 1 AND length(name) <= 50)
);
COMMENT ON TABLE labels IS 'What tasks can be marked with: those of a project, or, without one, for tasks of no project.';
CREATE UNIQUE INDEX labels_name_idx ON labels USING btree (project_id, lower(name)) NULLS NOT DISTINCT;

CREATE TABLE lead_interactions (
    id uuid DEFAULT uuidv7() NOT NULL,
    lead_id uuid NOT NULL,
    kind text NOT NULL,
    happened_at timestamp with time zone DEFAULT now() NOT NULL,
    author_id uuid,
    text text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lead_interactions_pkey PRIMARY KEY (id),
    CONSTRAINT lead_interactions_kind_known CHECK (kind = ANY (ARRAY['call'::text, 'mail'::text, 'meeting'::text, 'note'::text])),
    CONSTRAINT lead_interactions_text_length CHECK (length(text) >= 1 AND length(text) <= 5000)
);
COMMENT ON TABLE lead_interactions IS 'Calls, mails, meetings and notes with or about a lead.';
CREATE INDEX lead_interactions_author_id_idx ON lead_interactions USING btree (author_id);
CREATE INDEX lead_interactions_lead_idx ON lead_interactions USING btree (lead_id, happened_at, id);

CREATE TABLE lead_stage_log (
    id uuid DEFAULT uuidv7() NOT NULL,
    lead_id uuid NOT NULL,
    from_stage text,
    to_stage text NOT NULL,
    actor_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lead_stage_log_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE lead_stage_log IS 'Every move of a lead between stages.';
CREATE INDEX lead_stage_log_lead_idx ON lead_stage_log USING btree (lead_id, id);

CREATE TABLE leads (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text,
    company text,
    email text,
    phone text,
    job_title text,
    website text,
    source text DEFAULT 'other'::text NOT NULL,
    stage text DEFAULT 'new'::text NOT NULL,
    score smallint DEFAULT 0 NOT NULL,
    owner_id uuid,
    value numeric(14,2),
    currency text,
    lost_reason text,
    lost_note text,
    notes text,
    email_key text,
    phone_key text,
    merged_into uuid,
    version integer DEFAULT 1 NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT leads_pkey PRIMARY KEY (id),
    CONSTRAINT leads_company_length CHECK (length(company) >= 1 AND length(company) <= 200),
    CONSTRAINT leads_currency_form CHECK (currency ~ '^[A-Z]{3}$'::text),
    CONSTRAINT leads_currency_set CHECK (value IS NULL OR currency IS NOT NULL),
    CONSTRAINT leads_email_length CHECK (length(email) >= 3 AND length(email) <= 254),
    CONSTRAINT leads_job_title_length CHECK (length(job_title) >= 1 AND length(job_title) <= 100),
    CONSTRAINT leads_lost_has_reason CHECK (stage <> 'lost'::text OR lost_reason IS NOT NULL),
    CONSTRAINT leads_lost_note_length CHECK (length(lost_note) >= 1 AND length(lost_note) <= 1000),
    CONSTRAINT leads_lost_reason_known CHECK (lost_reason = ANY (ARRAY['price'::text, 'timing'::text, 'competitor'::text, 'no_need'::text, 'no_answer'::text, 'duplicate'::text, 'other'::text])),
    CONSTRAINT leads_name_length CHECK (length(name) >= 1 AND length(name) <= 200),
    CONSTRAINT leads_name_set CHECK (name IS NOT NULL OR merged_into IS NOT NULL),
    CONSTRAINT leads_notes_length CHECK (length(notes) >= 1 AND length(notes) <= 10000),
    CONSTRAINT leads_phone_length CHECK (length(phone) >= 3 AND length(phone) <= 40),
    CONSTRAINT leads_score_range CHECK (score >= 0 AND score <= 100),
    CONSTRAINT leads_source_known CHECK (source = ANY (ARRAY['website'::text, 'referral'::text, 'event'::text, 'advertisement'::text, 'outbound'::text, 'partner'::text, 'import'::text, 'other'::text])),
    CONSTRAINT leads_stage_known CHECK (stage = ANY (ARRAY['new'::text, 'contacted'::text, 'qualified'::text, 'won'::text, 'lost'::text])),
    CONSTRAINT leads_value_positive CHECK (value >= 0::numeric),
    CONSTRAINT leads_website_length CHECK (length(website) >= 4 AND length(website) <= 1000)
) WITH (fillfactor=85);
COMMENT ON TABLE leads IS 'People and companies who may become customers.';
COMMENT ON COLUMN leads.value IS 'What it may be worth, in `currency`.';
COMMENT ON COLUMN leads.email_key IS 'The address as duplicates are found by.';
COMMENT ON COLUMN leads.phone_key IS 'The number as duplicates are found by: its digits.';
COMMENT ON COLUMN leads.merged_into IS 'Where it was merged with another one, which lives on: this row has no texts any more.';
CREATE INDEX leads_created_by_idx ON leads USING btree (created_by);
CREATE INDEX leads_email_key_idx ON leads USING btree (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX leads_merged_into_idx ON leads USING btree (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX leads_owner_id_idx ON leads USING btree (owner_id, id);
CREATE INDEX leads_phone_key_idx ON leads USING btree (phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX leads_score_idx ON leads USING btree (score, id) WHERE merged_into IS NULL;
CREATE INDEX leads_stage_idx ON leads USING btree (stage, id) WHERE merged_into IS NULL;
CREATE INDEX leads_updated_at_idx ON leads USING btree (updated_at, id) WHERE merged_into IS NULL;
CREATE INDEX leads_value_idx ON leads USING btree (COALESCE((value * 100::numeric)::bigint, '-1'::integer::bigint), id) WHERE merged_into IS NULL;

CREATE TABLE likes (
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT likes_pkey PRIMARY KEY (post_id, user_id)
);
COMMENT ON TABLE likes IS 'Who likes which post.';
CREATE INDEX likes_newest_idx ON likes USING btree (post_id, created_at, user_id);
CREATE INDEX likes_user_id_idx ON likes USING btree (user_id);

CREATE TABLE mails (
    id uuid DEFAULT uuidv7() NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    address text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    failed_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    mailbox text,
    CONSTRAINT mails_pkey PRIMARY KEY (id),
    CONSTRAINT mails_kind_known CHECK (kind = ANY (ARRAY['verify_email'::text, 'reset_password'::text, 'change_email'::text, 'invitation'::text, 'password_changed'::text, 'password_reset'::text, 'email_change_requested'::text, 'email_changed'::text]))
) WITH (fillfactor=80);
COMMENT ON TABLE mails IS 'The queue of mails: a row is written with what asks for it, and waits until it is sent.';
COMMENT ON COLUMN mails.kind IS 'What it says; the text is made when it is sent.';
COMMENT ON COLUMN mails.data IS 'What the text needs beyond the account. Never a secret: a token is made when the mail is sent.';
COMMENT ON COLUMN mails.next_at IS 'Not before this. While a worker sends it, the moment from which another one may.';
COMMENT ON COLUMN mails.failed_at IS 'When it was given up, for the reason in last_error.';
COMMENT ON COLUMN mails.mailbox IS 'The address in small letters without what follows a +: where mails are counted. NULL in rows of before.';
CREATE INDEX mails_created_at_idx ON mails USING btree (created_at);
CREATE INDEX mails_due_idx ON mails USING btree (next_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mails_user_id_idx ON mails USING btree (user_id, kind, created_at);

CREATE TABLE message_reactions (
    message_id uuid NOT NULL,
    user_id uuid NOT NULL,
    emoji text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT message_reactions_pkey PRIMARY KEY (message_id, user_id, emoji),
    CONSTRAINT message_reactions_emoji_length CHECK (length(emoji) >= 1 AND length(emoji) <= 32)
);
COMMENT ON TABLE message_reactions IS 'Who answered which message with which emoji.';
CREATE INDEX message_reactions_user_id_idx ON message_reactions USING btree (user_id);

CREATE TABLE messages (
    id uuid DEFAULT uuidv7() NOT NULL,
    conversation_id uuid NOT NULL,
    n bigint NOT NULL,
    author_id uuid,
    body text,
    reply_to_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    words tsvector,
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_n_key UNIQUE (conversation_id, n),
    CONSTRAINT messages_body_length CHECK (length(body) <= 10000),
    CONSTRAINT messages_text_or_deleted CHECK ((body IS NULL) = (deleted_at IS NOT NULL))
);
COMMENT ON TABLE messages IS 'What people write to each other. A deleted one keeps its number, without its text.';
COMMENT ON COLUMN messages.id IS 'The client may choose it: a retry then finds what the first attempt made. It says nothing of the order.';
COMMENT ON COLUMN messages.n IS 'Its place in the conversation, from 1.';
COMMENT ON COLUMN messages.body IS 'Empty where files say it all; NULL once it is deleted.';
COMMENT ON COLUMN messages.reply_to_id IS 'The message of the same conversation that it answers. No foreign key: that one may have been removed since.';
COMMENT ON COLUMN messages.words IS 'What it is found by; NULL once it is deleted.';
CREATE INDEX messages_author_idx ON messages USING btree (author_id, id);
CREATE INDEX messages_deleted_idx ON messages USING btree (conversation_id, n) WHERE deleted_at IS NOT NULL;
CREATE INDEX messages_words_idx ON messages USING gin (conversation_id, words) WITH (gin_pending_list_limit='512');

CREATE TABLE name_key (
    id boolean DEFAULT true NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT name_key_pkey PRIMARY KEY (id),
    CONSTRAINT name_key_single CHECK (id)
);
COMMENT ON TABLE name_key IS 'One row: the random key of the hashes in freed_usernames.';

CREATE TABLE node_samples (
    at timestamp with time zone NOT NULL,
    node_id text NOT NULL,
    kind text NOT NULL,
    requests real,
    errors real,
    p50 real,
    p99 real,
    sockets integer,
    notified real,
    delivered real,
    queued integer,
    pool_size integer NOT NULL,
    pool_busy integer NOT NULL,
    outbox_depth bigint,
    outbox_age real,
    outbox_dead bigint,
    CONSTRAINT node_samples_pkey PRIMARY KEY (at, node_id),
    CONSTRAINT node_samples_kind_known CHECK (kind = ANY (ARRAY['web'::text, 'worker'::text])),
    CONSTRAINT node_samples_node_id_length CHECK (length(node_id) >= 1 AND length(node_id) <= 300)
);
COMMENT ON TABLE node_samples IS 'What each process measured: a row for ten seconds, kept for a day.';
COMMENT ON COLUMN node_samples.at IS 'When its ten seconds began, by the clock of PostgreSQL.';
COMMENT ON COLUMN node_samples.node_id IS 'Host, process and a random part: new with each start.';
COMMENT ON COLUMN node_samples.requests IS 'Answered a second; of web processes, as errors (5xx), latencies and sockets.';
COMMENT ON COLUMN node_samples.p50 IS 'Milliseconds; NULL where nothing was answered.';
COMMENT ON COLUMN node_samples.notified IS 'Notifications written a second; of workers, as delivered (rows of the outbox).';
COMMENT ON COLUMN node_samples.queued IS 'Jobs that wait in Redis; NULL where it could not be asked.';
COMMENT ON COLUMN node_samples.pool_busy IS 'Connections to PostgreSQL that are in use, of pool_size.';
COMMENT ON COLUMN node_samples.outbox_depth IS 'Measured by the first process of each ten seconds; NULL in the rows of others.';
COMMENT ON COLUMN node_samples.outbox_age IS 'Seconds for which the oldest row of the outbox has waited.';
COMMENT ON COLUMN node_samples.outbox_dead IS 'Rows of the outbox that were given up on.';

CREATE TABLE notification_counters (
    user_id uuid NOT NULL,
    unread integer DEFAULT 0 NOT NULL,
    CONSTRAINT notification_counters_pkey PRIMARY KEY (user_id),
    CONSTRAINT notification_counters_unread_positive CHECK (unread >= 0)
) WITH (fillfactor=50);
COMMENT ON TABLE notification_counters IS 'How many notifications a person has neither read nor archived.';
COMMENT ON COLUMN notification_counters.unread IS 'Changes in the statement that changes the notifications, never recounted.';

CREATE TABLE notification_groups (
    id uuid DEFAULT uuidv7() NOT NULL,
    receiver_id uuid NOT NULL,
    key text NOT NULL,
    "position" uuid NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    size integer DEFAULT 0 NOT NULL,
    members integer DEFAULT 0 NOT NULL,
    unread integer DEFAULT 0 NOT NULL,
    CONSTRAINT notification_groups_pkey PRIMARY KEY (id)
) WITH (fillfactor=70);
COMMENT ON TABLE notification_groups IS 'Notifications of a person that a grouped list shows as one. One is open for each key; it closes when a member is read, after a day, and at 100.';
COMMENT ON COLUMN notification_groups.key IS 'What its members have in common, for instance like:post:{id}.';
COMMENT ON COLUMN notification_groups."position" IS 'Its place in a grouped list: that of the newest member that joined it.';
COMMENT ON COLUMN notification_groups.closed_at IS 'Nothing joins it from then on.';
COMMENT ON COLUMN notification_groups.size IS 'How many ever joined it.';
COMMENT ON COLUMN notification_groups.members IS 'How many of them are listed: neither archived, snoozed nor deleted. Changes with them.';
COMMENT ON COLUMN notification_groups.unread IS 'How many of these are unread.';
CREATE INDEX notification_groups_empty_idx ON notification_groups USING btree (receiver_id, opened_at) WHERE members = 0;
CREATE INDEX notification_groups_listed_idx ON notification_groups USING btree (receiver_id, "position") WHERE members > 0;
CREATE INDEX notification_groups_new_idx ON notification_groups USING btree (receiver_id, "position") WHERE unread > 0;
CREATE UNIQUE INDEX notification_groups_open_idx ON notification_groups USING btree (receiver_id, key) WHERE closed_at IS NULL;

CREATE TABLE notification_mutes (
    user_id uuid NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    until timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notification_mutes_pkey PRIMARY KEY (user_id, entity_type, entity_id)
);
COMMENT ON TABLE notification_mutes IS 'What a person wants to hear nothing of: an entity with all that belongs to it, or, of the type user, what a person does.';
COMMENT ON COLUMN notification_mutes.until IS 'NULL: until it is taken back.';

CREATE TABLE notification_preferences (
    user_id uuid NOT NULL,
    type text NOT NULL,
    in_app boolean,
    email text,
    push boolean,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (user_id, type),
    CONSTRAINT notification_preferences_email_known CHECK (email = ANY (ARRAY['off'::text, 'offline'::text, 'always'::text]))
);
COMMENT ON TABLE notification_preferences IS 'Where a person wants a type of notification otherwise than its feature declares; NULL: as declared.';
COMMENT ON COLUMN notification_preferences.email IS 'off, offline (unless a device showed it), always.';

CREATE TABLE notification_settings (
    user_id uuid NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    quiet_from time without time zone,
    quiet_to time without time zone,
    digest text DEFAULT 'none'::text NOT NULL,
    digest_at time without time zone DEFAULT '08:00:00'::time without time zone NOT NULL,
    next_digest_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notification_settings_pkey PRIMARY KEY (user_id),
    CONSTRAINT notification_settings_digest_known CHECK (digest = ANY (ARRAY['none'::text, 'hourly'::text, 'daily'::text])),
    CONSTRAINT notification_settings_quiet_some CHECK (quiet_from <> quiet_to),
    CONSTRAINT notification_settings_quiet_whole CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
COMMENT ON TABLE notification_settings IS 'When a person wants to be reached. No row: at any time, mail by mail.';
COMMENT ON COLUMN notification_settings.timezone IS 'Name of the IANA database; the clock of quiet_from, quiet_to and digest_at.';
COMMENT ON COLUMN notification_settings.quiet_from IS 'Push and mail wait from then until quiet_to, over midnight too.';
COMMENT ON COLUMN notification_settings.digest IS 'none: mail by mail; hourly, daily: what is unread in one.';
COMMENT ON COLUMN notification_settings.digest_at IS 'When the daily one is sent.';
COMMENT ON COLUMN notification_settings.next_digest_at IS 'When the next one is due; NULL without digests.';
CREATE INDEX notification_settings_next_digest_at_idx ON notification_settings USING btree (next_digest_at) WHERE next_digest_at IS NOT NULL;

CREATE TABLE notification_types (
    type text NOT NULL,
    critical boolean NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by uuid,
    CONSTRAINT notification_types_pkey PRIMARY KEY (type)
);
COMMENT ON TABLE notification_types IS 'Types of notification that an administrator marked; what the others are, the manifests of the features say.';
COMMENT ON COLUMN notification_types.critical IS 'Neither mutes nor preferences nor quiet hours hold it.';
CREATE INDEX notification_types_updated_by_idx ON notification_types USING btree (updated_by);

CREATE TABLE notifications (
    id uuid DEFAULT uuidv7() NOT NULL,
    receiver_id uuid NOT NULL,
    event_id uuid NOT NULL,
    actor_id uuid,
    type text NOT NULL,
    once_key text,
    is_read boolean DEFAULT false NOT NULL,
    read_at timestamp with time zone,
    seen_at timestamp with time zone,
    archived_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    variant text DEFAULT ''::text NOT NULL,
    entity_type text,
    entity_id uuid,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    "position" uuid DEFAULT uuidv7(),
    group_id uuid,
    snoozed_until timestamp with time zone,
    why text,
    plan jsonb,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_receiver_id_event_id_key UNIQUE (receiver_id, event_id),
    CONSTRAINT notifications_position_set CHECK ("position" IS NOT NULL)
) WITH (fillfactor=85);
COMMENT ON TABLE notifications IS 'What a person is told. One event tells one person once.';
COMMENT ON COLUMN notifications.event_id IS 'The event it tells of. No foreign key: retention drops old events.';
COMMENT ON COLUMN notifications.actor_id IS 'Who did it; NULL where nobody is named. No foreign key: a row of users is never deleted.';
COMMENT ON COLUMN notifications.type IS 'What it is about, for instance comment; the manifest of its feature has the sentences.';
COMMENT ON COLUMN notifications.once_key IS 'Where set, the receiver has at most one with it: a like taken back and given again tells nothing new.';
COMMENT ON COLUMN notifications.seen_at IS 'When it was first shown in a list.';
COMMENT ON COLUMN notifications.variant IS 'Which of the sentences of its type it says; empty for the usual one. Kept for ever.';
COMMENT ON COLUMN notifications.entity_type IS 'Kind of what it leads to: post, comment, user. NULL where it leads nowhere. No foreign key: what is gone is shown without excerpt and link.';
COMMENT ON COLUMN notifications.params IS 'States, numbers, dates and names of fields that its sentences need; never a text that somebody wrote.';
COMMENT ON COLUMN notifications."position" IS 'Its place in lists, the newest first: its id, or a later one since it woke from a snooze.';
COMMENT ON COLUMN notifications.group_id IS 'The row of notification_groups that it was folded into; NULL for one by itself.';
COMMENT ON COLUMN notifications.snoozed_until IS 'Out of lists and count until then. What is archived is not snoozed.';
COMMENT ON COLUMN notifications.why IS 'Why the receiver was chosen: mentioned, author, assignee, watcher, permission, everyone ...';
COMMENT ON COLUMN notifications.plan IS 'What was decided when it was written: `silent`, and for each channel that was left out the reason. NULL where nothing was left out.';
CREATE INDEX notifications_archived_idx ON notifications USING btree (receiver_id, "position") WHERE archived_at IS NOT NULL;
CREATE INDEX notifications_group_idx ON notifications USING btree (group_id, "position") INCLUDE (actor_id, archived_at) WHERE group_id IS NOT NULL;
CREATE INDEX notifications_listed_idx ON notifications USING btree (receiver_id, "position") WHERE archived_at IS NULL AND snoozed_until IS NULL;
CREATE INDEX notifications_new_idx ON notifications USING btree (receiver_id, "position") WHERE NOT is_read AND archived_at IS NULL AND snoozed_until IS NULL;
CREATE UNIQUE INDEX notifications_once_key_idx ON notifications USING btree (receiver_id, once_key) WHERE once_key IS NOT NULL;
CREATE INDEX notifications_single_idx ON notifications USING btree (receiver_id, is_read, "position") WHERE archived_at IS NULL AND snoozed_until IS NULL AND group_id IS NULL;
CREATE INDEX notifications_sleeping_idx ON notifications USING btree (receiver_id, "position") WHERE snoozed_until IS NOT NULL;
CREATE INDEX notifications_snoozed_idx ON notifications USING btree (snoozed_until) WHERE snoozed_until IS NOT NULL;

CREATE TABLE notifications_archive (
    id uuid NOT NULL,
    receiver_id uuid NOT NULL,
    event_id uuid NOT NULL,
    actor_id uuid,
    type text NOT NULL,
    once_key text,
    is_read boolean NOT NULL,
    read_at timestamp with time zone,
    seen_at timestamp with time zone,
    archived_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    variant text NOT NULL,
    entity_type text,
    entity_id uuid,
    params jsonb NOT NULL,
    "position" uuid NOT NULL,
    group_id uuid,
    snoozed_until timestamp with time zone,
    why text,
    plan jsonb,
    CONSTRAINT notifications_archive_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_archive_archived CHECK (archived_at IS NOT NULL)
);
COMMENT ON TABLE notifications_archive IS 'Notifications that retention took out of the inbox: the columns of notifications. They are listed with the archived ones.';
CREATE INDEX notifications_archive_archived_at_idx ON notifications_archive USING btree (archived_at);
CREATE INDEX notifications_archive_receiver_idx ON notifications_archive USING btree (receiver_id, "position");

CREATE TABLE notifications_held (
    id uuid DEFAULT uuidv7() NOT NULL,
    receiver_id uuid NOT NULL,
    event_id uuid NOT NULL,
    actor_id uuid,
    type text NOT NULL,
    variant text DEFAULT ''::text NOT NULL,
    why text,
    entity_type text,
    entity_id uuid,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    held_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_held_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_held_receiver_id_event_id_key UNIQUE (receiver_id, event_id)
);
COMMENT ON TABLE notifications_held IS 'What a person was not told because of a mute or a preference: neither listed nor counted. Kept for 14 days.';
COMMENT ON COLUMN notifications_held.reason IS 'muted or preference.';
CREATE INDEX notifications_held_at_idx ON notifications_held USING btree (held_at);
CREATE INDEX notifications_held_receiver_idx ON notifications_held USING btree (receiver_id, id);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    event_id uuid NOT NULL,
    event_at timestamp with time zone NOT NULL,
    dedup_key text,
    receivers_after uuid,
    attempts smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    lane smallint DEFAULT 0 NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (lane, id)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);
COMMENT ON TABLE outbox IS 'Events that have still to be delivered. A row is claimed by its lock alone, so a dead worker leaves nothing behind.';
COMMENT ON COLUMN outbox.event_at IS 'created_at of the event: tells its partition.';
COMMENT ON COLUMN outbox.dedup_key IS 'Where set, the same thing is queued only once.';
COMMENT ON COLUMN outbox.receivers_after IS 'A large audience is written in parts: the last receiver of the parts done.';
COMMENT ON COLUMN outbox.attempts IS 'Failed deliveries so far; at ten the row moves to outbox_dead.';
COMMENT ON COLUMN outbox.next_at IS 'Not before this.';
COMMENT ON COLUMN outbox.lane IS 'Of the root entity: events of one entity are delivered in their order, by one worker at a time.';
CREATE UNIQUE INDEX outbox_dedup_key_idx ON outbox USING btree (dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE outbox_dead (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    event_at timestamp with time zone NOT NULL,
    dedup_key text,
    receivers_after uuid,
    attempts smallint NOT NULL,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    died_at timestamp with time zone DEFAULT now() NOT NULL,
    lane smallint DEFAULT 0 NOT NULL,
    CONSTRAINT outbox_dead_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE outbox_dead IS 'Outbox rows that failed ten times, for an operator to look at and retry.';

CREATE TABLE permissions (
    code text NOT NULL,
    description text NOT NULL,
    CONSTRAINT permissions_pkey PRIMARY KEY (code)
);
COMMENT ON TABLE permissions IS 'What can be allowed. Routes name these codes; each release brings its own.';
COMMENT ON COLUMN permissions.code IS 'thing:action, for instance post:create; also the scope of an API key.';

CREATE TABLE person_documents (
    user_id uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT person_documents_pkey PRIMARY KEY (user_id)
);
COMMENT ON TABLE person_documents IS 'What active people are found by: their names. Written by the worker.';
CREATE INDEX person_documents_words_idx ON person_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE person_stats (
    user_id uuid NOT NULL,
    follower_count integer DEFAULT 0 NOT NULL,
    following_count integer DEFAULT 0 NOT NULL,
    post_count integer DEFAULT 0 NOT NULL,
    CONSTRAINT person_stats_pkey PRIMARY KEY (user_id)
) WITH (fillfactor=70);
COMMENT ON TABLE person_stats IS 'How much a person follows, is followed and publishes. No row means nothing of it. Written by the triggers count_follows and count_posts alone.';
COMMENT ON COLUMN person_stats.follower_count IS 'Rows in follows whose followed_id this is.';
COMMENT ON COLUMN person_stats.following_count IS 'Rows in follows whose follower_id this is.';
COMMENT ON COLUMN person_stats.post_count IS 'The person''s posts that stand in lists: those with a position.';

CREATE TABLE post_documents (
    post_id uuid NOT NULL,
    recency uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT post_documents_pkey PRIMARY KEY (post_id)
);
COMMENT ON TABLE post_documents IS 'What posts are found by. Written by the worker; likes do not touch it.';
COMMENT ON COLUMN post_documents.recency IS 'The position in lists, for those in none the id: newer ones are looked through first.';
CREATE INDEX post_documents_recency_idx ON post_documents USING btree (recency);
CREATE INDEX post_documents_words_idx ON post_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE post_stats (
    post_id uuid NOT NULL,
    like_count integer DEFAULT 0 NOT NULL,
    comment_count integer DEFAULT 0 NOT NULL,
    interest_count integer DEFAULT 0 NOT NULL,
    score double precision,
    least_score double precision,
    revision bigint DEFAULT 0 NOT NULL,
    CONSTRAINT post_stats_pkey PRIMARY KEY (post_id),
    CONSTRAINT post_stats_counts_positive CHECK (like_count >= 0 AND comment_count >= 0 AND interest_count >= 0)
) WITH (fillfactor=70);
COMMENT ON TABLE post_stats IS 'What of a post changes with every like and comment, so that these leave the post''s own row alone. A row a post.';
COMMENT ON COLUMN post_stats.like_count IS 'Rows in likes; written by sql/reactions.sql alone.';
COMMENT ON COLUMN post_stats.comment_count IS 'Rows in comments; written by sql/comments.sql alone.';
COMMENT ON COLUMN post_stats.interest_count IS 'Rows in interests; written by sql/reactions.sql alone.';
COMMENT ON COLUMN post_stats.score IS 'The order of explore: log2 of the sum of weight * 2^(days since 1970) over publication 1, likes 1, comments 2 and interests 3. NULL for posts that stand in no list.';
COMMENT ON COLUMN post_stats.least_score IS 'What the publication alone comes to.';
COMMENT ON COLUMN post_stats.revision IS 'Goes up with every change of a counter: of two readings the one with the higher number is newer. A trigger counts.';
CREATE INDEX post_stats_score_idx ON post_stats USING btree (score, post_id) WHERE score IS NOT NULL;

CREATE TABLE post_status_log (
    id uuid DEFAULT uuidv7() NOT NULL,
    post_id uuid NOT NULL,
    actor_id uuid,
    from_status text,
    to_status text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT post_status_log_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE post_status_log IS 'Every move of an announcement or a project.';
COMMENT ON COLUMN post_status_log.from_status IS 'NULL for the status it was made with.';
CREATE INDEX post_status_log_actor_id_idx ON post_status_log USING btree (actor_id);
CREATE INDEX post_status_log_post_id_idx ON post_status_log USING btree (post_id, id);

CREATE TABLE posts (
    id uuid DEFAULT uuidv7() NOT NULL,
    author_id uuid NOT NULL,
    type text DEFAULT 'normal'::text NOT NULL,
    title text,
    body text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    status text,
    "position" uuid DEFAULT uuidv7(),
    assignee_id uuid,
    project_id uuid,
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    CONSTRAINT posts_assignee_of_project CHECK (assignee_id IS NULL OR type = 'project'::text),
    CONSTRAINT posts_body_length CHECK (length(body) >= 1 AND length(body) <= 20000),
    CONSTRAINT posts_link_of_project CHECK (project_id IS NULL OR type = 'project'::text),
    CONSTRAINT posts_status_of_type CHECK (
CASE type
    WHEN 'normal'::text THEN status IS NULL
    WHEN 'announcement'::text THEN status IS NOT NULL AND (status = ANY (ARRAY['draft'::text, 'published'::text, 'archived'::text]))
    WHEN 'project'::text THEN status IS NOT NULL AND (status = ANY (ARRAY['open'::text, 'in_progress'::text, 'on_hold'::text, 'completed'::text, 'cancelled'::text]))
    ELSE NULL::boolean
END),
    CONSTRAINT posts_title_length CHECK (length(title) >= 1 AND length(title) <= 200),
    CONSTRAINT posts_type_known CHECK (type = ANY (ARRAY['normal'::text, 'announcement'::text, 'project'::text]))
) WITH (fillfactor=80);
COMMENT ON TABLE posts IS 'What people publish. Its counters are in post_stats.';
COMMENT ON COLUMN posts.type IS 'normal, announcement or project.';
COMMENT ON COLUMN posts.version IS 'Goes up with every edit; counters do not touch it.';
COMMENT ON COLUMN posts.status IS 'Where an announcement or a project stands; NULL for normal posts. A draft is its author''s alone.';
COMMENT ON COLUMN posts."position" IS 'Its place in every list, newest first: a version 7 id of when it was published. NULL: in no list (drafts, archived announcements).';
COMMENT ON COLUMN posts.assignee_id IS 'Who does a project: one of those interested.';
COMMENT ON COLUMN posts.project_id IS 'The project that a post of the type project looks for people for: whoever is assigned becomes an editor there.';
CREATE INDEX posts_announcements_idx ON posts USING btree ("position") WHERE type = 'announcement'::text;
CREATE INDEX posts_assignee_id_idx ON posts USING btree (assignee_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX posts_author_id_idx ON posts USING btree (author_id, id);
CREATE INDEX posts_author_position_idx ON posts USING btree (author_id, "position");
CREATE UNIQUE INDEX posts_position_idx ON posts USING btree ("position") INCLUDE (author_id);
CREATE INDEX posts_project_id_idx ON posts USING btree (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX posts_projects_idx ON posts USING btree ("position") WHERE type = 'project'::text;
CREATE INDEX posts_status_position_idx ON posts USING btree (status, "position") WHERE status IS NOT NULL;

CREATE TABLE project_documents (
    project_id uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT project_documents_pkey PRIMARY KEY (project_id)
);
COMMENT ON TABLE project_documents IS 'What projects are found by. Written by the worker.';
CREATE INDEX project_documents_words_idx ON project_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE project_members (
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_members_pkey PRIMARY KEY (project_id, user_id),
    CONSTRAINT project_members_role_known CHECK (role = ANY (ARRAY['owner'::text, 'editor'::text, 'viewer'::text]))
);
COMMENT ON TABLE project_members IS 'Who works on a project, and as what.';
COMMENT ON COLUMN project_members.role IS 'owner: settings, members, deletion; editor: writes; viewer: reads.';
CREATE INDEX project_members_user_idx ON project_members USING btree (user_id, project_id) INCLUDE (role);

CREATE TABLE projects (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    description text,
    visibility text DEFAULT 'private'::text NOT NULL,
    task_number integer DEFAULT 0 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_by uuid,
    file_bytes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT projects_pkey PRIMARY KEY (id),
    CONSTRAINT projects_description_length CHECK (length(description) >= 1 AND length(description) <= 5000),
    CONSTRAINT projects_name_length CHECK (length(name) >= 1 AND length(name) <= 120),
    CONSTRAINT projects_quota CHECK (file_bytes >= 0 AND file_bytes <= 1073741824),
    CONSTRAINT projects_visibility_known CHECK (visibility = ANY (ARRAY['private'::text, 'internal'::text, 'public'::text]))
) WITH (fillfactor=80);
COMMENT ON TABLE projects IS 'What people work on together.';
COMMENT ON COLUMN projects.visibility IS 'Who else may read it: private nobody, internal whoever is signed in, public everybody.';
COMMENT ON COLUMN projects.task_number IS 'The number of its newest task.';
COMMENT ON COLUMN projects.deleted_at IS 'When it went into the trash.';
COMMENT ON COLUMN projects.deleted_by IS 'Who put it into the trash.';
COMMENT ON COLUMN projects.file_bytes IS 'What its files hold, those in the trash too: their newest content, in bytes. The constraint is the quota.';
CREATE INDEX projects_deleted_by_idx ON projects USING btree (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX projects_open_idx ON projects USING btree (id) WHERE visibility <> 'private'::text AND deleted_at IS NULL;
CREATE INDEX projects_trash_idx ON projects USING btree (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE TABLE push_subscriptions (
    id uuid DEFAULT uuidv7() NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    endpoint_hash bytea NOT NULL,
    endpoint text NOT NULL,
    host text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    refreshed_at timestamp with time zone DEFAULT now() NOT NULL,
    last_success_at timestamp with time zone,
    failing_since timestamp with time zone,
    failed_at timestamp with time zone,
    CONSTRAINT push_subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT push_subscriptions_endpoint_hash_key UNIQUE (endpoint_hash),
    CONSTRAINT push_subscriptions_auth_length CHECK (length(auth) = 16),
    CONSTRAINT push_subscriptions_endpoint_length CHECK (length(endpoint) >= 1 AND length(endpoint) <= 2048),
    CONSTRAINT push_subscriptions_p256dh_length CHECK (length(p256dh) = 65)
) WITH (fillfactor=80);
COMMENT ON TABLE push_subscriptions IS 'Browsers that Web Push messages go to, each as long as the session that subscribed it.';
COMMENT ON COLUMN push_subscriptions.id IS 'Another one when the browser has passed to another user.';
COMMENT ON COLUMN push_subscriptions.session_id IS 'The session that subscribed. The trigger end_pushes deletes the row when it is revoked.';
COMMENT ON COLUMN push_subscriptions.endpoint_hash IS 'SHA-256 of the endpoint.';
COMMENT ON COLUMN push_subscriptions.endpoint IS 'The URL at the browser''s push service. Whoever knows it can send there: it is shown to nobody.';
COMMENT ON COLUMN push_subscriptions.host IS 'The host of the endpoint, to be shown.';
COMMENT ON COLUMN push_subscriptions.p256dh IS 'The browser''s public key, an uncompressed point of P-256.';
COMMENT ON COLUMN push_subscriptions.auth IS 'The secret that the browser shares with us.';
COMMENT ON COLUMN push_subscriptions.expires_at IS 'When the push service ends it, where the browser was told.';
COMMENT ON COLUMN push_subscriptions.refreshed_at IS 'When the browser last sent it.';
COMMENT ON COLUMN push_subscriptions.last_success_at IS 'When the push service last took a message, up to a minute late.';
COMMENT ON COLUMN push_subscriptions.failing_since IS 'The first failure behind the last success.';
COMMENT ON COLUMN push_subscriptions.failed_at IS 'The last failure.';
CREATE INDEX push_subscriptions_session_id_idx ON push_subscriptions USING btree (session_id);
CREATE INDEX push_subscriptions_user_id_idx ON push_subscriptions USING btree (user_id, refreshed_at);

CREATE TABLE repositories (
    project_id uuid NOT NULL,
    id uuid DEFAULT uuidv7() NOT NULL,
    url text NOT NULL,
    branch text,
    default_branch text,
    status text DEFAULT 'pending'::text NOT NULL,
    reason text,
    message text,
    moved_to text,
    head bytea,
    refs jsonb DEFAULT '{}'::jsonb NOT NULL,
    commit_count integer DEFAULT 0 NOT NULL,
    last_n bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    told_at timestamp with time zone,
    interval_s integer DEFAULT 900 NOT NULL,
    next_at timestamp with time zone DEFAULT now(),
    wanted_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    asked_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    claim uuid,
    synced_at timestamp with time zone,
    token bytea,
    hook_secret bytea,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT repositories_pkey PRIMARY KEY (project_id),
    CONSTRAINT repositories_id_key UNIQUE (id),
    CONSTRAINT repositories_branch_length CHECK (length(branch) >= 1 AND length(branch) <= 250),
    CONSTRAINT repositories_interval CHECK (interval_s >= 300 AND interval_s <= 86400),
    CONSTRAINT repositories_moved_to_length CHECK (length(moved_to) <= 2048),
    CONSTRAINT repositories_status_known CHECK (status = ANY (ARRAY['pending'::text, 'syncing'::text, 'synced'::text, 'failed'::text])),
    CONSTRAINT repositories_url_length CHECK (length(url) >= 1 AND length(url) <= 2048)
) WITH (fillfactor=70);
COMMENT ON TABLE repositories IS 'The git repository that a project is linked to. Another address is another row, with an id of its own.';
COMMENT ON COLUMN repositories.branch IS 'The branch that is followed; NULL: the one that the remote has as its HEAD.';
COMMENT ON COLUMN repositories.default_branch IS 'The branch that was followed by the last sync that found one.';
COMMENT ON COLUMN repositories.reason IS 'Why the last sync failed, as a code; `message` says it to people.';
COMMENT ON COLUMN repositories.moved_to IS 'Where the host sent the last sync, on the same host: offered, and not followed.';
COMMENT ON COLUMN repositories.refs IS 'Branches of the remote and the commits they are at, at most 5,000: where all are as before, nothing is fetched.';
COMMENT ON COLUMN repositories.last_n IS 'The largest git_commits.n that was given.';
COMMENT ON COLUMN repositories.failures IS 'Failed syncs in a row.';
COMMENT ON COLUMN repositories.told_at IS 'When its owners were told that it wants another token; NULL: not since it last worked.';
COMMENT ON COLUMN repositories.interval_s IS 'Seconds between two syncs that nobody asks for.';
COMMENT ON COLUMN repositories.next_at IS 'When it is synced next; NULL: not until somebody asks, since its token was refused five times.';
COMMENT ON COLUMN repositories.wanted_at IS 'When a sync was last asked for, by a person or a hook. Later than started_at: one more run follows.';
COMMENT ON COLUMN repositories.asked_at IS 'When a person last asked for a sync, who may once a minute.';
COMMENT ON COLUMN repositories.claim IS 'The run that is under way until lease_until; what it writes counts only while this is its own.';
COMMENT ON COLUMN repositories.token IS 'Sealed, bound to the id and the host.';
COMMENT ON COLUMN repositories.hook_secret IS 'Sealed, bound to the id.';
CREATE INDEX repositories_due_idx ON repositories USING btree (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE role_permissions (
    role text NOT NULL,
    permission text NOT NULL,
    CONSTRAINT role_permissions_pkey PRIMARY KEY (role, permission),
    CONSTRAINT role_permissions_role_known CHECK (role = ANY (ARRAY['admin'::text, 'manager'::text, 'member'::text]))
);
COMMENT ON TABLE role_permissions IS 'What each role may do; admins edit it.';
CREATE INDEX role_permissions_permission_idx ON role_permissions USING btree (permission);

CREATE TABLE room_acks (
    session_id uuid NOT NULL,
    room text NOT NULL,
    seq bigint NOT NULL,
    acked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT room_acks_pkey PRIMARY KEY (session_id, room)
) WITH (fillfactor=70);
COMMENT ON TABLE room_acks IS 'How far each device says it has shown a room.';
COMMENT ON COLUMN room_acks.seq IS 'The highest number acknowledged; never goes back.';

CREATE TABLE room_frames (
    room text NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    event text NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    data jsonb NOT NULL,
    members text[],
    CONSTRAINT room_frames_pkey PRIMARY KEY (room, seq)
);
COMMENT ON TABLE room_frames IS 'What was sent to a room, as references, kept so that a client that was away gets it in order and once.';
COMMENT ON COLUMN room_frames.seq IS 'Without gaps and in commit order in its room.';
COMMENT ON COLUMN room_frames.event IS 'The frame''s name, for instance comment:created.';
COMMENT ON COLUMN room_frames.entity_type IS 'Kind of what it shows, rendered from the current row whenever the frame is sent.';
COMMENT ON COLUMN room_frames.data IS 'What it says beside that: ids, states, numbers.';
COMMENT ON COLUMN room_frames.members IS 'Which members of the entity it shows; NULL for all of them, {} for none.';

CREATE TABLE rooms (
    name text NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    min_seq bigint DEFAULT 1 NOT NULL,
    CONSTRAINT rooms_pkey PRIMARY KEY (name)
) WITH (fillfactor=70);
COMMENT ON TABLE rooms IS 'Streams of frames: user:{id}, post:{id}, profile:{id} ...';
COMMENT ON COLUMN rooms.last_seq IS 'Number of the newest frame; the row''s lock is the right to give out the next.';
COMMENT ON COLUMN rooms.min_seq IS 'Number of the oldest frame that is still kept.';

CREATE TABLE saved_views (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner_id uuid NOT NULL,
    project_id uuid,
    name text NOT NULL,
    query jsonb NOT NULL,
    shared boolean DEFAULT false NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT saved_views_pkey PRIMARY KEY (id),
    CONSTRAINT saved_views_name_length CHECK (length(name) >= 1 AND length(name) <= 100)
);
COMMENT ON TABLE saved_views IS 'Filters of the list of tasks under a name.';
COMMENT ON COLUMN saved_views.query IS 'The parameters of GET /tasks.';
COMMENT ON COLUMN saved_views.shared IS 'Whether all members of the project see it.';
CREATE INDEX saved_views_owner_idx ON saved_views USING btree (owner_id, id);
CREATE INDEX saved_views_project_id_idx ON saved_views USING btree (project_id) WHERE NOT shared;
CREATE INDEX saved_views_project_idx ON saved_views USING btree (project_id, id) WHERE shared;

CREATE TABLE search_doubts (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    word text NOT NULL,
    CONSTRAINT search_doubts_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE search_doubts IS 'Words that left a text: a worker removes from search_words those that no other text has. Written by triggers; a word may stand here several times, so that nobody who deletes waits for anybody.';

CREATE TABLE search_rebuilds (
    kind text NOT NULL,
    before uuid DEFAULT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid NOT NULL,
    CONSTRAINT search_rebuilds_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE search_rebuilds IS 'Kinds of search whose documents are made anew, part by part, by a job of the worker. A row inserted by hand does it again.';
COMMENT ON COLUMN search_rebuilds.before IS 'What is newer than this id is done.';

CREATE TABLE search_words (
    word text NOT NULL,
    CONSTRAINT search_words_pkey PRIMARY KEY (word)
);
COMMENT ON TABLE search_words IS 'The words of what is published, to suggest instead of a misspelt one. Written by the worker. Nobody is shown a word that finds them nothing.';
CREATE INDEX search_words_end_idx ON search_words USING btree (length(word), reverse(word) COLLATE "C");
CREATE INDEX search_words_start_idx ON search_words USING btree (length(word), word COLLATE "C");

CREATE TABLE session_participants (
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    left_at timestamp with time zone,
    CONSTRAINT session_participants_pkey PRIMARY KEY (session_id, user_id)
) WITH (fillfactor=70);
COMMENT ON TABLE session_participants IS 'Who took part in which session.';
COMMENT ON COLUMN session_participants.seen_at IS 'When they were last heard of; unseen for 60 seconds they have left.';
COMMENT ON COLUMN session_participants.left_at IS 'NULL while they are there.';
CREATE INDEX session_participants_here_idx ON session_participants USING btree (user_id) WHERE left_at IS NULL;
CREATE INDEX session_participants_user_id_idx ON session_participants USING btree (user_id);

CREATE TABLE sessions (
    id uuid DEFAULT uuidv7() NOT NULL,
    user_id uuid NOT NULL,
    platform text NOT NULL,
    device text,
    ip text,
    user_agent text,
    refresh_counter integer DEFAULT 1 NOT NULL,
    refreshed_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT now() + '90 days'::interval NOT NULL,
    revoked_at timestamp with time zone,
    revoked_reason text,
    proved_at timestamp with time zone,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_platform_known CHECK (platform = ANY (ARRAY['web'::text, 'mobile'::text, 'cli'::text]))
);
COMMENT ON TABLE sessions IS 'One sign-in on one device.';
COMMENT ON COLUMN sessions.refresh_counter IS 'The only refresh token that rotates carries this number; nothing replayable is stored.';
COMMENT ON COLUMN sessions.refreshed_at IS 'Last rotation; also the last use, for the idle limit of 30 days.';
COMMENT ON COLUMN sessions.expires_at IS 'The absolute end, 90 days after the sign-in.';
COMMENT ON COLUMN sessions.revoked_reason IS 'logout, user, limit, reuse, password, reclaimed, deactivated or restored.';
COMMENT ON COLUMN sessions.proved_at IS 'When its owner last proved again who they are, by password or provider; NULL where never.';
CREATE INDEX sessions_last_used_idx ON sessions USING btree (user_id, refreshed_at);
CREATE INDEX sessions_revoked_at_idx ON sessions USING btree (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_user_id_idx ON sessions USING btree (user_id, refreshed_at) WHERE revoked_at IS NULL;

CREATE TABLE task_days (
    scope uuid NOT NULL,
    day date NOT NULL,
    slot smallint NOT NULL,
    created integer DEFAULT 0 NOT NULL,
    completed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    cycle_seconds bigint DEFAULT 0 NOT NULL,
    open_at_end integer,
    CONSTRAINT task_days_pkey PRIMARY KEY (scope, day, slot)
) WITH (fillfactor=60);
COMMENT ON TABLE task_days IS 'What became of tasks day by day, in UTC: the sum over the slots. Written by triggers, and open_at_end once a day.';
COMMENT ON COLUMN task_days.scope IS 'As in task_tallies.';
COMMENT ON COLUMN task_days.slot IS 'As in task_tallies; -1 for open_at_end.';
COMMENT ON COLUMN task_days.cycle_seconds IS 'From the start, or else the creation, to the end of those completed on the day, together. Reopening takes it off the day it was added to.';
COMMENT ON COLUMN task_days.open_at_end IS 'How many were open at the end of the day; never computed anew.';

CREATE TABLE task_documents (
    task_id uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT task_documents_pkey PRIMARY KEY (task_id)
);
COMMENT ON TABLE task_documents IS 'What tasks are found by. Written by the worker.';
CREATE INDEX task_documents_words_idx ON task_documents USING gin (words) WITH (gin_pending_list_limit='512');

CREATE TABLE task_labels (
    task_id uuid NOT NULL,
    label_id uuid NOT NULL,
    CONSTRAINT task_labels_pkey PRIMARY KEY (task_id, label_id)
);
COMMENT ON TABLE task_labels IS 'Which labels a task has.';
CREATE INDEX task_labels_label_idx ON task_labels USING btree (label_id, task_id);

CREATE TABLE task_links (
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT task_links_pkey PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT task_links_other CHECK (blocker_id <> blocked_id)
);
COMMENT ON TABLE task_links IS 'What should be done before what. It informs and forbids nothing; there are no cycles.';
CREATE INDEX task_links_blocked_idx ON task_links USING btree (blocked_id, blocker_id);

CREATE TABLE task_loads (
    person_id uuid NOT NULL,
    slot smallint NOT NULL,
    open integer NOT NULL,
    CONSTRAINT task_loads_pkey PRIMARY KEY (person_id, slot)
) WITH (fillfactor=60, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
COMMENT ON TABLE task_loads IS 'How many open tasks each person has, as in task_tallies, for the list of all people.';

CREATE TABLE task_revisions (
    task_id uuid NOT NULL,
    version integer NOT NULL,
    field text NOT NULL,
    old_text text,
    actor_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT task_revisions_pkey PRIMARY KEY (task_id, version, field),
    CONSTRAINT task_revisions_field_known CHECK (field = ANY (ARRAY['title'::text, 'description'::text]))
);
COMMENT ON TABLE task_revisions IS 'What texts of a task were before a change; they go with the task.';
COMMENT ON COLUMN task_revisions.version IS 'The version that the change made.';

CREATE TABLE task_series (
    id uuid DEFAULT uuidv7() NOT NULL,
    frequency text NOT NULL,
    every smallint DEFAULT 1 NOT NULL,
    starts_at timestamp without time zone NOT NULL,
    all_day boolean DEFAULT false NOT NULL,
    timezone text NOT NULL,
    until date,
    ended_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT task_series_pkey PRIMARY KEY (id),
    CONSTRAINT task_series_every_range CHECK (every >= 1 AND every <= 99),
    CONSTRAINT task_series_frequency_known CHECK (frequency = ANY (ARRAY['daily'::text, 'weekly'::text, 'monthly'::text]))
);
COMMENT ON TABLE task_series IS 'Tasks that come again: when one is done, the next one is made.';
COMMENT ON COLUMN task_series.every IS 'Days, weeks or months between two of them, as `frequency` says.';
COMMENT ON COLUMN task_series.starts_at IS 'The first due time, by the wall clock of `timezone`; occurrence n is n times `every` later.';
COMMENT ON COLUMN task_series.until IS 'The last day on which one may be due; NULL: without end.';

CREATE TABLE task_tallies (
    scope uuid NOT NULL,
    slot smallint NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    priority smallint NOT NULL,
    n integer NOT NULL,
    CONSTRAINT task_tallies_pkey PRIMARY KEY (scope, slot, kind, status, priority)
) WITH (fillfactor=60, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
COMMENT ON TABLE task_tallies IS 'How many tasks there are that are not in the trash: the sum over the slots. Written by triggers alone.';
COMMENT ON COLUMN task_tallies.scope IS 'A project; a person, for the tasks that are assigned to them, and those they created that are assigned to nobody; all zeros for every task.';
COMMENT ON COLUMN task_tallies.slot IS 'Each transaction writes into one that is its own until it ends: see take_tally_slot().';
COMMENT ON COLUMN task_tallies.n IS 'What this slot adds; may be negative.';

CREATE TABLE task_watchers (
    task_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT task_watchers_pkey PRIMARY KEY (task_id, user_id)
);
COMMENT ON TABLE task_watchers IS 'Who wants to hear of a task. It grants no sight: whoever may not see it is told nothing.';
CREATE INDEX task_watchers_user_idx ON task_watchers USING btree (user_id, task_id);

CREATE TABLE tasks (
    id uuid DEFAULT uuidv7() NOT NULL,
    number integer,
    kind text DEFAULT 'task'::text NOT NULL,
    title text NOT NULL,
    description text,
    status text DEFAULT 'todo'::text NOT NULL,
    priority smallint DEFAULT 2 NOT NULL,
    creator_id uuid NOT NULL,
    assignee_id uuid,
    project_id uuid,
    lead_id uuid,
    parent_id uuid,
    rank bigint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    due_on date,
    remind_at timestamp with time zone,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    series_id uuid,
    occurrence integer,
    external_ref text,
    version integer DEFAULT 1 NOT NULL,
    deleted_at timestamp with time zone,
    deleted_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tasks_pkey PRIMARY KEY (id),
    CONSTRAINT tasks_description_length CHECK (length(description) >= 1 AND length(description) <= 20000),
    CONSTRAINT tasks_done_completed CHECK ((status = 'done'::text) = (completed_at IS NOT NULL)),
    CONSTRAINT tasks_due_on_timed CHECK (due_on IS NULL OR due_at IS NOT NULL),
    CONSTRAINT tasks_external_ref_length CHECK (length(external_ref) >= 1 AND length(external_ref) <= 200),
    CONSTRAINT tasks_kind_known CHECK (kind = ANY (ARRAY['task'::text, 'issue'::text])),
    CONSTRAINT tasks_number_set CHECK ((number IS NULL) = (project_id IS NULL)),
    CONSTRAINT tasks_occurrence_set CHECK (occurrence IS NOT NULL OR series_id IS NULL),
    CONSTRAINT tasks_parent_other CHECK (parent_id <> id),
    CONSTRAINT tasks_priority_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT tasks_rank_range CHECK (abs(rank) <= '4503599627370496'::bigint),
    CONSTRAINT tasks_status_known CHECK (status = ANY (ARRAY['todo'::text, 'in_progress'::text, 'review'::text, 'done'::text, 'cancelled'::text])),
    CONSTRAINT tasks_title_length CHECK (length(title) >= 1 AND length(title) <= 200)
) WITH (fillfactor=85);
COMMENT ON TABLE tasks IS 'What is to be done. Soft-deleted ones are in the trash.';
COMMENT ON COLUMN tasks.number IS 'Counts in its project, for people to speak of it; NULL without one. A restored task keeps it.';
COMMENT ON COLUMN tasks.priority IS '1 low, 2 medium, 3 high, 4 urgent.';
COMMENT ON COLUMN tasks.parent_id IS 'The task of the same project that this is a part of; that one has no parent.';
COMMENT ON COLUMN tasks.rank IS 'Its place in its column, ascending, then by id; within what JavaScript counts exactly.';
COMMENT ON COLUMN tasks.due_at IS 'Of a day its end, by the clock of the assignee, else of the creator; see keep_task().';
COMMENT ON COLUMN tasks.due_on IS 'A day without a time; NULL where it is due at a time, or never.';
COMMENT ON COLUMN tasks.remind_at IS 'When the next reminder is due.';
COMMENT ON COLUMN tasks.started_at IS 'When it was first in_progress.';
COMMENT ON COLUMN tasks.cancelled_at IS 'When it was cancelled; NULL where it is not.';
COMMENT ON COLUMN tasks.external_ref IS 'What an import knows it by: importing again finds it.';
COMMENT ON COLUMN tasks.version IS 'Goes up with every change, but for its place in a column.';
CREATE INDEX tasks_assignee_due_idx ON tasks USING btree (assignee_id, COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_assignee_id_idx ON tasks USING btree (assignee_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_assignee_idx ON tasks USING btree (assignee_id, id) INCLUDE (status, priority) WHERE deleted_at IS NULL;
CREATE INDEX tasks_assignee_priority_idx ON tasks USING btree (assignee_id, priority, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_assignee_updated_idx ON tasks USING btree (assignee_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_board_idx ON tasks USING btree (project_id, status, rank, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_due_idx ON tasks USING btree (COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator_due_idx ON tasks USING btree (creator_id, COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator_id_idx ON tasks USING btree (creator_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_creator_idx ON tasks USING btree (creator_id, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator_priority_idx ON tasks USING btree (creator_id, priority, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator_updated_idx ON tasks USING btree (creator_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_deleted_by_idx ON tasks USING btree (deleted_by, deleted_at) WHERE deleted_by IS NOT NULL;
CREATE INDEX tasks_due_idx ON tasks USING btree (due_at, id) WHERE deleted_at IS NULL AND due_at IS NOT NULL AND (status <> ALL (ARRAY['done'::text, 'cancelled'::text]));
CREATE UNIQUE INDEX tasks_external_ref_idx ON tasks USING btree (project_id, external_ref) WHERE external_ref IS NOT NULL AND project_id IS NOT NULL;
CREATE INDEX tasks_lead_id_idx ON tasks USING btree (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_newest_idx ON tasks USING btree (id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX tasks_number_idx ON tasks USING btree (project_id, number);
CREATE UNIQUE INDEX tasks_occurrence_idx ON tasks USING btree (series_id, occurrence) WHERE series_id IS NOT NULL;
CREATE UNIQUE INDEX tasks_own_ref_idx ON tasks USING btree (creator_id, external_ref) WHERE external_ref IS NOT NULL AND project_id IS NULL;
CREATE INDEX tasks_parent_id_idx ON tasks USING btree (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_priority_idx ON tasks USING btree (priority, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_project_due_idx ON tasks USING btree (project_id, COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_project_idx ON tasks USING btree (project_id, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_project_priority_idx ON tasks USING btree (project_id, priority, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_project_updated_idx ON tasks USING btree (project_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_remind_idx ON tasks USING btree (remind_at) WHERE remind_at IS NOT NULL AND deleted_at IS NULL AND (status <> ALL (ARRAY['done'::text, 'cancelled'::text]));
CREATE INDEX tasks_tally_idx ON tasks USING btree (project_id, status, priority) INCLUDE (assignee_id, creator_id, due_at) WHERE deleted_at IS NULL;
CREATE INDEX tasks_trash_idx ON tasks USING btree (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_updated_idx ON tasks USING btree (updated_at, id) WHERE deleted_at IS NULL;

CREATE TABLE thread_reads (
    thread uuid NOT NULL,
    user_id uuid NOT NULL,
    upto uuid NOT NULL,
    CONSTRAINT thread_reads_pkey PRIMARY KEY (thread, user_id)
) WITH (fillfactor=70);
COMMENT ON TABLE thread_reads IS 'How far a person has read the comments on something. Rows go with what the comments are on.';
COMMENT ON COLUMN thread_reads.thread IS 'The id of what the comments are on: a post or a task.';
COMMENT ON COLUMN thread_reads.upto IS 'The last comment that they read; all with a lower id were read, too. It only goes up, and may be deleted meanwhile. In no index, so that moving it leaves the indexes alone.';
CREATE INDEX thread_reads_user_id_idx ON thread_reads USING btree (user_id);

CREATE TABLE thumbnail_queue (
    upload_id uuid NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    CONSTRAINT thumbnail_queue_pkey PRIMARY KEY (upload_id)
);
COMMENT ON TABLE thumbnail_queue IS 'Images whose thumbnail has still to be made.';
COMMENT ON COLUMN thumbnail_queue.next_at IS 'A worker that tries puts it ahead, so that no other does the same.';
CREATE INDEX thumbnail_queue_next_at_idx ON thumbnail_queue USING btree (next_at);

CREATE TABLE tickets (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    purpose text NOT NULL,
    expires_at timestamp with time zone DEFAULT now() + '00:01:00'::interval NOT NULL,
    CONSTRAINT tickets_pkey PRIMARY KEY (token_hash),
    CONSTRAINT tickets_purpose_known CHECK (purpose = ANY (ARRAY['ws'::text, 'download'::text]))
);
COMMENT ON TABLE tickets IS 'One-time proofs for clients that cannot send a header, such as a browser opening a socket.';
COMMENT ON COLUMN tickets.token_hash IS 'SHA-256 of the ticket; the ticket itself is never stored.';
CREATE INDEX tickets_expires_at_idx ON tickets USING btree (expires_at);
CREATE INDEX tickets_session_id_idx ON tickets USING btree (session_id);

CREATE TABLE uploads (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner_id uuid,
    post_id uuid,
    "position" smallint DEFAULT 0 NOT NULL,
    store text NOT NULL,
    store_key text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    bytes bigint NOT NULL,
    width integer,
    height integer,
    url text NOT NULL,
    thumbnail_url text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    removed_at timestamp with time zone,
    arrived_at timestamp with time zone,
    alt text,
    charset text,
    task_id uuid,
    message_id uuid,
    CONSTRAINT uploads_pkey PRIMARY KEY (id),
    CONSTRAINT uploads_store_key_key UNIQUE (store_key),
    CONSTRAINT uploads_bytes_positive CHECK (bytes > 0),
    CONSTRAINT uploads_name_length CHECK (length(name) >= 1 AND length(name) <= 255),
    CONSTRAINT uploads_one_place CHECK (num_nonnulls(post_id, task_id, message_id) <= 1),
    CONSTRAINT uploads_store_known CHECK (store = ANY (ARRAY['local'::text, 'cloudinary'::text]))
);
COMMENT ON TABLE uploads IS 'Files of posts, tasks and messages. The row is there before the file is in its store, and goes only after the file has gone from it.';
COMMENT ON COLUMN uploads.owner_id IS 'Who uploaded it; NULL once they are gone, and it goes with their posts.';
COMMENT ON COLUMN uploads.post_id IS 'The post it belongs to; NULL until it is attached, and again once that is deleted.';
COMMENT ON COLUMN uploads."position" IS 'Its place among the files of the post.';
COMMENT ON COLUMN uploads.store IS 'local or cloudinary.';
COMMENT ON COLUMN uploads.store_key IS 'What the store calls it: a path below MEDIA_ROOT, or Cloudinary''s public id.';
COMMENT ON COLUMN uploads.type IS 'Media type as its bytes say, not as the client did.';
COMMENT ON COLUMN uploads.width IS 'Pixels; NULL for what is no image.';
COMMENT ON COLUMN uploads.thumbnail_url IS 'NULL until the worker has made it.';
COMMENT ON COLUMN uploads.removed_at IS 'From then on the worker may remove it from the store; a worker that tries puts it ahead.';
COMMENT ON COLUMN uploads.arrived_at IS 'When the file was in its store. NULL: on its way, seen by nobody, removed after an hour.';
COMMENT ON COLUMN uploads.alt IS 'What the picture shows, for those who cannot see it, in its owner''s words.';
COMMENT ON COLUMN uploads.charset IS 'That of a text: NULL is UTF-8, empty one of many that cannot be told apart.';
COMMENT ON COLUMN uploads.task_id IS 'The task that it is on; NULL where it is on a post, or on nothing yet.';
COMMENT ON COLUMN uploads.message_id IS 'The message that it is on.';
CREATE INDEX uploads_message_id_idx ON uploads USING btree (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX uploads_owner_id_idx ON uploads USING btree (owner_id, id);
CREATE INDEX uploads_post_id_idx ON uploads USING btree (post_id, "position") WHERE post_id IS NOT NULL;
CREATE INDEX uploads_removed_idx ON uploads USING btree (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX uploads_task_id_idx ON uploads USING btree (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX uploads_unplaced_idx ON uploads USING btree (created_at) WHERE post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL;
CREATE INDEX uploads_unplaced_owner_idx ON uploads USING btree (owner_id) WHERE post_id IS NULL AND task_id IS NULL AND message_id IS NULL AND removed_at IS NULL;

CREATE TABLE usage_days (
    day date NOT NULL,
    active_people integer NOT NULL,
    posts integer NOT NULL,
    comments integer NOT NULL,
    messages integer NOT NULL,
    tasks_done integer NOT NULL,
    first_comment_seconds real,
    latency_p50 real,
    latency_p99 real,
    counted_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (day)
);
COMMENT ON TABLE usage_days IS 'How much the service was used on each day, UTC: numbers alone, of nobody. Today is counted anew every ten minutes, a day that is over once more.';
COMMENT ON COLUMN usage_days.active_people IS 'People who did something that the trail has, or whose session was refreshed.';
COMMENT ON COLUMN usage_days.messages IS 'Messages between people.';
COMMENT ON COLUMN usage_days.tasks_done IS 'Tasks that were completed on that day, and still were when it was counted.';
COMMENT ON COLUMN usage_days.first_comment_seconds IS 'The median time from a post to the first comment on it by somebody else, of such first comments of the day; NULL without one.';
COMMENT ON COLUMN usage_days.latency_p50 IS 'Milliseconds: the medians that processes measured, weighted by requests; as latency_p99. NULL where nothing was measured.';

CREATE TABLE users (
    id uuid DEFAULT uuidv7() NOT NULL,
    email citext,
    username citext NOT NULL,
    password_hash text,
    first_name text,
    last_name text,
    role text DEFAULT 'member'::text NOT NULL,
    role_version integer DEFAULT 1 NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    role_changed_at timestamp with time zone,
    job_title text,
    department text,
    location text,
    bio text,
    phone text,
    avatar_url text,
    version integer DEFAULT 1 NOT NULL,
    email_verified_at timestamp with time zone,
    left_at timestamp with time zone,
    email_bounced_at timestamp with time zone,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_avatar_url_length CHECK (length(avatar_url) >= 8 AND length(avatar_url) <= 1000),
    CONSTRAINT users_bio_length CHECK (length(bio) >= 1 AND length(bio) <= 2000),
    CONSTRAINT users_department_length CHECK (length(department) >= 1 AND length(department) <= 100),
    CONSTRAINT users_email_length CHECK (length(email::text) >= 3 AND length(email::text) <= 254),
    CONSTRAINT users_email_set CHECK (email IS NOT NULL OR status = 'deleted'::text),
    CONSTRAINT users_job_title_length CHECK (length(job_title) >= 1 AND length(job_title) <= 100),
    CONSTRAINT users_location_length CHECK (length(location) >= 1 AND length(location) <= 100),
    CONSTRAINT users_phone_length CHECK (length(phone) >= 3 AND length(phone) <= 40),
    CONSTRAINT users_role_known CHECK (role = ANY (ARRAY['admin'::text, 'manager'::text, 'member'::text])),
    CONSTRAINT users_status_known CHECK (status = ANY (ARRAY['active'::text, 'deactivated'::text, 'deleted'::text])),
    CONSTRAINT users_username_format CHECK (username ~ '^[A-Za-z0-9_]{3,30}$'::citext),
    CONSTRAINT users_username_reserved CHECK (status = 'deleted'::text OR username !~ '^former_[0-9a-f]{12}$'::citext)
);
COMMENT ON TABLE users IS 'People who can sign in.';
COMMENT ON COLUMN users.email IS 'Sign-in name; compared without case. NULL once its owner has left.';
COMMENT ON COLUMN users.username IS 'Public name, what follows @ in a mention; compared without case.';
COMMENT ON COLUMN users.password_hash IS 'argon2id, or bcrypt until its owner signs in next; NULL where there is no password.';
COMMENT ON COLUMN users.role IS 'admin, manager or member.';
COMMENT ON COLUMN users.role_version IS 'Goes up with every change of role or status; older access tokens are then worthless.';
COMMENT ON COLUMN users.status IS 'active, deactivated, or deleted once the person has left.';
COMMENT ON COLUMN users.role_changed_at IS 'When role_version last went up: nodes ask for the changes of the last 16 minutes.';
COMMENT ON COLUMN users.phone IS 'Shown to those who may contact people.';
COMMENT ON COLUMN users.avatar_url IS 'Where the picture is.';
COMMENT ON COLUMN users.version IS 'Goes up with every change of the profile.';
COMMENT ON COLUMN users.email_verified_at IS 'When the address was proved to be theirs; NULL until then.';
COMMENT ON COLUMN users.left_at IS 'When the person left; the row stays, so that what they wrote has an author.';
COMMENT ON COLUMN users.email_bounced_at IS 'When a mail server refused the address for good; no mail of notifications until it is verified anew.';
CREATE INDEX users_role_changed_at_idx ON users USING btree (role_changed_at) WHERE role_changed_at IS NOT NULL;
CREATE INDEX users_role_idx ON users USING btree (role, status, id);
CREATE INDEX users_search_idx ON users USING gin (search_text(username, first_name, last_name) gin_trgm_ops);
CREATE INDEX users_status_idx ON users USING btree (status, id);

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL,
    n smallint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint,
    ms integer NOT NULL,
    error text,
    response text,
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, n),
    CONSTRAINT webhook_attempts_response_length CHECK (length(response) <= 1024)
);
COMMENT ON TABLE webhook_attempts IS 'The log of what endpoints answered. What they were sent is not kept.';
COMMENT ON COLUMN webhook_attempts.status IS 'The HTTP status; NULL where there was no answer, which error explains.';
COMMENT ON COLUMN webhook_attempts.ms IS 'Milliseconds from the request to the answer, or to its failure.';
COMMENT ON COLUMN webhook_attempts.response IS 'How the body of the answer begins.';

CREATE TABLE webhook_deliveries (
    id uuid DEFAULT uuidv7() NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_at timestamp with time zone NOT NULL,
    type text NOT NULL,
    notification_id uuid,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    last_status smallint,
    last_error text,
    last_ms integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_deliveries_event_key UNIQUE (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_status_known CHECK (status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text]))
) WITH (fillfactor=70);
COMMENT ON TABLE webhook_deliveries IS 'Which event is told to which webhook, and how far that is: references, from which the body is rendered at each attempt. Kept for 14 days.';
COMMENT ON COLUMN webhook_deliveries.event_at IS 'When the event was recorded, which finds it in its month.';
COMMENT ON COLUMN webhook_deliveries.type IS 'What the body says: the type of the event, or for own notifications "notification." and theirs.';
COMMENT ON COLUMN webhook_deliveries.notification_id IS 'The notification of its owner, where the webhook is for these.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'How often it was sent in all.';
COMMENT ON COLUMN webhook_deliveries.tries IS 'How often since it was last asked for: the place in the schedule of retries.';
COMMENT ON COLUMN webhook_deliveries.last_ms IS 'Milliseconds that the last attempt took.';
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries USING btree (webhook_id, next_at, id) WHERE status = 'pending'::text;
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries USING btree (webhook_id, id) WHERE status = 'failed'::text;
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries USING btree (webhook_id, id);

CREATE TABLE webhooks (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner_id uuid NOT NULL,
    scope text NOT NULL,
    project_id uuid,
    url text NOT NULL,
    types text[] DEFAULT '{}'::text[] NOT NULL,
    description text,
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamp with time zone,
    status text DEFAULT 'active'::text NOT NULL,
    reason text,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    last_ok_at timestamp with time zone,
    due_at timestamp with time zone,
    rest_until timestamp with time zone,
    lease_until timestamp with time zone,
    worker_id text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_description_length CHECK (length(description) >= 1 AND length(description) <= 200),
    CONSTRAINT webhooks_project_of_scope CHECK ((scope = 'project'::text) = (project_id IS NOT NULL)),
    CONSTRAINT webhooks_reason_of_status CHECK ((status = 'active'::text) = (reason IS NULL)),
    CONSTRAINT webhooks_scope_known CHECK (scope = ANY (ARRAY['own'::text, 'project'::text, 'all'::text])),
    CONSTRAINT webhooks_status_known CHECK (status = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text])),
    CONSTRAINT webhooks_types_count CHECK (cardinality(types) <= 100),
    CONSTRAINT webhooks_url_length CHECK (length(url) >= 1 AND length(url) <= 2048)
) WITH (fillfactor=50);
COMMENT ON TABLE webhooks IS 'Addresses of other systems that are told what happens. Each is a lane: one worker at a time sends what is due in it.';
COMMENT ON COLUMN webhooks.scope IS 'own: the notifications of its owner; project: events of a project; all: every public event of the trail.';
COMMENT ON COLUMN webhooks.types IS 'The types it wants, "task.*" for all of a subject; empty: every one.';
COMMENT ON COLUMN webhooks.secret IS 'The key of its signatures, sealed (nexcorp/security/vault.py).';
COMMENT ON COLUMN webhooks.old_secret IS 'The one before, sealed, which signs as well until old_until.';
COMMENT ON COLUMN webhooks.status IS 'paused: what happens is kept and sent when it is resumed; disabled: nothing is kept.';
COMMENT ON COLUMN webhooks.reason IS 'Why it is not active: owner, failing, right_lost, secret_lost or gone (the endpoint answered 410).';
COMMENT ON COLUMN webhooks.failures IS 'How many attempts in a row have failed.';
COMMENT ON COLUMN webhooks.failing_since IS 'When the first of them failed.';
COMMENT ON COLUMN webhooks.due_at IS 'When its lane has something to do; NULL: nothing.';
COMMENT ON COLUMN webhooks.rest_until IS 'Until when a failing endpoint is left alone.';
COMMENT ON COLUMN webhooks.lease_until IS 'Until when worker_id has its lane alone.';
CREATE INDEX webhooks_all_idx ON webhooks USING btree (id) WHERE scope = 'all'::text;
CREATE INDEX webhooks_due_idx ON webhooks USING btree (due_at) WHERE status = 'active'::text AND due_at IS NOT NULL;
CREATE INDEX webhooks_owner_id_idx ON webhooks USING btree (owner_id, id);
CREATE INDEX webhooks_project_id_idx ON webhooks USING btree (project_id) WHERE project_id IS NOT NULL;

CREATE TABLE worker_heartbeats (
    worker_id text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT worker_heartbeats_pkey PRIMARY KEY (worker_id)
) WITH (fillfactor=50);
COMMENT ON TABLE worker_heartbeats IS 'Workers that run; one not seen for 15 seconds is gone.';

ALTER TABLE account_tokens ADD CONSTRAINT account_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE ai_answers ADD CONSTRAINT ai_answers_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES ai_chats(id) ON DELETE CASCADE;
ALTER TABLE ai_answers ADD CONSTRAINT ai_answers_message_id_fkey FOREIGN KEY (message_id) REFERENCES ai_messages(id) ON DELETE CASCADE;
ALTER TABLE ai_answers ADD CONSTRAINT ai_answers_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE ai_chats ADD CONSTRAINT ai_chats_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE ai_chats ADD CONSTRAINT ai_chats_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE SET NULL;
ALTER TABLE ai_chunks ADD CONSTRAINT ai_chunks_message_id_fkey FOREIGN KEY (message_id) REFERENCES ai_messages(id) ON DELETE CASCADE;
ALTER TABLE ai_messages ADD CONSTRAINT ai_messages_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES ai_chats(id) ON DELETE CASCADE;
ALTER TABLE ai_messages ADD CONSTRAINT ai_messages_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES ai_messages(id) ON DELETE CASCADE;
ALTER TABLE ai_usage ADD CONSTRAINT ai_usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE blocks ADD CONSTRAINT blocks_blocked_id_fkey FOREIGN KEY (blocked_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE blocks ADD CONSTRAINT blocks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE checklist_items ADD CONSTRAINT checklist_items_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE collab_sessions ADD CONSTRAINT collab_sessions_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE SET NULL;
ALTER TABLE collab_sessions ADD CONSTRAINT collab_sessions_host_id_fkey FOREIGN KEY (host_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE collab_sessions ADD CONSTRAINT collab_sessions_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE comment_documents ADD CONSTRAINT comment_documents_comment_id_fkey FOREIGN KEY (comment_id) REFERENCES comments(id) ON DELETE CASCADE;
ALTER TABLE comments ADD CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE comments ADD CONSTRAINT comments_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES comments(id) ON DELETE CASCADE;
ALTER TABLE comments ADD CONSTRAINT comments_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE comments ADD CONSTRAINT comments_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE conversation_members ADD CONSTRAINT conversation_members_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE;
ALTER TABLE conversation_members ADD CONSTRAINT conversation_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE conversations ADD CONSTRAINT conversations_high_id_fkey FOREIGN KEY (high_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE conversations ADD CONSTRAINT conversations_low_id_fkey FOREIGN KEY (low_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE data_export_parts ADD CONSTRAINT data_export_parts_user_id_fkey FOREIGN KEY (user_id) REFERENCES data_exports(user_id) ON DELETE CASCADE;
ALTER TABLE data_exports ADD CONSTRAINT data_exports_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE delivery_attempts ADD CONSTRAINT delivery_attempts_delivery_fkey FOREIGN KEY (notification_id, channel, target) REFERENCES deliveries(notification_id, channel, target) ON DELETE CASCADE;
ALTER TABLE digests ADD CONSTRAINT digests_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE entity_reads ADD CONSTRAINT entity_reads_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE file_docs ADD CONSTRAINT file_docs_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE;
ALTER TABLE file_documents ADD CONSTRAINT file_documents_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE;
ALTER TABLE file_passages ADD CONSTRAINT file_passages_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE;
ALTER TABLE file_passages ADD CONSTRAINT file_passages_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE file_snapshots ADD CONSTRAINT file_snapshots_file_id_fkey FOREIGN KEY (file_id) REFERENCES file_docs(file_id) ON DELETE CASCADE;
ALTER TABLE file_updates ADD CONSTRAINT file_updates_file_id_fkey FOREIGN KEY (file_id) REFERENCES file_docs(file_id) ON DELETE CASCADE;
ALTER TABLE file_versions ADD CONSTRAINT file_versions_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE;
ALTER TABLE files ADD CONSTRAINT files_creator_id_fkey FOREIGN KEY (creator_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE files ADD CONSTRAINT files_deleted_by_fkey FOREIGN KEY (deleted_by) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE files ADD CONSTRAINT files_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE folded_notices ADD CONSTRAINT folded_notices_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE folded_notices ADD CONSTRAINT folded_notices_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE follows ADD CONSTRAINT follows_followed_id_fkey FOREIGN KEY (followed_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE follows ADD CONSTRAINT follows_follower_id_fkey FOREIGN KEY (follower_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE freed_usernames ADD CONSTRAINT freed_usernames_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE git_commits ADD CONSTRAINT git_commits_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES repositories(id) ON DELETE CASCADE;
ALTER TABLE identities ADD CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE imports ADD CONSTRAINT imports_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE interests ADD CONSTRAINT interests_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE interests ADD CONSTRAINT interests_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE invitations ADD CONSTRAINT invitations_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE invitations ADD CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE labels ADD CONSTRAINT labels_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE lead_interactions ADD CONSTRAINT lead_interactions_author_id_fkey FOREIGN KEY (author_id) REFERENCES users(id);
ALTER TABLE lead_interactions ADD CONSTRAINT lead_interactions_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES leads(id) ON DELETE CASCADE;
ALTER TABLE lead_stage_log ADD CONSTRAINT lead_stage_log_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES leads(id) ON DELETE CASCADE;
ALTER TABLE leads ADD CONSTRAINT leads_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE leads ADD CONSTRAINT leads_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES leads(id) ON DELETE CASCADE;
ALTER TABLE leads ADD CONSTRAINT leads_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id);
ALTER TABLE likes ADD CONSTRAINT likes_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE likes ADD CONSTRAINT likes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE mails ADD CONSTRAINT mails_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE message_reactions ADD CONSTRAINT message_reactions_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE;
ALTER TABLE message_reactions ADD CONSTRAINT message_reactions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE messages ADD CONSTRAINT messages_author_id_fkey FOREIGN KEY (author_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE messages ADD CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE;
ALTER TABLE notification_counters ADD CONSTRAINT notification_counters_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notification_groups ADD CONSTRAINT notification_groups_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notification_mutes ADD CONSTRAINT notification_mutes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notification_preferences ADD CONSTRAINT notification_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notification_settings ADD CONSTRAINT notification_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notification_types ADD CONSTRAINT notification_types_updated_by_fkey FOREIGN KEY (updated_by) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE notifications ADD CONSTRAINT notifications_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notifications_archive ADD CONSTRAINT notifications_archive_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE notifications_held ADD CONSTRAINT notifications_held_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE person_documents ADD CONSTRAINT person_documents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE person_stats ADD CONSTRAINT person_stats_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE post_documents ADD CONSTRAINT post_documents_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE post_stats ADD CONSTRAINT post_stats_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE post_status_log ADD CONSTRAINT post_status_log_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE post_status_log ADD CONSTRAINT post_status_log_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE CASCADE;
ALTER TABLE posts ADD CONSTRAINT posts_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE posts ADD CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE posts ADD CONSTRAINT posts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE SET NULL;
ALTER TABLE project_documents ADD CONSTRAINT project_documents_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE project_members ADD CONSTRAINT project_members_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE project_members ADD CONSTRAINT project_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE projects ADD CONSTRAINT projects_deleted_by_fkey FOREIGN KEY (deleted_by) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE push_subscriptions ADD CONSTRAINT push_subscriptions_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
ALTER TABLE push_subscriptions ADD CONSTRAINT push_subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE repositories ADD CONSTRAINT repositories_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE role_permissions ADD CONSTRAINT role_permissions_permission_fkey FOREIGN KEY (permission) REFERENCES permissions(code) ON DELETE CASCADE;
ALTER TABLE room_acks ADD CONSTRAINT room_acks_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
ALTER TABLE saved_views ADD CONSTRAINT saved_views_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE saved_views ADD CONSTRAINT saved_views_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE session_participants ADD CONSTRAINT session_participants_session_id_fkey FOREIGN KEY (session_id) REFERENCES collab_sessions(id) ON DELETE CASCADE;
ALTER TABLE session_participants ADD CONSTRAINT session_participants_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE task_documents ADD CONSTRAINT task_documents_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_labels ADD CONSTRAINT task_labels_label_id_fkey FOREIGN KEY (label_id) REFERENCES labels(id) ON DELETE CASCADE;
ALTER TABLE task_labels ADD CONSTRAINT task_labels_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_links ADD CONSTRAINT task_links_blocked_id_fkey FOREIGN KEY (blocked_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_links ADD CONSTRAINT task_links_blocker_id_fkey FOREIGN KEY (blocker_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_revisions ADD CONSTRAINT task_revisions_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_watchers ADD CONSTRAINT task_watchers_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE;
ALTER TABLE task_watchers ADD CONSTRAINT task_watchers_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE tasks ADD CONSTRAINT tasks_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES users(id);
ALTER TABLE tasks ADD CONSTRAINT tasks_creator_id_fkey FOREIGN KEY (creator_id) REFERENCES users(id);
ALTER TABLE tasks ADD CONSTRAINT tasks_deleted_by_fkey FOREIGN KEY (deleted_by) REFERENCES users(id);
ALTER TABLE tasks ADD CONSTRAINT tasks_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES leads(id) ON DELETE SET NULL;
ALTER TABLE tasks ADD CONSTRAINT tasks_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES tasks(id) ON DELETE SET NULL;
ALTER TABLE tasks ADD CONSTRAINT tasks_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE tasks ADD CONSTRAINT tasks_series_id_fkey FOREIGN KEY (series_id) REFERENCES task_series(id) ON DELETE SET NULL;
ALTER TABLE thread_reads ADD CONSTRAINT thread_reads_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE thumbnail_queue ADD CONSTRAINT thumbnail_queue_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES uploads(id) ON DELETE CASCADE;
ALTER TABLE tickets ADD CONSTRAINT tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
ALTER TABLE uploads ADD CONSTRAINT uploads_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE SET NULL;
ALTER TABLE uploads ADD CONSTRAINT uploads_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE uploads ADD CONSTRAINT uploads_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) ON DELETE SET NULL;
ALTER TABLE uploads ADD CONSTRAINT uploads_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE SET NULL;
ALTER TABLE webhook_attempts ADD CONSTRAINT webhook_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries(id) ON DELETE CASCADE;
ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;

CREATE OR REPLACE FUNCTION add_heat(score double precision, added double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
    -- power() raises on underflow, and 2^-60 is nothing to a double. A sum begins with NULL, which greatest() and
    -- least() pass over.
    SELECT greatest(score, added)
        + ln(1 + power(2::double precision, - least(abs(score - added), 60))) / ln(2::double precision)
$function$;
COMMENT ON FUNCTION add_heat(double precision,double precision) IS 'The sum of two scores.';

CREATE OR REPLACE FUNCTION answer_so_far(answer ai_answers)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(string_agg(k.text, '' ORDER BY k.at), '')
    FROM ai_chunks AS k
    WHERE k.message_id = (answer).message_id AND k.attempt = (answer).attempts
$function$;
COMMENT ON FUNCTION answer_so_far(ai_answers) IS 'What the newest attempt at an answer has written, while it has not ended.';

CREATE OR REPLACE FUNCTION are_apart(one uuid, other uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    -- Scalars, each by the primary key, whatever a plan expected that is kept from when the table was small.
    SELECT coalesce(
        (SELECT true FROM blocks AS b WHERE b.user_id = $1 AND b.blocked_id = $2),
        (SELECT true FROM blocks AS b WHERE b.user_id = $2 AND b.blocked_id = $1),
        false
    )
$function$;
COMMENT ON FUNCTION are_apart(uuid,uuid) IS 'Whether one of two people has blocked the other.';

CREATE OR REPLACE FUNCTION chain_comment(entity_id uuid)
 RETURNS TABLE(part_type text, part_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT p.part_type, p.part_id
    FROM comments AS c
    CROSS JOIN LATERAL (VALUES ('comment', c.parent_id), ('post', c.post_id), ('task', c.task_id)) AS p (part_type, part_id)
    WHERE c.id = $1 AND p.part_id IS NOT NULL
$function$;
COMMENT ON FUNCTION chain_comment(uuid) IS 'What a comment belongs to, in chain_entity(): the comment it replies to, and the post or task.';

CREATE OR REPLACE FUNCTION chain_entity(entity_type text, entity_id uuid)
 RETURNS TABLE(part_type text, part_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT $1, $2
    UNION ALL
    SELECT c.part_type, c.part_id FROM chain_comment($2) AS c WHERE $1 = 'comment'
    UNION ALL
    SELECT c.part_type, c.part_id FROM chain_message($2) AS c WHERE $1 = 'message'
    UNION ALL
    SELECT c.part_type, c.part_id FROM chain_repository($2) AS c WHERE $1 = 'repository'
$function$;
COMMENT ON FUNCTION chain_entity(text,uuid) IS 'An entity and all that it belongs to, in any order: what mutes it. Only the branch of its kind is run, which is chain_<kind>(); a kind without one belongs to nothing.';

CREATE OR REPLACE FUNCTION chain_message(entity_id uuid)
 RETURNS TABLE(part_type text, part_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'conversation', s.conversation_id FROM messages AS s WHERE s.id = $1
$function$;
COMMENT ON FUNCTION chain_message(uuid) IS 'What a message belongs to, in chain_entity(): its conversation.';

CREATE OR REPLACE FUNCTION chain_repository(entity_id uuid)
 RETURNS TABLE(part_type text, part_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'repository', $1
    UNION ALL
    SELECT 'project', r.project_id FROM repositories AS r WHERE r.id = $1
$function$;
COMMENT ON FUNCTION chain_repository(uuid) IS 'A linked repository and its project, in chain_entity().';

CREATE OR REPLACE FUNCTION compose_query(config regconfig, asked text, completes boolean, marks boolean)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    -- Signs of "without", then a phrase in quotes or a word with all that hangs on it.
    pattern CONSTANT text := '(-*)(?:"([^"]*)"?|([^\s"]+))';
    given text := translate(asked, '<>/,;()[]{}|', repeat(' ', 12));
    items integer := regexp_count(given, pattern);
    part text[];
    phrase tsquery;
    together tsquery;
    found tsquery;
BEGIN
    FOR part IN SELECT m FROM regexp_matches(given, pattern, 'g') AS m LOOP
        items := items - 1;
        IF part[1] = '' AND lower(part[3]) = 'or' THEN
            found := coalesce(found || together, together, found);
            together := NULL;
            CONTINUE;
        END IF;
        phrase := make_phrase(
            config, coalesce(part[2], part[3]), completes AND items = 0 AND part[3] IS NOT NULL, marks
        );
        IF numnode(phrase) > 0 THEN
            phrase := CASE WHEN part[1] = '' THEN phrase ELSE !!phrase END;
            together := coalesce(together && phrase, phrase);
        END IF;
    END LOOP;
    RETURN coalesce(found || together, together, found, '');
END
$function$;
COMMENT ON FUNCTION compose_query(regconfig,text,boolean,boolean) IS 'What somebody asks for, in the language of web searches ("phrases", or, -without); no text is an error. What is written together must stand together.';

CREATE OR REPLACE FUNCTION consider_held()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE deliveries AS d
    SET due_at = greatest(now(), d.created_at + CASE d.channel WHEN 'email' THEN interval '2 minutes' ELSE interval '0' END)
    WHERE d.receiver_id = old.user_id AND d.channel IN ('email', 'push') AND d.state = 'waiting' AND d.attempts = 0
        AND d.due_at > now();
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION consider_held() IS 'What waits for the end of quiet hours or for a digest is due, and held anew by the hours as they are by then.';

CREATE OR REPLACE FUNCTION count_follows()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;
COMMENT ON FUNCTION count_follows() IS 'Counts follows that came or went for both people, whose rows it takes in one order.';

CREATE OR REPLACE FUNCTION count_posts()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO person_stats AS s (user_id, post_count)
    SELECT id, (NEW.position IS NOT NULL)::integer - (OLD.position IS NOT NULL)::integer
    FROM users
    WHERE id = coalesce(NEW.author_id, OLD.author_id)
    ON CONFLICT ON CONSTRAINT person_stats_pkey DO UPDATE SET post_count = s.post_count + excluded.post_count;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION count_posts() IS 'Counts a post for its author when it comes into the lists or leaves them.';

CREATE OR REPLACE FUNCTION cut_window(shown text, query tsquery)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    -- Of most texts the beginning will do: to look through 20,000 characters takes 0.4 ms.
    SELECT CASE
        WHEN length(shown) <= 600 OR find_place(left(shown, 600), query) <= 400 THEN left(shown, 600)
        ELSE regexp_replace(
            substr(shown, greatest(1, coalesce(find_place(shown, query), 1) - 150), 600), '^\S{0,60}\s', ''
        )
    END
$function$;
COMMENT ON FUNCTION cut_window(text,tsquery) IS 'The part of a long text in which something was found, or its beginning: a highlight costs the same however long a text is.';

CREATE OR REPLACE FUNCTION describe_ai_chat(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT c.title, c.title, NULL::uuid FROM ai_chats AS c WHERE c.id = $1 AND c.owner_id = $2
$function$;
COMMENT ON FUNCTION describe_ai_chat(uuid,uuid) IS 'A chat in describe_entity().';

CREATE OR REPLACE FUNCTION describe_collab_session(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT s.title, s.title, NULL::uuid
    FROM collab_sessions AS s
    WHERE s.id = $1 AND project_role(s.project_id, $2, holds_permission($2, 'project:manage')) <> 'reader'
$function$;
COMMENT ON FUNCTION describe_collab_session(uuid,uuid) IS 'A session in describe_entity().';

CREATE OR REPLACE FUNCTION describe_comment(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(c.body), excerpt(c.body), c.post_id
    FROM visible_comments($2, holds_permission($2, 'task:manage')) AS c
    WHERE c.id = $1 AND c.body IS NOT NULL
$function$;
COMMENT ON FUNCTION describe_comment(uuid,uuid) IS 'A comment in describe_entity(); a placeholder is as good as gone.';

CREATE OR REPLACE FUNCTION describe_conversation(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(c.title, display_name(u)), NULL::text, NULL::uuid
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    LEFT JOIN users AS u ON u.id = other_of(c, $2)
    WHERE m.conversation_id = $1 AND m.user_id = $2
$function$;
COMMENT ON FUNCTION describe_conversation(uuid,uuid) IS 'A conversation in describe_entity(), for its members alone: its title, or with whom it is.';

CREATE OR REPLACE FUNCTION describe_entity(entity_type text, entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_ai_chat($2, $3) AS d WHERE $1 = 'ai_chat'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_collab_session($2, $3) AS d WHERE $1 = 'collab_session'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_comment($2, $3) AS d WHERE $1 = 'comment'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_conversation($2, $3) AS d WHERE $1 = 'conversation'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_file($2, $3) AS d WHERE $1 = 'file'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_lead($2, $3) AS d WHERE $1 = 'lead'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_message($2, $3) AS d WHERE $1 = 'message'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_post($2, $3) AS d WHERE $1 = 'post'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_project($2, $3) AS d WHERE $1 = 'project'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_repository($2, $3) AS d WHERE $1 = 'repository'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_task($2, $3) AS d WHERE $1 = 'task'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_user($2, $3) AS d WHERE $1 = 'user'
    UNION ALL
    SELECT d.excerpt, d.beginning, d.post_id FROM describe_webhook($2, $3) AS d WHERE $1 = 'webhook'
    UNION ALL
    SELECT NULL::text, NULL::text, NULL::uuid WHERE $1 <> ALL('{ai_chat,collab_session,comment,conversation,file,lead,message,post,project,repository,task,user,webhook}'::text[])
$function$;
COMMENT ON FUNCTION describe_entity(text,uuid,uuid) IS 'What a notification leads to, as its receiver may see it now: its title or else how it begins, how its text begins, and the post it is or belongs to. No row for what is gone. Only the branch of its kind is run, which is describe_<kind>(); a kind without one has no excerpt.';

CREATE OR REPLACE FUNCTION describe_file(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT f.path, NULL::text, NULL::uuid
    FROM files AS f
    WHERE f.id = $1
        AND f.deleted_at IS NULL
        AND project_role(f.project_id, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$function$;
COMMENT ON FUNCTION describe_file(uuid,uuid) IS 'A file in describe_entity().';

CREATE OR REPLACE FUNCTION describe_lead(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(l.name), excerpt(l.name), NULL::uuid FROM find_lead($1, $2) AS f INNER JOIN leads AS l ON l.id = f.id
$function$;
COMMENT ON FUNCTION describe_lead(uuid,uuid) IS 'A lead in describe_entity(); of one that was merged, the one that lives on.';

CREATE OR REPLACE FUNCTION describe_message(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(s.body), excerpt(s.body), NULL::uuid
    FROM messages AS s
    WHERE s.id = $1
        AND s.deleted_at IS NULL
        AND (
            SELECT true FROM conversation_members AS m WHERE m.conversation_id = s.conversation_id AND m.user_id = $2
        )
$function$;
COMMENT ON FUNCTION describe_message(uuid,uuid) IS 'A message in describe_entity(), for members of its conversation alone.';

CREATE OR REPLACE FUNCTION describe_post(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(coalesce(p.title, p.body)), excerpt(p.body), p.id
    FROM posts AS p
    WHERE p.id = $1 AND shown_to(p, $2)
$function$;
COMMENT ON FUNCTION describe_post(uuid,uuid) IS 'A post in describe_entity().';

CREATE OR REPLACE FUNCTION describe_project(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT p.name, excerpt(p.description), NULL::uuid
    FROM projects AS p
    WHERE p.id = $1 AND project_role(p.id, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$function$;
COMMENT ON FUNCTION describe_project(uuid,uuid) IS 'A project in describe_entity().';

CREATE OR REPLACE FUNCTION describe_repository(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(substring(r.url FROM '^[a-z]+://(.+)$')), NULL::text, NULL::uuid
    FROM repositories AS r
    WHERE r.id = $1
        AND project_role(r.project_id, $2, holds_permission($2, 'project:manage')) IN ('owner', 'editor', 'viewer')
$function$;
COMMENT ON FUNCTION describe_repository(uuid,uuid) IS 'A linked repository in describe_entity(), for members of its project: by its address.';

CREATE OR REPLACE FUNCTION describe_task(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT excerpt(t.title), excerpt(t.description), NULL::uuid FROM tasks_seen_by($2) AS t WHERE t.id = $1
$function$;
COMMENT ON FUNCTION describe_task(uuid,uuid) IS 'A task in describe_entity().';

CREATE OR REPLACE FUNCTION describe_user(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT display_name(u), NULL::text, NULL::uuid
    FROM users AS u
    WHERE u.id = $1 AND u.status <> 'deleted'
$function$;
COMMENT ON FUNCTION describe_user(uuid,uuid) IS 'A person in describe_entity(); whoever has left is gone.';

CREATE OR REPLACE FUNCTION describe_webhook(entity_id uuid, viewer_id uuid)
 RETURNS TABLE(excerpt text, beginning text, post_id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(w.description, substring(w.url FROM '^[a-z]+://([^/?#]+)')), NULL::text, NULL::uuid
    FROM webhooks AS w
    WHERE w.id = $1 AND w.owner_id = $2
$function$;
COMMENT ON FUNCTION describe_webhook(uuid,uuid) IS 'A webhook in describe_entity(), for its owner: by its description, or the host it sends to.';

CREATE OR REPLACE FUNCTION digest_period(timezone text, digest text, at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE digest
        WHEN 'hourly' THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')
        WHEN 'daily' THEN to_char(at AT TIME ZONE timezone, 'YYYY-MM-DD')
    END
$function$;
COMMENT ON FUNCTION digest_period(text,text,timestamp with time zone) IS 'The period of a digest that is due at a moment, of which there is one digest: the local date, or the hour in UTC.';

CREATE OR REPLACE FUNCTION display_name(u users)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(nullif(concat_ws(' ', (u).first_name, (u).last_name), ''), (u).username::text)
$function$;
COMMENT ON FUNCTION display_name(users) IS 'What a user is called in a sentence: the full name, else the username.';

CREATE OR REPLACE FUNCTION doubt_words()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    -- NEW is NULL where the row is deleted.
    INSERT INTO search_doubts (word)
    SELECT w FROM unnest(TG_ARGV) AS name CROSS JOIN LATERAL list_words(to_jsonb(OLD) ->> name) AS w
    EXCEPT
    SELECT w FROM unnest(TG_ARGV) AS name CROSS JOIN LATERAL list_words(to_jsonb(NEW) ->> name) AS w;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION doubt_words() IS 'Puts the words that leave a text (in the columns given) into search_doubts: a word goes with the last text that has it.';

CREATE OR REPLACE FUNCTION drop_event_partitions(keep_days integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
DECLARE
    -- Whatever is asked for, the current month stays.
    horizon timestamptz := least(
        now() - make_interval(days => keep_days),
        date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    );
    old regclass;
    dropped integer := 0;
BEGIN
    -- As with a new partition: rather fail and be tried again than keep every write waiting.
    PERFORM set_config('lock_timeout', '2s', true);
    FOR old IN
        SELECT p.oid::regclass
        FROM pg_inherits AS i
        INNER JOIN pg_class AS p ON p.oid = i.inhrelid
        -- The default partition has no upper bound to find, and so never matches.
        WHERE i.inhparent = 'events'::regclass
            AND substring(pg_get_expr(p.relpartbound, p.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz <= horizon
    LOOP
        EXECUTE format('DROP TABLE %s', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$function$;
COMMENT ON FUNCTION drop_event_partitions(integer) IS 'Drops the months of the trail that ended so many days ago, but never the current one; returns how many went.';

CREATE OR REPLACE FUNCTION emit(type text, actor_id uuid, entity_type text, entity_id uuid, payload jsonb, context jsonb, root uuid DEFAULT NULL::uuid, dedup_key text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
-- Arguments have the names of columns, for those who call it by hand; here they are $1 to $8.
#variable_conflict use_column
DECLARE
    event_id uuid := uuidv7();
BEGIN
    INSERT INTO events (id, type, actor_id, entity_type, entity_id, payload, metadata, correlation_id, project_id)
    VALUES (
        event_id, $1, $2, $3, $4, $5, $6 - 'requestId', $6 ->> 'requestId',
        CASE WHEN $3 = 'project' THEN $4 ELSE ($5 ->> 'projectId')::uuid END
    );
    IF $8 IS NULL THEN
        INSERT INTO outbox (event_id, event_at, lane) VALUES (event_id, now(), find_lane(coalesce($7, $4)));
    ELSE
        INSERT INTO outbox (event_id, event_at, lane, dedup_key)
        VALUES (event_id, now(), find_lane(coalesce($7, $4)), $8)
        ON CONFLICT (dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING;
    END IF;
    RETURN event_id;
END
$function$;
COMMENT ON FUNCTION emit(text,uuid,text,uuid,jsonb,jsonb,uuid,text) IS 'Records what happened and queues it, in the transaction in which it happened; returns the event''s id. `payload` holds references; its `projectId`, or a project that it happened to, has the event in the activity of that. `context` is {ip, userAgent, sessionId, requestId}. Events of one `root`, the entity itself where NULL, are delivered in their order. Of what has the same `dedup_key` one is queued at a time.';

CREATE OR REPLACE FUNCTION end_of_day(day date, user_id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT (($1 + 1)::timestamp AT TIME ZONE coalesce(
        (SELECT s.timezone FROM notification_settings AS s WHERE s.user_id = $2), 'UTC'
    )) - interval '1 second'
$function$;
COMMENT ON FUNCTION end_of_day(date,uuid) IS 'The last second of a day by a person''s clock.';

CREATE OR REPLACE FUNCTION end_pushes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    DELETE FROM push_subscriptions WHERE session_id = NEW.id;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION end_pushes() IS 'Deletes the push subscriptions of a session.';

CREATE OR REPLACE FUNCTION ensure_event_partition(month date)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
DECLARE
    name text := format('events_%s', to_char(month, 'YYYY_MM'));
    since timestamptz := month::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    -- Rather fail and be tried again than keep everybody waiting. Events of months with a partition go on meanwhile:
    -- one that is made aside and attached locks nothing but events_default.
    PERFORM set_config('lock_timeout', '2s', true);
    LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
    IF EXISTS (SELECT FROM events_default AS d WHERE d.created_at >= since AND d.created_at < until) THEN
        ALTER TABLE events_default DISABLE TRIGGER events_append_only;
        EXECUTE format(
            'WITH moved AS (DELETE FROM events_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved',
            name
        ) USING since, until;
        ALTER TABLE events_default ENABLE TRIGGER events_append_only;
    END IF;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, since, until);
    -- Unlike row triggers, this one is not inherited.
    EXECUTE format(
        'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name
    );
    RETURN true;
END
$function$;
COMMENT ON FUNCTION ensure_event_partition(date) IS 'Creates the partition of the month that begins on this day and moves rows of it out of events_default; returns whether it is new.';

CREATE OR REPLACE FUNCTION ensure_event_partitions(months_ahead integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
DECLARE
    month date;
    made integer := 0;
BEGIN
    -- An array, as a table that is being read cannot be altered.
    FOREACH month IN ARRAY ARRAY(SELECT m.month FROM list_missing_months(months_ahead) AS m) LOOP
        made := made + ensure_event_partition(month)::integer;
    END LOOP;
    RETURN made;
END
$function$;
COMMENT ON FUNCTION ensure_event_partitions(integer) IS 'Creates the partitions of list_missing_months(), all or none; returns how many were new.';

CREATE OR REPLACE FUNCTION excerpt(written text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN length(left(written, 141)) > 140 THEN left(written, 139) || '…' ELSE written END
$function$;
COMMENT ON FUNCTION excerpt(text) IS 'How a text begins, in at most 140 characters.';

CREATE OR REPLACE FUNCTION find_documents(wanted text, query tsquery)
 RETURNS TABLE(id uuid, recency uuid, score double precision)
 LANGUAGE sql
 STABLE
AS $function$
    -- A word may be in half of all texts, and to rank so many takes seconds: the newest 500 that match are ranked. They
    -- are looked for in three steps, each only where the one before was not enough. The newest 2,000 documents: all
    -- that a common word needs, and little work for nothing where it is rare. If some of these matched, the newest
    -- 50,000. At last the index of words, whose matches all have to be read; not for what it has no words of ("all but").
    -- OFFSET 0 is a fence: the planner, who does not know the query, would walk through all documents in their order.
    WITH near AS MATERIALIZED (
        SELECT newest.id, newest.recency, newest.words
        FROM (SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC LIMIT 2000) AS newest
        WHERE newest.words @@ query
        LIMIT 500
    )
    -- Beneath an OR the words are ranked one by one; with AND each pair of their places is looked at, which are 65,000
    -- for two words that a long text repeats.
    SELECT found.id, found.recency, ts_rank(found.words, query || query, 1)::double precision
    FROM (
        SELECT fresh.id, fresh.recency, fresh.words
        FROM fresh_documents AS fresh
        WHERE fresh.kind = wanted AND fresh.words @@ query
        UNION ALL
        SELECT near.id, near.recency, near.words FROM near
        UNION ALL
        (
            SELECT newer.id, newer.recency, newer.words
            FROM (
                SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC OFFSET 2000 LIMIT 48000
            ) AS newer
            WHERE (SELECT count(*) FROM near) >= 12 AND newer.words @@ query
            LIMIT 500
        )
        UNION ALL
        (
            SELECT matching.id, matching.recency, matching.words
            FROM (SELECT * FROM documents WHERE kind = wanted AND words @@ query OFFSET 0) AS matching
            WHERE querytree(query) <> 'T'
                AND matching.recency <= (
                    SELECT d.recency
                    FROM documents AS d
                    WHERE d.kind = wanted
                    ORDER BY d.recency DESC
                    OFFSET CASE WHEN (SELECT count(*) FROM near) >= 12 THEN 50000 ELSE 2000 END
                    LIMIT 1
                )
            ORDER BY matching.recency DESC
            LIMIT 500
        )
        LIMIT 500
    ) AS found
    OFFSET 0
$function$;
COMMENT ON FUNCTION find_documents(text,tsquery) IS 'The newest 500 documents of a kind that match, in no order; a higher score is a better match.';

CREATE OR REPLACE FUNCTION find_holders(wanted text, query tsquery)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE
AS $function$
    -- A common word is in some of the newest, and the index would have to list all that have it; of a rare one the index
    -- finds at once what there is.
    SELECT newest.id
    FROM (SELECT * FROM documents WHERE kind = wanted ORDER BY recency DESC LIMIT 64) AS newest
    WHERE newest.words @@ query
    UNION ALL
    (SELECT d.id FROM documents AS d WHERE d.kind = wanted AND d.words @@ query LIMIT 500)
$function$;
COMMENT ON FUNCTION find_holders(text,tsquery) IS 'Some documents of a kind that have the words of a query, if there are any; to be read until one is found that has them in the form in question.';

CREATE OR REPLACE FUNCTION find_lane(root uuid)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    -- The last byte of a version 7 id is random.
    SELECT (get_byte(uuid_send(root), 15) % 16)::smallint
$function$;
COMMENT ON FUNCTION find_lane(uuid) IS 'The lane of the outbox, 0 to 15, in which events of an entity keep their order.';

CREATE OR REPLACE FUNCTION find_lead(lead_id uuid, viewer_id uuid)
 RETURNS TABLE(id uuid)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT coalesce(l.merged_into, l.id)
    FROM leads AS l
    INNER JOIN users AS u ON u.id = $2 AND u.status = 'active'
    INNER JOIN role_permissions AS p ON p.role = u.role AND p.permission = 'lead:read'
    WHERE l.id = $1
$function$;
COMMENT ON FUNCTION find_lead(uuid,uuid) IS 'The lead that a reference leads to: where it was merged, the one that lives on. No row for what is gone, and for those who may not read leads. A query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION find_named(usernames citext[], only_id uuid DEFAULT NULL::uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    -- In plpgsql, so that a statement that calls it costs the planner the same however many names there are:
    -- with the array in sight it would plan that statement anew at every call.
    RETURN (
        SELECT coalesce(jsonb_agg(u.id), '[]')
        FROM users AS u
        WHERE u.username = ANY(usernames) AND u.status = 'active' AND (only_id IS NULL OR u.id = only_id)
    );
END
$function$;
COMMENT ON FUNCTION find_named(citext[],uuid) IS 'Ids of the active people with these usernames, as an array; with `only_id` of nobody else.';

CREATE OR REPLACE FUNCTION find_place(shown text, query tsquery)
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$
    SELECT min(nullif(strpos(lower(shown), w[1]), 0)) FROM regexp_matches(query::text, '(?<!!)''([^'']+)''', 'g') AS w
$function$;
COMMENT ON FUNCTION find_place(text,tsquery) IS 'Where in a text a word of the query stands first, as it is found; NULL where each ends otherwise in the text, or has accents there.';

CREATE OR REPLACE FUNCTION find_position(receiver_id uuid, id uuid)
 RETURNS uuid
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce((SELECT n.position FROM notifications AS n WHERE n.id = $2 AND n.receiver_id = $1), $2)
$function$;
COMMENT ON FUNCTION find_position(uuid,uuid) IS 'Where a notification of the receiver''s stands in lists. An id of nothing is taken for a position, which most ids are.';

CREATE OR REPLACE FUNCTION find_tasks(viewer uuid, sees_all boolean, statuses text[], priorities smallint[], kinds text[], assignee uuid, creator uuid, project uuid, label uuid, parent uuid, blocked boolean, words text, due_from timestamp with time zone, due_before timestamp with time zone)
 RETURNS SETOF tasks
 LANGUAGE sql
 STABLE
AS $function$
    SELECT t.*
    FROM visible_tasks($1, $2) AS t
    -- The planner takes a CASE for one that half of the rows pass, and so reads an index in its order until a page is full.
    -- Of these conditions it would think that they leave nothing, and sort what they leave.
    WHERE CASE
        WHEN t.status = ANY($3)
            AND t.priority = ANY($4)
            AND t.kind = ANY($5)
            AND ($6 IS NULL OR coalesce(t.assignee_id, '00000000-0000-0000-0000-000000000000') = $6)
            AND ($7 IS NULL OR t.creator_id = $7)
            AND ($8 IS NULL OR coalesce(t.project_id, '00000000-0000-0000-0000-000000000000') = $8)
            AND ($10 IS NULL OR t.parent_id = $10)
            AND ($13 IS NULL OR t.due_at >= $13)
            AND ($14 IS NULL OR t.due_at < $14)
            AND ($12 IS NULL OR fold_text(t.title) LIKE (SELECT '%' || fold_text($12) || '%'))
            AND ($9 IS NULL OR (SELECT true FROM task_labels AS x WHERE x.task_id = t.id AND x.label_id = $9))
            AND (
                $11 IS NULL
                OR $11 = coalesce((SELECT true FROM open_links AS l WHERE l.blocked_id = t.id LIMIT 1), false)
            )
            THEN true
    END
$function$;
COMMENT ON FUNCTION find_tasks(uuid,boolean,text[],smallint[],text[],uuid,uuid,uuid,uuid,uuid,boolean,text,timestamp with time zone,timestamp with time zone) IS E'The visible tasks that filters leave, each of which is NULL where it is not asked for; all zeros for nobody and no project. `words`: of the title, with %, _ and \\ escaped. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION first_id(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$function$;
COMMENT ON FUNCTION first_id(timestamp with time zone) IS 'The least version 7 id that can be made at a moment.';

CREATE OR REPLACE FUNCTION folders_of(path text)
 RETURNS SETOF text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT array_to_string(p.parts[1:n], '/')
    FROM (SELECT string_to_array(lower($1), '/') AS parts) AS p
    CROSS JOIN LATERAL generate_series(1, cardinality(p.parts) - 1) AS n
$function$;
COMMENT ON FUNCTION folders_of(text) IS 'The folders that a path lies in, the outermost first, in lower case as paths are compared.';

CREATE OR REPLACE FUNCTION forget_reads()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    -- In the order in which readers.delete_reads deletes them: what WITH has comes last.
    DELETE FROM thread_reads WHERE thread = OLD.id;
    DELETE FROM entity_reads WHERE entity_type = TG_ARGV[0] AND entity_id = OLD.id;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION forget_reads() IS 'Deletes who read a deleted row of the kind in its argument, and how far its comments.';

CREATE OR REPLACE FUNCTION forgive(name text)
 RETURNS text
 LANGUAGE sql
AS $function$
    SELECT name FROM set_config('pg_trgm.word_similarity_threshold', '0.4', true)
$function$;
COMMENT ON FUNCTION forgive(text) IS 'The same, and until the transaction ends `<%` forgives a slip in a short name, which PostgreSQL''s own threshold of 0.6 does not. Call it as (SELECT forgive(...)) beside the operator.';

CREATE OR REPLACE FUNCTION gather_kinds()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    branches text := '';
    chains text := '';
    known text[] := '{}';
    kind text;
BEGIN
    FOR kind IN
        SELECT substr(p.proname, length('describe_') + 1)
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname ^@ 'describe_'
            AND oidvectortypes(p.proargtypes) = 'uuid, uuid'
        ORDER BY p.proname COLLATE "C"
    LOOP
        branches := branches || format(
            E'\n    SELECT d.excerpt, d.beginning, d.post_id FROM %I($2, $3) AS d WHERE $1 = %L\n    UNION ALL',
            'describe_' || kind, kind
        );
        known := known || kind;
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION describe_entity(entity_type text, entity_id uuid, viewer_id uuid) '
        'RETURNS TABLE (excerpt text, beginning text, post_id uuid) LANGUAGE sql STABLE AS %L',
        branches || format(E'\n    SELECT NULL::text, NULL::text, NULL::uuid WHERE $1 <> ALL(%L::text[])\n', known)
    );
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION is_described(entity_type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS %L',
        format(E'\n    SELECT $1 = ANY(%L::text[])\n', known)
    );
    FOR kind IN
        SELECT substr(p.proname, length('chain_') + 1)
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname ^@ 'chain_'
            AND oidvectortypes(p.proargtypes) = 'uuid'
        ORDER BY p.proname COLLATE "C"
    LOOP
        chains := chains || format(
            E'\n    UNION ALL\n    SELECT c.part_type, c.part_id FROM %I($2) AS c WHERE $1 = %L', 'chain_' || kind, kind
        );
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION chain_entity(entity_type text, entity_id uuid) '
        'RETURNS TABLE (part_type text, part_id uuid) LANGUAGE sql STABLE AS %L',
        E'\n    SELECT $1, $2' || chains || E'\n'
    );
END
$function$;
COMMENT ON FUNCTION gather_kinds() IS 'Makes describe_entity() of all functions describe_<kind>(entity_id, viewer_id), which give rows like it, and chain_entity() of all chain_<kind>(entity_id). A file that defines one calls this behind it.';

CREATE OR REPLACE FUNCTION has_many_projects(viewer uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT count(*) > 20 FROM (SELECT FROM project_members AS m WHERE m.user_id = $1 LIMIT 21) AS p
$function$;
COMMENT ON FUNCTION has_many_projects(uuid) IS 'Whether a person is a member of more projects than are quickly read one by one.';

CREATE OR REPLACE FUNCTION hash_username(username citext)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
    SELECT sha256(key || convert_to(lower(username::text), 'UTF8')) FROM name_key
$function$;
COMMENT ON FUNCTION hash_username(citext) IS 'What freed_usernames keeps of a name.';

CREATE OR REPLACE FUNCTION heat(happened_at timestamp with time zone, weight double precision)
 RETURNS double precision
 LANGUAGE sql
 STABLE
AS $function$
    SELECT extract(epoch FROM happened_at)::double precision / 86400 + ln(weight) / ln(2::double precision)
$function$;
COMMENT ON FUNCTION heat(timestamp with time zone,double precision) IS 'What one like, comment or interest is as a score: a logarithm to the base 2, with a half-life of a day.';

CREATE OR REPLACE FUNCTION highlight(shown text, query tsquery, marks tsquery DEFAULT NULL::tsquery, config regconfig DEFAULT 'nexcorp_all'::regconfig)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    -- Characters of the private use area stand for the marks (E000, E001) until all is escaped. A seam (E002) separates
    -- words where documents have them apart.
    part text := normalize(translate(cut_window(shown, query), U&'\E000\E001\E002', ''));
    sign text;
BEGIN
    -- What is to separate words stays in sight: the seam behind it, and it behind a seam, is nothing to the parser.
    part := regexp_replace(part, '[-./@_<>&+]', U&'\E002\\&\E002', 'g');
    IF octet_length(part) > length(part) THEN
        part := regexp_replace(part, name_dense(), U&'\E002\\&\E002', 'g');
    END IF;
    part := ts_headline(
        config, part, coalesce(marks, query),
        U&'StartSel=\E000, StopSel=\E001, ' || CASE
            WHEN length(part) <= 200 THEN 'HighlightAll=true'
            ELSE 'MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
        END
    );
    part := replace(replace(part, U&'\E001\E002\E002\E000', ''), U&'\E002', '');
    part := replace(replace(replace(replace(part, '&', '&amp;'), '"', '&quot;'), '''', '&#39;'), '`', '&#96;');
    part := replace(replace(part, '<', '&lt;'), '>', '&gt;');
    FOR sign IN
        SELECT chr(('x' || lpad(m[1], 8, '0'))::bit(32)::integer)
        FROM regexp_matches(query::text, '(?<!!)''u([0-9a-f]{4,5})u[0-9a-f]+''', 'g') AS m
    LOOP
        part := replace(part, sign, U&'\E000' || sign || U&'\E001');
    END LOOP;
    RETURN replace(replace(part, U&'\E000', '<mark>'), U&'\E001', '</mark>');
END
$function$;
COMMENT ON FUNCTION highlight(text,tsquery,tsquery,regconfig) IS 'HTML: what was found in <mark>, everything else escaped; of a long text two parts around it. `marks` is the query as make_query(asked, true) makes it, without which nothing is marked in scripts without spaces.';

CREATE OR REPLACE FUNCTION holds_permission(user_id uuid, permission text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(
        (
            SELECT true
            FROM users AS u
            INNER JOIN role_permissions AS p ON p.role = u.role AND p.permission = $2
            WHERE u.id = $1 AND u.status = 'active'
        ),
        false
    )
$function$;
COMMENT ON FUNCTION holds_permission(uuid,text) IS 'Whether the role of an active person has a permission, for those who are told of something while they are away.';

CREATE OR REPLACE FUNCTION is_avatar(u uploads)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (SELECT FROM users AS p WHERE p.id = (u).owner_id AND p.avatar_url IN ((u).url, (u).thumbnail_url))
$function$;
COMMENT ON FUNCTION is_avatar(uploads) IS 'Whether an upload is the picture of its owner''s profile, which nothing removes by itself.';

CREATE OR REPLACE FUNCTION is_described(entity_type text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT $1 = ANY('{ai_chat,collab_session,comment,conversation,file,lead,message,post,project,repository,task,user,webhook}'::text[])
$function$;
COMMENT ON FUNCTION is_described(text) IS 'Whether a kind has a function describe_<kind>(): whether it can be told who sees one.';

CREATE OR REPLACE FUNCTION is_deserted(session_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT NOT EXISTS (
        SELECT FROM session_participants AS p
        WHERE p.session_id = $1 AND coalesce(p.left_at, p.seen_at) > now() - interval '24 hours'
    )
$function$;
COMMENT ON FUNCTION is_deserted(uuid) IS 'Whether nobody has been in a session for 24 hours; a new one has to be older than that, too.';

CREATE OR REPLACE FUNCTION is_here(p session_participants)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT (p).left_at IS NULL AND (p).seen_at > now() - interval '60 seconds'
$function$;
COMMENT ON FUNCTION is_here(session_participants) IS 'Whether a participant is there: unseen for 60 seconds they have left.';

CREATE OR REPLACE FUNCTION is_listed(n notifications)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT (n).archived_at IS NULL AND (n).snoozed_until IS NULL
$function$;
COMMENT ON FUNCTION is_listed(notifications) IS 'Whether lists show it: n.is_listed. The planner takes it in, and finds the partial indexes.';

CREATE OR REPLACE FUNCTION is_live(s sessions)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    -- As session_end() has it, but so that an index on refreshed_at serves.
    SELECT (s).revoked_at IS NULL AND (s).expires_at > now() AND (s).refreshed_at > now() - interval '30 days'
$function$;
COMMENT ON FUNCTION is_live(sessions) IS 'Whether a session can still be refreshed: it is not revoked and has not come to its end.';

CREATE OR REPLACE FUNCTION is_of_departed(actor_id uuid, payload jsonb)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (
        SELECT 1 FROM users AS u WHERE u.id = coalesce($1, ($2 ->> 'userId')::uuid) AND u.left_at IS NOT NULL
    )
$function$;
COMMENT ON FUNCTION is_of_departed(uuid,jsonb) IS 'Whether an event came from a person who has left; without an actor it is taken to come from whom it is about.';

CREATE OR REPLACE FUNCTION is_unread(n notifications)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT NOT (n).is_read AND (n).archived_at IS NULL AND (n).snoozed_until IS NULL
$function$;
COMMENT ON FUNCTION is_unread(notifications) IS 'Whether it counts as unread: n.is_unread. What counts is listed.';

CREATE OR REPLACE FUNCTION is_username_kept(username citext, wanted_by uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (
        SELECT 1
        FROM freed_usernames AS f
        WHERE f.name_hash = hash_username($1)
            AND f.freed_at > now() - interval '1 year'
            AND (f.user_id = $2) IS NOT TRUE
    )
$function$;
COMMENT ON FUNCTION is_username_kept(citext,uuid) IS 'Whether a name is reserved for another than this user (NULL: for a new one), who gave it up within a year or left.';

CREATE OR REPLACE FUNCTION keep_due_days()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    moved record;
BEGIN
    -- A statement that writes all settings names the zone, too.
    IF TG_OP = 'UPDATE' AND NEW.timezone = OLD.timezone THEN
        RETURN NULL;
    END IF;
    FOR moved IN
        WITH held AS MATERIALIZED (
            SELECT t.id
            FROM tasks AS t
            WHERE (t.assignee_id = NEW.user_id OR t.creator_id = NEW.user_id AND t.assignee_id IS NULL)
                AND t.deleted_at IS NULL
                AND t.due_on IS NOT NULL
                AND t.due_at <> end_of_day(t.due_on, NEW.user_id)
                AND t.status NOT IN ('done', 'cancelled')
            -- The oldest: others may give a person any number, who waits for this.
            ORDER BY t.id
            LIMIT 10000
            FOR NO KEY UPDATE
        )
        UPDATE tasks AS t
        SET due_on = t.due_on
        FROM held AS h
        WHERE t.id = h.id
        RETURNING t.*
    LOOP
        PERFORM emit(
            'task.updated', NEW.user_id, 'task', moved.id,
            jsonb_build_object(
                'version', moved.version, 'creatorId', moved.creator_id, 'assigneeId', moved.assignee_id,
                'projectId', moved.project_id, 'parentId', moved.parent_id, 'watcherIds', '[]'::jsonb,
                'changed', '["dueAt"]'::jsonb
            ),
            '{}', coalesce(moved.project_id, moved.id)
        );
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION keep_due_days() IS 'What is due on a day ends by the clock of whose it is, 10,000 tasks at most, and the rooms that show it are told.';

CREATE OR REPLACE FUNCTION keep_task()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    is_new boolean := TG_OP = 'INSERT';
BEGIN
    IF NEW.status = 'in_progress' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
    END IF;
    NEW.completed_at := CASE WHEN NEW.status = 'done' THEN coalesce(NEW.completed_at, now()) END;
    NEW.cancelled_at := CASE WHEN NEW.status = 'cancelled' THEN coalesce(NEW.cancelled_at, now()) END;
    IF NEW.due_on IS NOT NULL THEN
        NEW.due_at := end_of_day(NEW.due_on, coalesce(NEW.assignee_id, NEW.creator_id));
    END IF;
    IF NEW.due_at IS NULL OR NEW.status IN ('done', 'cancelled') THEN
        NEW.remind_at := NULL;
    ELSIF is_new THEN
        NEW.remind_at := next_reminder(NEW.due_at, now());
    ELSIF NEW.due_at IS DISTINCT FROM OLD.due_at
        OR OLD.status IN ('done', 'cancelled')
        OR OLD.deleted_at IS NOT NULL THEN
        NEW.remind_at := next_reminder(NEW.due_at, now());
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION keep_task() IS 'Whoever writes a task: started_at, completed_at and cancelled_at follow its status, due_at its day, remind_at its date.';

CREATE OR REPLACE FUNCTION keep_username()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.username = NEW.username THEN
        RETURN NEW;
    END IF;
    IF is_username_kept(NEW.username, NEW.id) THEN
        RAISE unique_violation USING
            MESSAGE = 'username is reserved', TABLE = 'users', CONSTRAINT = 'users_username_key';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    INSERT INTO freed_usernames (name_hash, user_id) VALUES (hash_username(OLD.username), NEW.id)
    ON CONFLICT (name_hash) DO UPDATE SET user_id = excluded.user_id, freed_at = now();
    IF NEW.status = 'deleted' THEN
        UPDATE freed_usernames SET user_id = NULL WHERE user_id = NEW.id;
    ELSE
        -- Or one account would reserve names without end.
        DELETE FROM freed_usernames
        WHERE name_hash IN (
            SELECT f.name_hash FROM freed_usernames AS f WHERE f.user_id = NEW.id ORDER BY f.freed_at DESC OFFSET 10
        );
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION keep_username() IS 'Refuses reserved usernames, as taken ones are, and reserves the one that is given up.';

CREATE OR REPLACE FUNCTION last_rank(project_id uuid, status text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
    -- What stands in no project has no column.
    SELECT CASE
        WHEN $1 IS NOT NULL THEN least(
            1048576 + coalesce(
                (
                    SELECT t.rank
                    FROM tasks AS t
                    WHERE t.project_id = $1 AND t.status = $2 AND t.deleted_at IS NULL
                    ORDER BY t.rank DESC
                    LIMIT 1
                ),
                0
            ),
            4503599627370496
        )
        ELSE 0
    END
$function$;
COMMENT ON FUNCTION last_rank(uuid,text) IS 'The rank behind all others of a column, 2^20 on; 0 without a project.';

CREATE OR REPLACE FUNCTION lead_fits(stage text, owner_id uuid, source text, score integer, words text, wanted_stage text, wanted_owner uuid, wanted_source text, wanted text, patterns text[], least_score integer)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE
        WHEN ($6 IS NULL OR $1 = $6)
            AND ($7 IS NULL OR $2 = $7)
            AND ($8 IS NULL OR $3 = $8)
            AND ($11 IS NULL OR $4 >= $11)
            AND ($9 IS NULL OR fold_text($5) LIKE ALL ($10))
            THEN true
        ELSE false
    END
$function$;
COMMENT ON FUNCTION lead_fits(text,uuid,text,integer,text,text,uuid,text,text,text[],integer) IS 'Whether a lead passes the filters of a list; NULL filters nothing. `patterns`: word_patterns() of `wanted`. A query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION level_of(c conversations, m conversation_members)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce((m).level, CASE WHEN (c).member_count > 20 THEN 'mentions' ELSE 'all' END)
$function$;
COMMENT ON FUNCTION level_of(conversations,conversation_members) IS 'Of what a member is notified: what they chose, or else all; in a group of more than 20 mentions of them.';

CREATE OR REPLACE FUNCTION list_missing_months(months_ahead integer)
 RETURNS TABLE(month date)
 LANGUAGE sql
 STABLE
AS $function$
    -- Of events_default, where rows of no partition are, the months up to then: what a wrong clock dated later stays
    -- there until its month comes near.
    WITH present AS (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AS month)
    SELECT DISTINCT wanted.month::date
    FROM present
    CROSS JOIN LATERAL (
        SELECT present.month + make_interval(months => ahead) FROM generate_series(0, months_ahead) AS s (ahead)
        UNION ALL
        SELECT date_trunc('month', d.created_at AT TIME ZONE 'UTC')
        FROM events_default AS d
        WHERE d.created_at < (present.month + make_interval(months => months_ahead + 1)) AT TIME ZONE 'UTC'
    ) AS wanted (month)
    WHERE to_regclass(format('events_%s', to_char(wanted.month, 'YYYY_MM'))) IS NULL
    ORDER BY 1
$function$;
COMMENT ON FUNCTION list_missing_months(integer) IS 'The first days of the months up to so many ahead that have no partition in the trail and want one: from this month on, and whenever events_default has rows.';

CREATE OR REPLACE FUNCTION list_words(written text)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT w
    FROM unnest(tsvector_to_array(to_tsvector('nexcorp_words', spread_words(written)))) AS w
    WHERE length(w) BETWEEN 4 AND 40
$function$;
COMMENT ON FUNCTION list_words(text) IS 'The words of a text that may be suggested, as search_words has them.';

CREATE OR REPLACE FUNCTION make_name_query(asked text, completes boolean, marks boolean)
 RETURNS tsquery
 LANGUAGE sql
 STABLE
 SET client_min_messages TO 'warning'
AS $function$
    SELECT compose_query('nexcorp_names', asked, completes, marks)
$function$;
COMMENT ON FUNCTION make_name_query(text,boolean,boolean) IS 'What people are looked for by; with `completes` the last word may be the beginning of a name.';

CREATE OR REPLACE FUNCTION make_name_words(names text)
 RETURNS tsvector
 LANGUAGE sql
 STABLE
AS $function$
    SELECT setweight(to_tsvector('nexcorp_names', spread_words(names)), 'A')
$function$;
COMMENT ON FUNCTION make_name_words(text) IS 'What a person is found by: names have no stems, and none of them is a stop word.';

CREATE OR REPLACE FUNCTION make_phrase(config regconfig, asked text, completes boolean, marks boolean)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    dense CONSTANT text := name_dense();
    words text;
    last text;
    found tsquery;
BEGIN
    IF marks THEN
        words := part_words(regexp_replace(normalize(asked), dense, ' \& ', 'g'), ' ');
    ELSE
        words := btrim(regexp_replace(spread_words(asked), '[\s!-/:-@[-`{-~]+', ' ', 'g'));
        IF words ~ ('^' || dense || ' ' || dense || '$') THEN
            -- A single character: any pair that begins with it, or itself at an end.
            RETURN (quote_literal(left(words, 1)) || ':*')::tsquery;
        END IF;
        -- In a text a run may go on before and behind what is asked: there its first and last characters are not alone.
        words := regexp_replace(words, '^' || dense || ' ', '');
        words := regexp_replace(words, ' ' || dense || '$', '');
    END IF;
    found := phraseto_tsquery(config, words);
    last := substring(words FROM '[^\s!-/:-@[-`{-~]+$');
    IF completes AND length(last) >= 2 THEN
        found := found || to_tsquery(config, (
            SELECT string_agg(quote_literal(w), ' <-> ')
            FROM regexp_split_to_table(words, '[\s!-/:-@[-`{-~]+') AS w
            WHERE w <> ''
        ) || ':*');
    END IF;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION make_phrase(regconfig,text,boolean,boolean) IS 'Words that must stand behind each other; with `completes` the last one may go on. With `marks` as highlight() looks for them.';

CREATE OR REPLACE FUNCTION make_query(asked text, marks boolean DEFAULT false)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE
 SET client_min_messages TO 'warning'
AS $function$
DECLARE
    found tsquery := compose_query('nexcorp_text', asked, false, marks);
BEGIN
    -- Stop words do not matter beside others.
    IF numnode(found) = 0 THEN
        found := compose_query('nexcorp_all', asked, false, marks);
    END IF;
    RETURN found;
END
$function$;
COMMENT ON FUNCTION make_query(text,boolean) IS 'What texts are looked for; with `marks` as highlight() looks for it. See compose_query().';

CREATE OR REPLACE FUNCTION make_words(title text, body text)
 RETURNS tsvector
 LANGUAGE sql
 STABLE
AS $function$
    SELECT setweight(to_tsvector('nexcorp_all', spread_words(coalesce(title, ''))), 'A')
        || setweight(to_tsvector('nexcorp_all', spread_words(coalesce(body, ''))), 'B')
$function$;
COMMENT ON FUNCTION make_words(text,text) IS 'What a title and a text are found by, stop words too; the title weighs more.';

CREATE OR REPLACE FUNCTION may_send(w webhooks)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT
        holds_permission(w.owner_id, 'webhook:create')
        AND CASE w.scope
            WHEN 'own' THEN true
            WHEN 'all' THEN holds_permission(w.owner_id, 'webhook:all')
            -- Not project_role(), for which one in the trash is none: its owners are told of that, too.
            ELSE EXISTS (
                SELECT FROM project_members AS m
                WHERE m.project_id = w.project_id AND m.user_id = w.owner_id AND m.role = 'owner'
            ) OR holds_permission(w.owner_id, 'project:manage')
        END
$function$;
COMMENT ON FUNCTION may_send(webhooks) IS 'Whether the owner of a webhook has the right to what it sends, now.';

CREATE OR REPLACE FUNCTION measure_post(wanted uuid, published_at timestamp with time zone)
 RETURNS double precision
 LANGUAGE sql
 STABLE
AS $function$
    SELECT sum_heat(part)
    FROM (
        SELECT heat(published_at, 1) AS part
        UNION ALL SELECT heat(created_at, 1) FROM likes WHERE post_id = wanted
        UNION ALL SELECT heat(created_at, 2) FROM comments WHERE post_id = wanted AND body IS NOT NULL
        UNION ALL SELECT heat(created_at, 3) FROM interests WHERE post_id = wanted
    ) AS parts
$function$;
COMMENT ON FUNCTION measure_post(uuid,timestamp with time zone) IS 'The score of a post as counted from all there is, for one that comes (back) into the lists.';

CREATE OR REPLACE FUNCTION move_tallies(was tasks[], is_now tasks[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    own smallint := take_tally_slot();
    is_move boolean := coalesce(
        cardinality(was) = 1 AND cardinality(is_now) = 1
        AND (
            (was[1]).project_id, (was[1]).creator_id, (was[1]).assignee_id, (was[1]).created_at,
            (was[1]).started_at, (was[1]).completed_at, (was[1]).cancelled_at, (was[1]).deleted_at
        ) IS NOT DISTINCT FROM (
            (is_now[1]).project_id, (is_now[1]).creator_id, (is_now[1]).assignee_id, (is_now[1]).created_at,
            (is_now[1]).started_at, (is_now[1]).completed_at, (is_now[1]).cancelled_at, (is_now[1]).deleted_at
        ),
        false
    );
BEGIN
    INSERT INTO task_tallies AS x (scope, slot, kind, status, priority, n)
    SELECT s.scope, own, s.kind, s.status, s.priority, sum(s.step)
    FROM spread_tallies(was, is_now) AS s
    GROUP BY s.scope, s.kind, s.status, s.priority
    HAVING sum(s.step) <> 0
    ON CONFLICT ON CONSTRAINT task_tallies_pkey DO UPDATE SET n = x.n + excluded.n;
    -- A task that stays open, or closed, where it is: what else is counted stays.
    IF is_move THEN
        RETURN;
    END IF;
    INSERT INTO task_loads AS x (person_id, slot, open)
    SELECT c.person_id, own, sum(c.step)
    FROM (
        SELECT -1 AS step, coalesce(t.assignee_id, t.creator_id) AS person_id, t.status, t.deleted_at FROM unnest(was) AS t
        UNION ALL
        SELECT 1, coalesce(t.assignee_id, t.creator_id), t.status, t.deleted_at FROM unnest(is_now) AS t
    ) AS c
    WHERE c.deleted_at IS NULL AND c.status NOT IN ('done', 'cancelled')
    GROUP BY c.person_id
    HAVING sum(c.step) <> 0
    ON CONFLICT ON CONSTRAINT task_loads_pkey DO UPDATE SET open = x.open + excluded.open;
    INSERT INTO task_days AS x (scope, day, slot, created, completed, cancelled, cycle_seconds)
    SELECT s.scope, d.day, own, sum(d.created), sum(d.completed), sum(d.cancelled), sum(d.cycle_seconds)
    FROM spread_tallies(was, is_now) AS s
    CROSS JOIN LATERAL spread_days(s.step, s.created_at, s.started_at, s.completed_at, s.cancelled_at) AS d
    GROUP BY s.scope, d.day
    HAVING sum(d.created) <> 0 OR sum(d.completed) <> 0 OR sum(d.cancelled) <> 0 OR sum(d.cycle_seconds) <> 0
    ON CONFLICT ON CONSTRAINT task_days_pkey DO UPDATE
    SET
        created = x.created + excluded.created,
        completed = x.completed + excluded.completed,
        cancelled = x.cancelled + excluded.cancelled,
        cycle_seconds = x.cycle_seconds + excluded.cycle_seconds;
END
$function$;
COMMENT ON FUNCTION move_tallies(tasks[],tasks[]) IS 'Takes these tasks out of task_tallies, task_loads and task_days as they were, and puts those in as they are.';

CREATE OR REPLACE FUNCTION name_dense()
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]'
$function$;
COMMENT ON FUNCTION name_dense() IS 'A character, as a regular expression, of the scripts that put no space between words or hang endings on them: Thai, Lao, Burmese, Khmer, kana, Chinese characters, Hangul.';

CREATE OR REPLACE FUNCTION name_person(u users)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT concat_ws(' ', (u).first_name, (u).last_name, (u).username)
$function$;
COMMENT ON FUNCTION name_person(users) IS 'All the names of a person: what they are found by.';

CREATE OR REPLACE FUNCTION next_digest(timezone text, digest text, digest_at time without time zone, after timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE digest
        WHEN 'hourly' THEN date_trunc('hour', after, 'UTC') + interval '1 hour'
        WHEN 'daily' THEN
            CASE
                WHEN ((after AT TIME ZONE timezone)::date + digest_at) AT TIME ZONE timezone > after
                    THEN ((after AT TIME ZONE timezone)::date + digest_at) AT TIME ZONE timezone
                ELSE ((after AT TIME ZONE timezone)::date + 1 + digest_at) AT TIME ZONE timezone
            END
    END
$function$;
COMMENT ON FUNCTION next_digest(text,text,time without time zone,timestamp with time zone) IS 'When the next digest behind a moment is due: at the full hour of UTC, or at digest_at of the wall clock. NULL without digests.';

CREATE OR REPLACE FUNCTION next_reminder(due_at timestamp with time zone, after timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
    SELECT CASE
        WHEN $1 - interval '24 hours' > $2 THEN $1 - interval '24 hours'
        WHEN $1 > $2 THEN $1
    END
$function$;
COMMENT ON FUNCTION next_reminder(timestamp with time zone,timestamp with time zone) IS 'When to remind next of what is due: a day before, then when it is due; NULL where both are past.';

CREATE OR REPLACE FUNCTION note_revision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION note_revision() IS 'Numbers the states of a post''s counters.';

CREATE OR REPLACE FUNCTION note_role_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.role_version := OLD.role_version + 1;
    NEW.role_changed_at := now();
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION note_role_change() IS 'Makes access tokens of an older role or status worthless, whoever changes them: the service or a DBA.';

CREATE OR REPLACE FUNCTION other_of(c conversations, viewer uuid)
 RETURNS uuid
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE WHEN (c).kind = 'direct' THEN CASE WHEN (c).low_id = $2 THEN (c).high_id ELSE (c).low_id END END
$function$;
COMMENT ON FUNCTION other_of(conversations,uuid) IS 'With whom a direct conversation is, seen by one of the two; with oneself: oneself. NULL for groups.';

CREATE OR REPLACE FUNCTION part_words(written text, seam text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    -- Of all other signs the parser makes nothing. One after the other they take 3 us in 300 characters, translate() 60.
    SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(
        written, '.', seam), '-', seam), '/', seam), '@', seam), '_', seam), '<', seam), '>', seam), '&', seam), '+', seam)
$function$;
COMMENT ON FUNCTION part_words(text,text) IS 'A text with `seam` in place of what would have the parser take some words for an address, a file, a compound, a number with a sign, or markup.';

CREATE OR REPLACE FUNCTION people_seen_by(viewer uuid)
 RETURNS TABLE(id uuid, username citext, "firstName" text, "lastName" text, "jobTitle" text, department text, location text, "avatarUrl" text, role text, "createdAt" timestamp with time zone, email citext, status text, followed boolean, "followerCount" integer, "followingCount" integer, "postCount" integer)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT
        u.id, u.username, u.first_name, u.last_name, u.job_title, u.department, u.location, u.avatar_url, u.role,
        u.created_at, u.email, u.status, seen.followed, seen.follower_count, seen.following_count, seen.post_count
    FROM users AS u
    CROSS JOIN LATERAL standing_of($1, u.id) AS seen
$function$;
COMMENT ON FUNCTION people_seen_by(uuid) IS 'People as lists show them to a viewer. In FROM, a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION person(u users)
 RETURNS json
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE
        WHEN (u).id IS NOT NULL THEN json_build_object(
            'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name,
            'avatarUrl', (u).avatar_url
        )
    END
$function$;
COMMENT ON FUNCTION person(users) IS 'A user as embedded in what they wrote or did; NULL for nobody.';

CREATE OR REPLACE FUNCTION person_seen(u users, followed boolean, follower_count integer, following_count integer, post_count integer)
 RETURNS json
 LANGUAGE sql
 STABLE
AS $function$
    SELECT json_build_object(
        'id', (u).id, 'username', (u).username, 'firstName', (u).first_name, 'lastName', (u).last_name,
        'avatarUrl', (u).avatar_url, 'followed', $2, 'followerCount', $3, 'followingCount', $4, 'postCount', $5
    )
$function$;
COMMENT ON FUNCTION person_seen(users,boolean,integer,integer,integer) IS 'A user in a list of people: as person(), and what standing_of() says.';

CREATE OR REPLACE FUNCTION project_role(project_id uuid, viewer uuid, manages boolean)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE
        WHEN $3 THEN 'owner'
        ELSE coalesce(
            (SELECT m.role FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $2),
            CASE WHEN p.visibility = 'public' OR (p.visibility = 'internal' AND $2 IS NOT NULL) THEN 'reader' END
        )
    END
    FROM projects AS p
    WHERE p.id = $1 AND p.deleted_at IS NULL
$function$;
COMMENT ON FUNCTION project_role(uuid,uuid,boolean) IS 'The one rule of who may what in a project: owner, editor, viewer, or reader, who is no member of one that is open to them; NULL where they may not know of it. `viewer` NULL: nobody is signed in. `manages`: they hold project:manage.';

CREATE OR REPLACE FUNCTION quiet_end(timezone text, quiet_from time without time zone, quiet_to time without time zone, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE
        WHEN quiet_from < quiet_to THEN
            CASE
                WHEN (at AT TIME ZONE timezone)::time >= quiet_from AND (at AT TIME ZONE timezone)::time < quiet_to
                    THEN ((at AT TIME ZONE timezone)::date + quiet_to) AT TIME ZONE timezone
            END
        WHEN (at AT TIME ZONE timezone)::time < quiet_to
            THEN ((at AT TIME ZONE timezone)::date + quiet_to) AT TIME ZONE timezone
        WHEN (at AT TIME ZONE timezone)::time >= quiet_from
            THEN ((at AT TIME ZONE timezone)::date + 1 + quiet_to) AT TIME ZONE timezone
    END
$function$;
COMMENT ON FUNCTION quiet_end(text,time without time zone,time without time zone,timestamp with time zone) IS 'When the quiet hours end in which a moment lies: [from, to) of the wall clock, over midnight too. NULL outside of them, and without any.';

CREATE OR REPLACE FUNCTION reach_tasks(viewer uuid, sees_all boolean)
 RETURNS SETOF tasks
 LANGUAGE sql
 STABLE
AS $function$
    SELECT t.*
    FROM tasks AS t
    WHERE $2
        OR t.creator_id = $1
        OR t.assignee_id = $1
        OR t.project_id IN (SELECT m.project_id FROM project_members AS m WHERE m.user_id = $1)
$function$;
COMMENT ON FUNCTION reach_tasks(uuid,boolean) IS 'The one rule of who sees which task: its creator, its assignee, the members of its project, and, with `sees_all`, holders of task:manage. With those in the trash.';

CREATE OR REPLACE FUNCTION reactions_of(viewer_id uuid, post_id uuid)
 RETURNS TABLE(liked boolean, interested boolean)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    -- Scalar subqueries: for EXISTS the planner would read all that the viewer ever liked, to show one page.
    SELECT
        coalesce((SELECT true FROM likes AS l WHERE l.post_id = $2 AND l.user_id = $1), false),
        coalesce((SELECT true FROM interests AS t WHERE t.post_id = $2 AND t.user_id = $1), false)
$function$;
COMMENT ON FUNCTION reactions_of(uuid,uuid) IS 'Whether a viewer likes a post, and is interested in it. Always one row; a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION reactions_to(message_id uuid, viewer uuid)
 RETURNS TABLE(reactions json)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT coalesce(json_agg(r.reaction ORDER BY r.first_at, r.emoji), '[]')
    FROM (
        SELECT
            o.emoji, min(o.created_at) AS first_at,
            CASE
                WHEN $2 IS NULL THEN json_build_object('emoji', o.emoji, 'count', count(*))
                ELSE json_build_object('emoji', o.emoji, 'count', count(*), 'mine', bool_or(o.user_id = $2))
            END AS reaction
        FROM message_reactions AS o
        WHERE o.message_id = $1
        GROUP BY o.emoji
    ) AS r
$function$;
COMMENT ON FUNCTION reactions_to(uuid,uuid) IS 'The reactions to a message, each emoji once, the first given first; for a viewer with whether one is theirs, for NULL without. Always one row; in FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION read_time(id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
    -- 48 bits of milliseconds; behind the version, 12 bits of the millisecond's fraction.
    SELECT 'epoch'::timestamptz + interval '1 microsecond' * (
        ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint * 1000
        + ('x' || substring(id::text FROM 16 FOR 3))::bit(12)::integer * 1000 / 4096
    )
$function$;
COMMENT ON FUNCTION read_time(uuid) IS 'When a version 7 id was made.';

CREATE OR REPLACE FUNCTION reads_as_manager(project_id uuid, reader_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT $1 IS NOT NULL
        AND project_role($1, $2, false) IS NULL
        AND project_role($1, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$function$;
COMMENT ON FUNCTION reads_as_manager(uuid,uuid) IS 'Whether somebody reads a project only because they manage all projects: an API key of theirs may lack that right.';

CREATE OR REPLACE FUNCTION reads_leads(viewer_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT holds_permission($1, 'lead:read')
$function$;
COMMENT ON FUNCTION reads_leads(uuid) IS 'Whether a person may read leads: whoever may, reads all of them.';

CREATE OR REPLACE FUNCTION refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$function$;
COMMENT ON FUNCTION refuse_change() IS 'Keeps an append-only table so.';

CREATE OR REPLACE FUNCTION refuse_writing(c conversations, writer uuid)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE
        WHEN (c).kind <> 'direct' OR (c).low_id = (c).high_id THEN NULL
        WHEN are_apart((c).low_id, (c).high_id) THEN 'blocked'
        WHEN (SELECT u.status FROM users AS u WHERE u.id = other_of(c, writer)) IS DISTINCT FROM 'active' THEN 'recipient_gone'
    END
$function$;
COMMENT ON FUNCTION refuse_writing(conversations,uuid) IS 'Why a member may not write in a conversation now, as the code of an error; NULL where they may.';

CREATE OR REPLACE FUNCTION see_conversation(conversation_id uuid, viewer uuid)
 RETURNS TABLE(id uuid, kind text, title text, person json, "memberCount" integer, role text, unread bigint, "readN" bigint, "lastN" bigint, "minN" bigint, level text, "mutedUntil" timestamp with time zone, "lastMessage" json, seq bigint, version integer, "createdAt" timestamp with time zone, "updatedAt" timestamp with time zone, _position uuid)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT
        c.id, c.kind, c.title, person(u), c.member_count, m.role, r.unread, m.read_n, c.last_n, c.min_n,
        level_of(c, m), CASE WHEN m.muted_until > now() THEN m.muted_until END,
        (
            SELECT json_build_object(
                'id', l.id, 'n', l.n, 'author', person(a), 'excerpt', excerpt(l.body), 'createdAt', l.created_at
            )
            FROM (
                SELECT *
                FROM messages AS s
                WHERE s.conversation_id = c.id AND s.n >= c.min_n AND s.deleted_at IS NULL
                ORDER BY s.n DESC
                LIMIT 1
            ) AS l
            LEFT JOIN users AS a ON a.id = l.author_id
        ),
        coalesce((SELECT o.last_seq FROM rooms AS o WHERE o.name = 'conversation:' || c.id), 0),
        c.version, c.created_at, c.updated_at, c.position
    FROM conversation_members AS m
    INNER JOIN conversations AS c ON c.id = m.conversation_id
    CROSS JOIN LATERAL unread_of(c.id, c.last_n, c.min_n, m.read_n) AS r
    LEFT JOIN users AS u ON u.id = other_of(c, $2)
    WHERE m.conversation_id = $1 AND m.user_id = $2
$function$;
COMMENT ON FUNCTION see_conversation(uuid,uuid) IS 'A conversation as a member sees it, with where its room stands; no row for others. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION session_end(s sessions)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT least((s).expires_at, (s).refreshed_at + interval '30 days')
$function$;
COMMENT ON FUNCTION session_end(sessions) IS 'When a session ends by itself: 90 days after the sign-in, or 30 days after it was last refreshed.';

CREATE OR REPLACE FUNCTION show_link(project_id uuid, viewer_id uuid)
 RETURNS uuid
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE WHEN $1 IS NOT NULL THEN CASE WHEN project_role($1, $2, false) IS NOT NULL THEN $1 END END
$function$;
COMMENT ON FUNCTION show_link(uuid,uuid) IS 'The project that a post is linked with, where a viewer may know of it by themselves, else NULL. A query takes it in: without a link it costs nothing.';

CREATE OR REPLACE FUNCTION shown_to(p posts, viewer_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT (p).status IS DISTINCT FROM 'draft' OR (p).author_id = viewer_id
$function$;
COMMENT ON FUNCTION shown_to(posts,uuid) IS 'Whether somebody may see a post: drafts are their author''s alone.';

CREATE OR REPLACE FUNCTION shows_participant(session_id uuid, user_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (
        SELECT FROM session_participants AS p WHERE p.session_id = $1 AND p.user_id = $2 AND is_here(p)
    )
$function$;
COMMENT ON FUNCTION shows_participant(uuid,uuid) IS 'Whether a person is in a session now.';

CREATE OR REPLACE FUNCTION spread_days(step integer, created_at timestamp with time zone, started_at timestamp with time zone, completed_at timestamp with time zone, cancelled_at timestamp with time zone)
 RETURNS TABLE(day date, created integer, completed integer, cancelled integer, cycle_seconds bigint)
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT d.day, d.created, d.completed, d.cancelled, d.cycle_seconds
    FROM (VALUES
        (($2 AT TIME ZONE 'UTC')::date, $1, 0, 0, 0::bigint),
        (($4 AT TIME ZONE 'UTC')::date, 0, $1, 0, $1 * extract(epoch FROM $4 - coalesce($3, $2))::bigint),
        (($5 AT TIME ZONE 'UTC')::date, 0, 0, $1, 0)
    ) AS d (day, created, completed, cancelled, cycle_seconds)
    WHERE d.day IS NOT NULL
$function$;
COMMENT ON FUNCTION spread_days(integer,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone) IS 'On which days, UTC, a task counts as what.';

CREATE OR REPLACE FUNCTION spread_tallies(was tasks[], is_now tasks[])
 RETURNS TABLE(step integer, scope uuid, kind text, status text, priority smallint, created_at timestamp with time zone, started_at timestamp with time zone, completed_at timestamp with time zone, cancelled_at timestamp with time zone)
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT
        c.step, s.scope, c.kind, c.status, c.priority, c.created_at, c.started_at, c.completed_at, c.cancelled_at
    FROM (
        SELECT -1 AS step, t.* FROM unnest($1) AS t
        UNION ALL
        SELECT 1, t.* FROM unnest($2) AS t
    ) AS c
    CROSS JOIN LATERAL (VALUES
        ('00000000-0000-0000-0000-000000000000'::uuid), (c.project_id), (coalesce(c.assignee_id, c.creator_id))
    ) AS s (scope)
    WHERE c.deleted_at IS NULL AND s.scope IS NOT NULL
$function$;
COMMENT ON FUNCTION spread_tallies(tasks[],tasks[]) IS 'What counts where: each task in every scope that it belongs to, with -1 as it was and 1 as it is. Those in the trash do not count.';

CREATE OR REPLACE FUNCTION spread_words(written text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
    dense CONSTANT text := name_dense();
    -- Two letters make a flag.
    picture CONSTANT text := '[\U0001f1e6-\U0001f1ff]{2}|[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]';
    words text := fold_text(written);
    sign text;
BEGIN
    IF octet_length(words) > length(words) THEN
        IF words ~ dense THEN
            -- Each pair is a word to PostgreSQL: of a text that is mostly of such scripts the beginning must do, or one post
            -- of 20,000 characters would take 50 ms to index and 280 KB.
            IF octet_length(words) > 2 * length(words) THEN
                words := left(words, 5000);
            END IF;
            -- "abc" becomes "a ab bc c".
            words := regexp_replace(regexp_replace(words, dense || '+', ' \& ', 'g'), dense, '\& \&', 'g');
        END IF;
        IF words ~ picture THEN
            FOR sign IN
                SELECT DISTINCT m[1] FROM regexp_matches(words, '(' || picture || ')', 'g') AS m LIMIT 50
            LOOP
                words := replace(words, sign, ' u' || to_hex(ascii(sign)) || 'u' || to_hex(ascii(substr(sign, 2))) || ' ');
            END LOOP;
        END IF;
    END IF;
    RETURN part_words(words, ' ');
END
$function$;
COMMENT ON FUNCTION spread_words(text) IS 'The words of a text with spaces between them: of addresses and compounds the parts, of scripts without spaces each pair of neighbours (among 5,000 characters), the first and the last character of a run alone, of up to 50 emoji "u" and the number.';

CREATE OR REPLACE FUNCTION standing_of(viewer_id uuid, user_id uuid)
 RETURNS TABLE(followed boolean, follower_count integer, following_count integer, post_count integer)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT
        -- A scalar subquery: for EXISTS the planner would read all whom the viewer follows, to show one page.
        coalesce((SELECT true FROM follows AS f WHERE f.follower_id = $1 AND f.followed_id = $2), false),
        coalesce(s.follower_count, 0), coalesce(s.following_count, 0), coalesce(s.post_count, 0)
    FROM (VALUES (1)) AS one (row)
    LEFT JOIN person_stats AS s ON s.user_id = $2
$function$;
COMMENT ON FUNCTION standing_of(uuid,uuid) IS 'Whether a viewer follows a person, and the person''s counters. Always one row; a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION take_heat(score double precision, taken double precision, least_score double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT CASE
        WHEN score - taken < 1e-9 THEN least_score
        ELSE greatest(
            least_score,
            score + ln(1 - power(2::double precision, - least(score - taken, 60))) / ln(2::double precision)
        )
    END
$function$;
COMMENT ON FUNCTION take_heat(double precision,double precision,double precision) IS 'A score without a part of it. What was rounded away does not take it below the least.';

CREATE OR REPLACE FUNCTION take_tally_slot()
 RETURNS smallint
 LANGUAGE plpgsql
AS $function$
DECLARE
    slot smallint := 0;
BEGIN
    -- Nobody waits here, so nobody who holds tasks can wait for somebody who wants them.
    WHILE NOT pg_try_advisory_xact_lock(hashtext('task_tallies'), slot) LOOP
        slot := slot + 1;
    END LOOP;
    RETURN slot;
END
$function$;
COMMENT ON FUNCTION take_tally_slot() IS 'The first slot of task_tallies, task_loads and task_days that no other transaction writes into; it is this one''s until its end.';

CREATE OR REPLACE FUNCTION tally_tasks()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    part record;
BEGIN
    -- In parts, as an array has its limits. The tables of rows are there only where rows can be of their kind.
    IF TG_OP = 'INSERT' THEN
        FOR part IN
            SELECT array_agg(x.t) AS tasks
            FROM (SELECT ROW(n.*)::tasks AS t, row_number() OVER () / 1000 AS number FROM is_now AS n) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(NULL, part.tasks);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR part IN
            SELECT array_agg(x.t) AS tasks
            FROM (
                SELECT ROW(o.*)::tasks AS t, row_number() OVER () / 1000 AS number
                FROM was AS o
                WHERE o.deleted_at IS NULL
            ) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(part.tasks, NULL);
        END LOOP;
    ELSE
        FOR part IN
            SELECT array_agg(x.o) AS old_tasks, array_agg(x.n) AS new_tasks
            FROM (
                SELECT ROW(o.*)::tasks AS o, ROW(n.*)::tasks AS n, row_number() OVER () / 1000 AS number
                FROM was AS o
                INNER JOIN is_now AS n ON n.id = o.id
                WHERE (
                    o.project_id, o.creator_id, o.assignee_id, o.kind, o.status, o.priority, o.created_at, o.started_at,
                    o.completed_at, o.cancelled_at, o.deleted_at
                ) IS DISTINCT FROM (
                    n.project_id, n.creator_id, n.assignee_id, n.kind, n.status, n.priority, n.created_at, n.started_at,
                    n.completed_at, n.cancelled_at, n.deleted_at
                )
            ) AS x
            GROUP BY x.number
        LOOP
            PERFORM move_tallies(part.old_tasks, part.new_tasks);
        END LOOP;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION tally_tasks() IS 'Keeps task_tallies, task_loads and task_days.';

CREATE OR REPLACE FUNCTION task_rights(creator_id uuid, assignee_id uuid, project_id uuid, viewer uuid, manages boolean)
 RETURNS TABLE(may_change boolean)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT $5 OR coalesce($4 IN ($1, $2), false) OR EXISTS (
        SELECT FROM project_members AS m WHERE m.project_id = $3 AND m.user_id = $4 AND m.role IN ('owner', 'editor')
    )
    FROM (VALUES (1)) AS one (row)
$function$;
COMMENT ON FUNCTION task_rights(uuid,uuid,uuid,uuid,boolean) IS 'The one rule of who may change a task that they see: its creator, its assignee, owners and editors of its project, and, with `manages`, holders of task:manage. Always one row; a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION task_sources(viewer uuid, source text, source_id uuid)
 RETURNS TABLE(name text, id uuid)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT s.name, $1 FROM (VALUES ('creator'), ('assignee')) AS s (name) WHERE $2 IN ('own', 'mine')
    UNION ALL
    SELECT 'project', m.project_id FROM project_members AS m WHERE $2 = 'own' AND m.user_id = $1
    UNION ALL
    SELECT $2, $3 WHERE $2 NOT IN ('own', 'mine')
$function$;
COMMENT ON FUNCTION task_sources(uuid,text,uuid) IS 'Where a list of tasks is read from, each by an index of its own: `own`: from all that makes tasks visible to a viewer; `mine`: from that but for projects; else from the one source that is named. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION tasks_seen_by(user_id uuid)
 RETURNS SETOF tasks
 LANGUAGE sql
 STABLE
AS $function$
    SELECT t.* FROM visible_tasks($1, holds_permission($1, 'task:manage')) AS t
$function$;
COMMENT ON FUNCTION tasks_seen_by(uuid) IS 'The tasks that a person may see by their role, for what reaches them unasked: notifications, and frames of their own room.';

CREATE OR REPLACE FUNCTION trash_limit()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT now() - interval '30 days'
$function$;
COMMENT ON FUNCTION trash_limit() IS 'Projects, files and tasks that were deleted after this moment can be restored; those deleted before it are removed for good.';

CREATE OR REPLACE FUNCTION trashed_projects(viewer uuid, manages boolean)
 RETURNS SETOF projects
 LANGUAGE sql
 STABLE
AS $function$
    SELECT p.*
    FROM projects AS p
    WHERE p.deleted_at > trash_limit()
        AND (
            $2 OR (
                SELECT true FROM project_members AS m WHERE m.project_id = p.id AND m.user_id = $1 AND m.role = 'owner'
            )
        )
$function$;
COMMENT ON FUNCTION trashed_projects(uuid,boolean) IS 'The projects in the trash that a viewer may restore. What has been there for longer waits to be removed. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION trashed_tasks(viewer uuid, sees_all boolean)
 RETURNS SETOF tasks
 LANGUAGE sql
 STABLE
AS $function$
    SELECT t.*
    FROM reach_tasks($1, $2) AS t
    WHERE t.deleted_at IS NOT NULL
        AND (SELECT p.deleted_at <= trash_limit() FROM projects AS p WHERE p.id = t.project_id) IS NOT TRUE
$function$;
COMMENT ON FUNCTION trashed_tasks(uuid,boolean) IS 'The tasks in the trash that a viewer could see before, but for those of a project that waits to be removed.';

CREATE OR REPLACE FUNCTION trust_address()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    new.email_bounced_at := NULL;
    RETURN new;
END
$function$;
COMMENT ON FUNCTION trust_address() IS 'An address that is proved anew takes mail.';

CREATE OR REPLACE FUNCTION unread_comments(viewer_id uuid, thread uuid, upto uuid)
 RETURNS TABLE(unread_count integer)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    SELECT count(*)::integer
    FROM (
        SELECT
        FROM (
            -- A fence: they come out of the index one by one, and no more of them than it takes to count a hundred.
            SELECT b.id
            FROM thread_comments AS b
            WHERE b.thread = $2 AND b.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
            ORDER BY b.id
            OFFSET 0
        ) AS behind
        INNER JOIN comments AS c ON c.id = behind.id
        -- A placeholder has no author.
        WHERE c.author_id <> $1
        LIMIT 100
    ) AS unread
$function$;
COMMENT ON FUNCTION unread_comments(uuid,uuid,uuid) IS 'How many comments of others on a post or task stand behind a watermark (NULL: behind none), counted to 100. A query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION unread_of(conversation_id uuid, last_n bigint, min_n bigint, read_n bigint)
 RETURNS TABLE(unread bigint)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$
    -- Numbers are without gaps, so that only what was deleted is counted: a partial index has no more than that.
    SELECT $2 - greatest($4, $3 - 1) - count(*)
    FROM messages AS d
    WHERE d.conversation_id = $1 AND d.n > greatest($4, $3 - 1) AND d.deleted_at IS NOT NULL
$function$;
COMMENT ON FUNCTION unread_of(uuid,bigint,bigint,bigint) IS 'How many messages a member has not read who has come to `read_n`; deleted ones, and those that are kept no longer, are not counted. Always one row; in FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION visible_comments(viewer uuid, sees_all boolean)
 RETURNS SETOF comments
 LANGUAGE sql
 STABLE
AS $function$
    SELECT c.*
    FROM comments AS c
    -- Scalars: EXISTS might be answered with a table of all tasks that the viewer sees.
    WHERE CASE
        WHEN c.task_id IS NULL THEN (SELECT shown_to(p, $1) FROM posts AS p WHERE p.id = c.post_id)
        ELSE (SELECT true FROM visible_tasks($1, $2) AS t WHERE t.id = c.task_id)
    END
$function$;
COMMENT ON FUNCTION visible_comments(uuid,boolean) IS 'The comments whose post or task a viewer may see, with placeholders; `sees_all` as in visible_tasks().';

CREATE OR REPLACE FUNCTION visible_tasks(viewer uuid, sees_all boolean)
 RETURNS SETOF tasks
 LANGUAGE sql
 STABLE
AS $function$
    SELECT t.*
    FROM reach_tasks($1, $2) AS t
    WHERE t.deleted_at IS NULL
        -- A row by its key, however many are in the trash.
        AND (SELECT p.deleted_at FROM projects AS p WHERE p.id = t.project_id) IS NULL
$function$;
COMMENT ON FUNCTION visible_tasks(uuid,boolean) IS 'The tasks that a viewer may see: not those in the trash, nor those of a project that is there. In FROM, a query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION visible_views(viewer uuid, sees_all boolean)
 RETURNS TABLE(id uuid, name text, "projectId" uuid, query jsonb, shared boolean, owner json, mine boolean, version integer, "createdAt" timestamp with time zone, "updatedAt" timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT
        v.id, v.name, v.project_id, v.query, v.shared, person(u), v.owner_id = $1, v.version, v.created_at, v.updated_at
    FROM saved_views AS v
    INNER JOIN users AS u ON u.id = v.owner_id
    WHERE v.owner_id = $1
        -- As one value, which no index is looked for: a list walks along its order.
        OR coalesce(
            v.shared
            AND ($2 OR v.project_id IN (SELECT m.project_id FROM project_members AS m WHERE m.user_id = $1))
            AND (SELECT p.deleted_at FROM projects AS p WHERE p.id = v.project_id) IS NULL,
            false
        )
$function$;
COMMENT ON FUNCTION visible_views(uuid,boolean) IS 'The saved views that a viewer may see: their own, and those shared in projects that they see. In FROM, a query takes it in.';

CREATE OR REPLACE FUNCTION wants_type(types text[], type text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT $1 = '{}' OR $2 = ANY($1) OR split_part($2, '.', 1) || '.*' = ANY($1)
$function$;
COMMENT ON FUNCTION wants_type(text[],text) IS 'Whether a type is one that a webhook wants; types {}: every one is.';

CREATE OR REPLACE FUNCTION word_patterns(wanted text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT array_agg('%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%')
    FROM regexp_split_to_table(trim(fold_text($1)), '\s+') AS w (word)
$function$;
COMMENT ON FUNCTION word_patterns(text) IS 'For LIKE ALL, on what fold_text() made: patterns that find each word of a text anywhere, in any order.';

CREATE AGGREGATE sum_heat(double precision) (SFUNC = add_heat, STYPE = double precision);
COMMENT ON AGGREGATE sum_heat(double precision) IS 'The sum of scores.';

CREATE OR REPLACE VIEW documents AS
SELECT 'post' AS kind, post_id AS id, recency, words FROM post_documents
UNION ALL
SELECT 'comment', comment_id, comment_id, words FROM comment_documents
UNION ALL
SELECT 'person', user_id, user_id, words FROM person_documents
UNION ALL
SELECT 'task', task_id, task_id, words FROM task_documents
UNION ALL
SELECT 'project', project_id, project_id, words FROM project_documents;
COMMENT ON VIEW documents IS 'What is found by its words. Asked for one kind by its name, it is the table of that kind.';

CREATE OR REPLACE VIEW fresh_documents AS
SELECT 'post' AS kind, p.id, coalesce(p.position, p.id) AS recency, make_words(p.title, left(p.body, 2000)) AS words
FROM (
    SELECT newest.*
    FROM (SELECT id, position, title, body FROM posts ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM post_documents AS d WHERE d.post_id = newest.id)
    -- A fence: otherwise words are made of all twenty, to be compared first.
    OFFSET 0
) AS p
UNION ALL
SELECT 'comment', c.id, c.id, make_words(NULL, left(c.body, 2000))
FROM (
    SELECT newest.*
    FROM (SELECT id, body, post_id FROM comments ORDER BY id DESC LIMIT 20) AS newest
    -- Comments on tasks are not found.
    WHERE newest.body IS NOT NULL AND newest.post_id IS NOT NULL AND NOT EXISTS (SELECT FROM comment_documents AS d WHERE d.comment_id = newest.id)
    OFFSET 0
) AS c
UNION ALL
SELECT 'person', p.id, p.id, make_name_words(p.names)
FROM (
    SELECT newest.id, newest.names
    FROM (SELECT u.id, u.status, name_person(u) AS names FROM users AS u ORDER BY u.id DESC LIMIT 20) AS newest
    WHERE newest.status = 'active' AND NOT EXISTS (SELECT FROM person_documents AS d WHERE d.user_id = newest.id)
    OFFSET 0
) AS p
UNION ALL
SELECT 'task', t.id, t.id, make_words(t.title, left(t.description, 2000))
FROM (
    SELECT newest.*
    FROM (SELECT id, title, description FROM tasks WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM task_documents AS d WHERE d.task_id = newest.id)
    OFFSET 0
) AS t
UNION ALL
SELECT 'project', p.id, p.id, make_words(p.name, p.description)
FROM (
    SELECT newest.*
    FROM (SELECT id, name, description FROM projects WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM project_documents AS d WHERE d.project_id = newest.id)
    OFFSET 0
) AS p
UNION ALL
-- By their paths: what they hold is packed.
SELECT 'file', f.id, f.id, make_words(f.path, NULL)
FROM (
    SELECT newest.*
    FROM (SELECT id, path FROM files WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 20) AS newest
    WHERE NOT EXISTS (SELECT FROM file_documents AS d WHERE d.file_id = newest.id)
    OFFSET 0
) AS f;
COMMENT ON VIEW fresh_documents IS 'What the worker has not come to yet among the newest of each kind: whoever has just written something finds it.';

CREATE OR REPLACE VIEW open_links AS
SELECT l.blocker_id, l.blocked_id
FROM task_links AS l
INNER JOIN tasks AS b ON b.id = l.blocker_id
WHERE b.deleted_at IS NULL AND b.status NOT IN ('done', 'cancelled');
COMMENT ON VIEW open_links IS 'Links whose blocker is still to be done.';

CREATE OR REPLACE VIEW task_items AS
SELECT
    t.id,
    t.number,
    t.kind,
    t.title,
    t.description,
    t.status,
    ('{low,medium,high,urgent}'::text[])[t.priority] AS priority,
    person(c) AS creator,
    person(a) AS assignee,
    t.project_id AS "projectId",
    t.lead_id AS "leadId",
    t.parent_id AS "parentId",
    t.rank,
    coalesce(t.due_on::text, to_char(t.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS "dueDate",
    t.due_at AS "dueAt",
    t.due_on IS NOT NULL AS "dueAllDay",
    t.started_at AS "startedAt",
    t.completed_at AS "completedAt",
    coalesce(
        (
            SELECT json_agg(json_build_object('id', l.id, 'name', l.name, 'color', l.color) ORDER BY l.name, l.id)
            FROM task_labels AS x
            INNER JOIN labels AS l ON l.id = x.label_id
            WHERE x.task_id = t.id
        ),
        '[]'::json
    ) AS labels,
    EXISTS (SELECT FROM open_links AS l WHERE l.blocked_id = t.id) AS blocked,
    (
        SELECT json_build_object('total', count(*), 'done', count(*) FILTER (WHERE i.is_done))
        FROM checklist_items AS i
        WHERE i.task_id = t.id
    ) AS checklist,
    (
        SELECT json_build_object('total', count(*), 'done', count(*) FILTER (WHERE s.status IN ('done', 'cancelled')))
        FROM tasks AS s
        WHERE s.parent_id = t.id AND s.deleted_at IS NULL
    ) AS subtasks,
    (
        SELECT count(*)::integer FROM comments AS m WHERE m.task_id = t.id AND m.body IS NOT NULL
    ) AS "commentCount",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.alt, f.url, f.thumbnail_url AS "thumbnailUrl"
                FROM uploads AS f
                WHERE f.task_id = t.id AND f.removed_at IS NULL
                ORDER BY f.position
            ) AS file
        ),
        '[]'::json
    ) AS uploads,
    (
        SELECT json_build_object('frequency', s.frequency, 'every', s.every, 'until', s.until, 'timezone', s.timezone)
        FROM task_series AS s
        WHERE s.id = t.series_id AND s.ended_at IS NULL
    ) AS repeat,
    t.series_id AS "seriesId",
    t.occurrence,
    t.external_ref AS "externalRef",
    t.version,
    t.created_at AS "createdAt",
    t.updated_at AS "updatedAt",
    t.creator_id AS "_creatorId",
    t.assignee_id AS "_assigneeId",
    t.priority AS "_priority",
    t.due_on AS "_dueOn",
    t.deleted_at AS "_deletedAt"
FROM tasks AS t
INNER JOIN users AS c ON c.id = t.creator_id
LEFT JOIN users AS a ON a.id = t.assignee_id;
COMMENT ON VIEW task_items IS 'Tasks as the API and the frames show them, but for what depends on the viewer; with those in the trash.';

CREATE OR REPLACE VIEW label_items AS
SELECT l.id, l.name, l.color, l.project_id AS "projectId", l.created_at AS "createdAt"
FROM labels AS l;
COMMENT ON VIEW label_items IS 'Labels as the API and the frames show them.';

CREATE OR REPLACE VIEW ai_chat_items AS
SELECT
    c.id,
    c.title,
    (
        SELECT json_build_object('id', p.id, 'name', p.name)
        FROM projects AS p
        WHERE p.id = c.project_id AND project_role(p.id, c.owner_id, holds_permission(c.owner_id, 'project:manage')) IS NOT NULL
    ) AS project,
    c.model,
    c.leaf_id AS "leafId",
    EXISTS (SELECT FROM ai_answers AS a WHERE a.chat_id = c.id AND a.status IN ('queued', 'running')) AS "isAnswering",
    c.version,
    c.created_at AS "createdAt",
    c.updated_at AS "updatedAt",
    c.owner_id AS "_ownerId",
    c.project_id AS "_projectId",
    reads_as_manager(c.project_id, c.owner_id) AS "_managed"
FROM ai_chats AS c;
COMMENT ON VIEW ai_chat_items IS 'Chats as the API shows them to their owners.';

CREATE OR REPLACE VIEW ai_message_items AS
SELECT
    m.id,
    m.chat_id AS "chatId",
    m.parent_id AS "parentId",
    m.role,
    t.body,
    m.context,
    CASE
        WHEN m.parent_id IS NULL
            THEN ARRAY(SELECT s.id FROM ai_messages AS s WHERE s.chat_id = m.chat_id AND s.parent_id IS NULL ORDER BY s.id)
        ELSE ARRAY(SELECT s.id FROM ai_messages AS s WHERE s.parent_id = m.parent_id ORDER BY s.id)
    END AS siblings,
    a.status,
    a.reason,
    a.attempts || '.' || char_length(t.body) AS position,
    a.prompt_tokens AS "promptTokens",
    a.completion_tokens AS "completionTokens",
    m.created_at AS "createdAt",
    a.ended_at AS "endedAt"
FROM ai_messages AS m
LEFT JOIN ai_answers AS a ON a.message_id = m.id
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.status IN ('queued', 'running') THEN answer_so_far(a) ELSE m.body END AS body
) AS t;
COMMENT ON VIEW ai_message_items IS 'Messages of chats as the API shows them; of an answer that has not ended what there is of it.';

CREATE OR REPLACE VIEW account_items AS
SELECT
    u.id,
    u.email,
    u.username,
    u.first_name AS "firstName",
    u.last_name AS "lastName",
    u.avatar_url AS "avatarUrl",
    u.role,
    u.status,
    u.email_verified_at IS NOT NULL AS "emailVerified",
    u.created_at AS "createdAt",
    u.updated_at AS "updatedAt",
    u.role_version AS "_roleVersion"
FROM users AS u;
COMMENT ON VIEW account_items IS 'Accounts as their owners see them.';

CREATE OR REPLACE VIEW comment_items AS
SELECT
    c.id,
    c.post_id AS "postId",
    c.task_id AS "taskId",
    c.parent_id AS "parentId",
    c.body,
    person(u) AS author,
    c.body IS NULL AS deleted,
    c.version,
    c.created_at AS "createdAt",
    c.updated_at AS "updatedAt"
FROM comments AS c
LEFT JOIN users AS u ON u.id = c.author_id;
COMMENT ON VIEW comment_items IS 'Comments as the API and the frames show them, with the placeholders of deleted ones that have replies.';

CREATE OR REPLACE VIEW event_items AS
SELECT
    e.id,
    e.type,
    person(a) AS actor,
    e.entity_type AS "entityType",
    e.entity_id AS "entityId",
    e.payload,
    CASE WHEN NOT is_of_departed(e.actor_id, e.payload) THEN e.metadata ->> 'ip' END AS ip,
    CASE WHEN NOT is_of_departed(e.actor_id, e.payload) THEN e.metadata ->> 'userAgent' END AS "userAgent",
    e.correlation_id AS "requestId",
    e.created_at AS "createdAt",
    e.actor_id AS "_actorId",
    e.project_id AS "_projectId"
FROM events AS e
LEFT JOIN users AS a ON a.id = e.actor_id;
COMMENT ON VIEW event_items IS 'Events of the audit trail as the API shows them; of people who have left without their addresses and devices.';

CREATE OR REPLACE VIEW outbox_state AS
SELECT
    (SELECT count(*) FROM outbox WHERE next_at <= now() OR last_error IS NOT NULL) AS depth,
    (
        SELECT greatest(coalesce(extract(epoch FROM now() - min(since)), 0), 0)::float8
        FROM (
            SELECT
                CASE WHEN receivers_after = '00000000-0000-0000-0000-000000000000' THEN next_at ELSE created_at END AS since
            FROM outbox
        ) AS waiting
    ) AS age,
    (SELECT count(*) FROM outbox_dead) AS dead;
COMMENT ON VIEW outbox_state IS
'How much is waiting, for how long the oldest in seconds, how much is dead. What has been put off waits from its time on.';

CREATE OR REPLACE VIEW file_items AS
SELECT
    f.id,
    f.project_id AS "projectId",
    f.path,
    f.kind,
    f.type,
    f.eol,
    f.bytes,
    f.content_version AS "contentVersion",
    f.version,
    (SELECT person(u) FROM users AS u WHERE u.id = f.creator_id) AS creator,
    f.created_at AS "createdAt",
    f.updated_at AS "updatedAt",
    f.deleted_at AS "_deletedAt",
    f.deleted_by AS "_deletedBy"
FROM files AS f;
COMMENT ON VIEW file_items IS 'Files as the API and the frames show them, with those in the trash.';

CREATE OR REPLACE VIEW file_contents AS
SELECT
    f.id,
    f.project_id,
    f.path,
    f.kind,
    f.type,
    f.eol,
    f.content_version AS version,
    f.updated_at,
    coalesce(v.bytes, 0) AS bytes,
    v.sha256,
    coalesce(d.last_seq, 0) AS seq,
    coalesce(d.last_seq > greatest(d.settled_seq, v.seq), false) AS unsettled
FROM files AS f
LEFT JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
LEFT JOIN file_docs AS d ON d.file_id = f.id
WHERE f.deleted_at IS NULL;
COMMENT ON VIEW file_contents IS 'Where the content of each file is: that of its newest version, or where it is unsettled in its log.';

CREATE OR REPLACE VIEW lead_items AS
SELECT
    l.id,
    l.name,
    l.company,
    l.email,
    l.phone,
    l.job_title AS "jobTitle",
    l.website,
    l.source,
    l.stage,
    l.score,
    person(o) AS owner,
    l.value::text AS value,
    l.currency,
    l.lost_reason AS "lostReason",
    l.lost_note AS "lostNote",
    l.notes,
    (SELECT max(t.happened_at) FROM lead_interactions AS t WHERE t.lead_id = l.id) AS "lastInteractionAt",
    person(c) AS "createdBy",
    l.version,
    l.created_at AS "createdAt",
    l.updated_at AS "updatedAt",
    l.owner_id AS "_ownerId",
    l.phone_key AS "_phoneKey",
    coalesce((l.value * 100)::bigint, -1) AS "_worth"
FROM leads AS l
LEFT JOIN users AS o ON o.id = l.owner_id
LEFT JOIN users AS c ON c.id = l.created_by
WHERE l.merged_into IS NULL;
COMMENT ON VIEW lead_items IS 'Leads as the API and the frames show them, without those that were merged with another one.';

CREATE OR REPLACE VIEW lead_interaction_items AS
SELECT
    t.id,
    t.lead_id AS "leadId",
    t.kind,
    t.happened_at AS "happenedAt",
    person(a) AS author,
    t.text,
    t.version,
    t.created_at AS "createdAt",
    t.updated_at AS "updatedAt",
    t.author_id AS "_authorId"
FROM lead_interactions AS t
LEFT JOIN users AS a ON a.id = t.author_id;
COMMENT ON VIEW lead_interaction_items IS 'Interactions with leads as the API shows them.';

CREATE OR REPLACE VIEW message_items AS
SELECT
    s.id,
    s.conversation_id AS "conversationId",
    s.n,
    person(u) AS author,
    s.body,
    (
        SELECT json_build_object(
            'id', r.id, 'n', r.n, 'author', person(a), 'excerpt', excerpt(r.body), 'deleted', r.deleted_at IS NOT NULL
        )
        FROM messages AS r
        LEFT JOIN users AS a ON a.id = r.author_id
        WHERE r.id = s.reply_to_id AND s.deleted_at IS NULL
    ) AS "replyTo",
    coalesce(
        (
            SELECT json_agg(
                json_build_object(
                    'id', f.id, 'name', f.name, 'type', f.type, 'bytes', f.bytes, 'width', f.width, 'height', f.height,
                    'alt', f.alt, 'url', f.url, 'thumbnailUrl', f.thumbnail_url
                )
                ORDER BY f.position
            )
            FROM uploads AS f
            WHERE f.message_id = s.id AND f.removed_at IS NULL
        ),
        '[]'
    ) AS uploads,
    s.deleted_at IS NOT NULL AS deleted,
    s.version,
    s.created_at AS "createdAt",
    s.edited_at AS "editedAt",
    s.author_id AS "_authorId"
FROM messages AS s
LEFT JOIN users AS u ON u.id = s.author_id;
COMMENT ON VIEW message_items IS 'Messages as the API and the frames show them, but for their reactions; of deleted ones the number, the author and the times.';

CREATE OR REPLACE VIEW notification_lines AS
SELECT
    n.receiver_id AS "_receiverId",
    n.id,
    n.type,
    n.variant AS "_variant",
    nullif(n.params, '{}') AS "_params",
    e.excerpt AS "_excerpt",
    e.beginning AS "_beginning",
    n.is_read AS "isRead",
    n.seen_at AS "seenAt",
    n.archived_at AS "archivedAt",
    n.snoozed_until AS "snoozedUntil",
    n.position,
    n.group_id AS "groupId",
    coalesce(n.plan -> 'silent' = 'true', false) AS silent,
    -- Columns of the person: JSON for each row of a page costs more than the rest of the page's people.
    a.id AS "_actorId",
    a.username AS "_username",
    a.first_name AS "_firstName",
    a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    n.entity_type AS "_entityType",
    -- A lead may have been merged with another one.
    CASE WHEN e.found THEN coalesce(l.id, n.entity_id) END AS "_entityId",
    e.post_id AS "postId",
    l.id AS "relatedLeadId",
    n.created_at AS "createdAt",
    n.updated_at AS "updatedAt"
FROM (
    SELECT
        receiver_id, id, type, variant, params, is_read, seen_at, archived_at, snoozed_until, position, group_id, plan,
        actor_id, entity_type, entity_id, created_at, updated_at
    FROM notifications
    UNION ALL
    -- A query for what is not archived does without it: its constraint says that all of it is.
    SELECT
        receiver_id, id, type, variant, params, is_read, seen_at, archived_at, snoozed_until, position, group_id, plan,
        actor_id, entity_type, entity_id, created_at, updated_at
    FROM notifications_archive
) AS n
LEFT JOIN users AS a ON a.id = n.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(n.entity_type, n.entity_id, n.receiver_id) AS d
) AS e ON true
LEFT JOIN LATERAL (
    -- Fenced, so that other kinds look for no lead.
    SELECT f.id FROM find_lead(n.entity_id, n.receiver_id) AS f WHERE n.entity_type = 'lead' OFFSET 0
) AS l ON true;
COMMENT ON VIEW notification_lines IS 'Notifications as the API and the frames show them; title and message are the sentences of type and variant, filled in by the service.';

CREATE OR REPLACE VIEW notification_items AS
SELECT i.*, display_name(a) AS "_actorName", person(a) AS actor
FROM notification_lines AS i
LEFT JOIN users AS a ON a.id = i."_actorId";
COMMENT ON VIEW notification_items IS 'The same as the release before 0026 reads it, while it runs beside this one.';

CREATE OR REPLACE VIEW post_items AS
SELECT
    p.id,
    p.type,
    p.status,
    p.title,
    p.body,
    person(a) AS author,
    person(d) AS assignee,
    s.like_count AS "likeCount",
    s.comment_count AS "commentCount",
    s.interest_count AS "interestCount",
    s.revision AS "countsVersion",
    coalesce(
        (
            SELECT json_agg(file)
            FROM (
                SELECT f.id, f.name, f.type, f.bytes, f.width, f.height, f.alt, f.url, f.thumbnail_url AS "thumbnailUrl"
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
    p.project_id AS "_projectId",
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
INNER JOIN post_stats AS s ON s.post_id = p.id
INNER JOIN users AS a ON a.id = p.author_id
LEFT JOIN users AS d ON d.id = p.assignee_id;
COMMENT ON VIEW post_items IS 'Posts as the API and the frames show them, but for what depends on the viewer.';

CREATE OR REPLACE VIEW held_lines AS
SELECT
    h.receiver_id AS "_receiverId",
    h.id,
    h.type,
    h.variant AS "_variant",
    nullif(h.params, '{}') AS "_params",
    e.excerpt AS "_excerpt",
    e.beginning AS "_beginning",
    false AS "isRead",
    NULL::timestamptz AS "seenAt",
    NULL::timestamptz AS "archivedAt",
    NULL::timestamptz AS "snoozedUntil",
    h.id AS position,
    NULL::uuid AS "groupId",
    false AS silent,
    a.id AS "_actorId",
    a.username AS "_username",
    a.first_name AS "_firstName",
    a.last_name AS "_lastName",
    a.avatar_url AS "_avatarUrl",
    h.entity_type AS "_entityType",
    CASE WHEN e.found THEN coalesce(l.id, h.entity_id) END AS "_entityId",
    e.post_id AS "postId",
    l.id AS "relatedLeadId",
    h.created_at AS "createdAt",
    h.held_at AS "updatedAt",
    h.reason,
    h.held_at AS "heldAt"
FROM notifications_held AS h
LEFT JOIN users AS a ON a.id = h.actor_id
LEFT JOIN LATERAL (
    SELECT d.excerpt, d.beginning, d.post_id, true AS found
    FROM describe_entity(h.entity_type, h.entity_id, h.receiver_id) AS d
) AS e ON true
LEFT JOIN LATERAL (
    SELECT f.id FROM find_lead(h.entity_id, h.receiver_id) AS f WHERE h.entity_type = 'lead' OFFSET 0
) AS l ON true;
COMMENT ON VIEW held_lines IS 'What a person was not told, with the columns of notification_lines, and why.';

CREATE OR REPLACE VIEW project_items AS
SELECT
    p.id,
    p.name,
    p.description,
    p.visibility,
    (SELECT count(*)::integer FROM project_members AS m WHERE m.project_id = p.id) AS "memberCount",
    -- The limit is that of projects_quota.
    json_build_object('bytes', p.file_bytes, 'limit', 1073741824) AS storage,
    p.version,
    p.created_at AS "createdAt",
    p.updated_at AS "updatedAt",
    p.deleted_at AS "_deletedAt",
    p.deleted_by AS "_deletedBy"
FROM projects AS p;
COMMENT ON VIEW project_items IS 'Projects as the API and the frames show them, but for what depends on the viewer. With those in the trash.';

CREATE OR REPLACE VIEW thread_comments AS
SELECT c.post_id AS thread, c.id FROM comments AS c WHERE c.post_id IS NOT NULL
UNION ALL
SELECT c.task_id, c.id FROM comments AS c WHERE c.task_id IS NOT NULL;
COMMENT ON VIEW thread_comments IS 'Comments by what they are on, a post or a task: each by its own index.';

CREATE OR REPLACE VIEW repository_items AS
SELECT
    r.id, r.project_id AS "projectId", r.url, r.branch, r.default_branch AS "defaultBranch", r.status, r.reason, r.message,
    r.moved_to AS "movedTo",
    encode(r.head, 'hex') AS head, r.commit_count AS "commitCount", r.token IS NOT NULL AS "hasToken",
    r.interval_s AS interval, r.failing_since AS "failingSince", r.synced_at AS "lastSyncedAt",
    r.next_at AS "nextSyncAt", r.version, r.created_at AS "createdAt"
FROM repositories AS r;
COMMENT ON VIEW repository_items IS 'Linked repositories as members of their projects see them.';

CREATE OR REPLACE VIEW git_commit_items AS
SELECT
    encode(c.sha, 'hex') AS sha,
    ARRAY(SELECT encode(p.sha, 'hex') FROM unnest(c.parents) WITH ORDINALITY AS p (sha, place) ORDER BY p.place) AS parents,
    c.author_name AS "authorName", c.author_email AS "authorEmail",
    (
        SELECT person(u) FROM users AS u
        WHERE u.email = c.author_email::citext AND u.email_verified_at IS NOT NULL
    ) AS "user",
    c.authored_at AS "authoredAt", c.committed_at AS "committedAt", c.subject, c.body,
    c.repository_id AS "_repositoryId", c.sha AS "_sha", c.n AS "_n", c.gone_at AS "goneAt"
FROM git_commits AS c;
COMMENT ON VIEW git_commit_items IS 'Commits; with the user whose verified address their author has.';

CREATE OR REPLACE VIEW session_items AS
SELECT
    s.id,
    s.project_id AS "projectId",
    s.title,
    (
        SELECT json_build_object('id', f.id, 'path', f.path)
        FROM files AS f
        WHERE f.id = s.file_id AND f.deleted_at IS NULL
    ) AS file,
    (SELECT person(h) FROM users AS h WHERE h.id = s.host_id) AS host,
    (
        SELECT count(*)::integer FROM session_participants AS p WHERE p.session_id = s.id AND is_here(p)
    ) AS "participantCount",
    s.created_at AS "createdAt",
    s.ended_at AS "endedAt",
    s.host_id AS "_hostId"
FROM collab_sessions AS s;
COMMENT ON VIEW session_items IS 'Sessions as the API and the frames show them, but for what depends on the viewer.';

CREATE OR REPLACE VIEW webhook_items AS
SELECT
    w.id,
    w.scope,
    w.project_id AS "projectId",
    w.url,
    w.types,
    w.description,
    w.status,
    w.reason,
    w.failures,
    w.failing_since AS "failingSince",
    w.last_ok_at AS "lastOkAt",
    CASE WHEN w.old_until > now() THEN w.old_until END AS "oldSecretUntil",
    w.version,
    w.created_at AS "createdAt",
    w.updated_at AS "updatedAt",
    w.owner_id AS "_ownerId"
FROM webhooks AS w;
COMMENT ON VIEW webhook_items IS 'Webhooks as the API shows them, without their secrets.';

CREATE OR REPLACE VIEW webhook_delivery_items AS
SELECT
    d.id,
    d.event_id AS "eventId",
    d.type,
    d.status,
    d.attempts,
    CASE WHEN d.status = 'pending' THEN greatest(d.next_at, d.created_at) END AS "nextAttemptAt",
    d.last_status AS "lastStatus",
    d.last_error AS "lastError",
    d.last_ms AS "lastMs",
    d.created_at AS "createdAt",
    d.ended_at AS "endedAt",
    d.webhook_id AS "_webhookId"
FROM webhook_deliveries AS d;
COMMENT ON VIEW webhook_delivery_items IS 'Deliveries of webhooks as the API shows them.';

CREATE TRIGGER doubt_words AFTER DELETE OR UPDATE OF body ON comments FOR EACH ROW EXECUTE FUNCTION doubt_words('body');
COMMENT ON TRIGGER doubt_words ON comments IS 'Words of a text that was changed or deleted go into search_doubts.';

CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER events_append_only ON events IS 'Keeps the trail append-only; every partition has it, too.';

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER no_truncate ON events IS 'Keeps the trail append-only.';

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events_default FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMENT ON TRIGGER no_truncate ON events_default IS 'Keeps the trail append-only; TRUNCATE triggers are not inherited.';

CREATE TRIGGER count_ended_follows AFTER DELETE ON follows REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_follows();
COMMENT ON TRIGGER count_ended_follows ON follows IS 'Both people''s counters in person_stats go down.';

CREATE TRIGGER count_new_follows AFTER INSERT ON follows REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_follows();
COMMENT ON TRIGGER count_new_follows ON follows IS 'Both people''s counters in person_stats go up.';

CREATE TRIGGER consider_held AFTER DELETE OR UPDATE OF timezone, quiet_from, quiet_to, digest, digest_at ON notification_settings FOR EACH ROW EXECUTE FUNCTION consider_held();
COMMENT ON TRIGGER consider_held ON notification_settings IS 'What waits for hours that have changed is considered anew.';

CREATE TRIGGER keep_due_days AFTER INSERT OR UPDATE OF timezone ON notification_settings FOR EACH ROW EXECUTE FUNCTION keep_due_days();
COMMENT ON TRIGGER keep_due_days ON notification_settings IS 'Open tasks of the person that are due on a day become due at its end in the zone.';

CREATE TRIGGER note_revision BEFORE UPDATE ON post_stats FOR EACH ROW WHEN (old.like_count IS DISTINCT FROM new.like_count OR old.comment_count IS DISTINCT FROM new.comment_count OR old.interest_count IS DISTINCT FROM new.interest_count) EXECUTE FUNCTION note_revision();
COMMENT ON TRIGGER note_revision ON post_stats IS 'Another state of the counters has a higher revision.';

CREATE TRIGGER count_deleted_posts AFTER DELETE ON posts FOR EACH ROW WHEN (old."position" IS NOT NULL) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_deleted_posts ON posts IS 'The author''s post_count in person_stats goes down.';

CREATE TRIGGER count_moved_posts AFTER UPDATE OF "position" ON posts FOR EACH ROW WHEN ((old."position" IS NULL) <> (new."position" IS NULL)) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_moved_posts ON posts IS 'The author''s post_count in person_stats goes up or down.';

CREATE TRIGGER count_new_posts AFTER INSERT ON posts FOR EACH ROW WHEN (new."position" IS NOT NULL) EXECUTE FUNCTION count_posts();
COMMENT ON TRIGGER count_new_posts ON posts IS 'The author''s post_count in person_stats goes up.';

CREATE TRIGGER doubt_words AFTER DELETE OR UPDATE OF title, body ON posts FOR EACH ROW EXECUTE FUNCTION doubt_words('title', 'body');
COMMENT ON TRIGGER doubt_words ON posts IS 'Words of a text that was changed or deleted go into search_doubts.';

CREATE TRIGGER forget_reads AFTER DELETE ON posts FOR EACH ROW EXECUTE FUNCTION forget_reads('post');
COMMENT ON TRIGGER forget_reads ON posts IS 'The post''s rows in entity_reads and thread_reads go along.';

CREATE TRIGGER doubt_words AFTER DELETE OR UPDATE OF name, description ON projects FOR EACH ROW EXECUTE FUNCTION doubt_words('name', 'description');
COMMENT ON TRIGGER doubt_words ON projects IS 'Words of a text that was changed or purged go into search_doubts.';

CREATE TRIGGER end_pushes AFTER UPDATE OF revoked_at ON sessions FOR EACH ROW WHEN (old.revoked_at IS NULL AND new.revoked_at IS NOT NULL) EXECUTE FUNCTION end_pushes();
COMMENT ON TRIGGER end_pushes ON sessions IS 'The push subscriptions of a session that is revoked are deleted.';

CREATE TRIGGER doubt_purged_words AFTER DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION doubt_words('title', 'description');
COMMENT ON TRIGGER doubt_purged_words ON tasks IS 'Words of what is purged go into search_doubts.';

CREATE TRIGGER doubt_words AFTER UPDATE OF title, description ON tasks FOR EACH ROW WHEN (old.title <> new.title OR old.description IS DISTINCT FROM new.description) EXECUTE FUNCTION doubt_words('title', 'description');
COMMENT ON TRIGGER doubt_words ON tasks IS 'Words of a text that was changed go into search_doubts.';

CREATE TRIGGER forget_reads AFTER DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION forget_reads('task');
COMMENT ON TRIGGER forget_reads ON tasks IS 'The task''s rows in thread_reads go along.';

CREATE TRIGGER keep_task BEFORE INSERT OR UPDATE OF status, due_at, due_on, assignee_id, deleted_at ON tasks FOR EACH ROW EXECUTE FUNCTION keep_task();
COMMENT ON TRIGGER keep_task ON tasks IS 'started_at, completed_at, due_at of a day, and remind_at are kept.';

CREATE TRIGGER tally_changed_tasks AFTER UPDATE ON tasks REFERENCING OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_changed_tasks ON tasks IS 'Counted anew in task_tallies, task_loads and task_days.';

CREATE TRIGGER tally_deleted_tasks AFTER DELETE ON tasks REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_deleted_tasks ON tasks IS 'No longer counted in task_tallies, task_loads and task_days.';

CREATE TRIGGER tally_new_tasks AFTER INSERT ON tasks REFERENCING NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION tally_tasks();
COMMENT ON TRIGGER tally_new_tasks ON tasks IS 'Counted in task_tallies, task_loads and task_days.';

CREATE TRIGGER doubt_words AFTER UPDATE OF username, first_name, last_name ON users FOR EACH ROW EXECUTE FUNCTION doubt_words('username', 'first_name', 'last_name');
COMMENT ON TRIGGER doubt_words ON users IS 'Names of a person who is called otherwise from now on, or has left, go into search_doubts.';

CREATE TRIGGER keep_username BEFORE INSERT OR UPDATE OF username ON users FOR EACH ROW EXECUTE FUNCTION keep_username();
COMMENT ON TRIGGER keep_username ON users IS 'A reserved username is refused; one that is given up stays reserved for a year, the last ten of each user.';

CREATE TRIGGER note_role_change BEFORE UPDATE ON users FOR EACH ROW WHEN (old.role IS DISTINCT FROM new.role OR old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION note_role_change();
COMMENT ON TRIGGER note_role_change ON users IS 'Access tokens of the role or status before are worthless from now on.';

CREATE TRIGGER trust_address BEFORE UPDATE OF email, email_verified_at ON users FOR EACH ROW WHEN (old.email_bounced_at IS NOT NULL) EXECUTE FUNCTION trust_address();
COMMENT ON TRIGGER trust_address ON users IS 'An address that is proved anew, or another one, is no longer one that refused mail.';
