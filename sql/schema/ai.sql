-- Chats with a language model: how chats and messages are shown, each to its owner alone.

CREATE OR REPLACE FUNCTION reads_as_manager(project_id uuid, reader_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT $1 IS NOT NULL
        AND project_role($1, $2, false) IS NULL
        AND project_role($1, $2, holds_permission($2, 'project:manage')) IS NOT NULL
$$;
COMMENT ON FUNCTION reads_as_manager(uuid, uuid) IS 'Whether somebody reads a project only because they manage all projects: an API key of theirs may lack that right.';

DROP VIEW IF EXISTS ai_chat_items;
CREATE VIEW ai_chat_items AS
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

CREATE OR REPLACE FUNCTION answer_so_far(answer ai_answers) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(string_agg(k.text, '' ORDER BY k.at), '')
    FROM ai_chunks AS k
    WHERE k.message_id = (answer).message_id AND k.attempt = (answer).attempts
$$;
COMMENT ON FUNCTION answer_so_far(ai_answers) IS 'What the newest attempt at an answer has written, while it has not ended.';

DROP VIEW IF EXISTS ai_message_items;
CREATE VIEW ai_message_items AS
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

CREATE OR REPLACE FUNCTION describe_ai_chat(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT c.title, c.title, NULL::uuid FROM ai_chats AS c WHERE c.id = $1 AND c.owner_id = $2
$$;
COMMENT ON FUNCTION describe_ai_chat(uuid, uuid) IS 'A chat in describe_entity().';

SELECT gather_kinds();
