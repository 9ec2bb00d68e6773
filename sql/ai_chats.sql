-- Chats with a language model, and their messages. A chat is visible to its owner only: a statement that takes an owner finds
-- no other user's rows. Before writing to a chat, lock it by a separate statement.

-- name: create_chat(owner_id, manages, project_id, title, model) :value
-- Insert a chat; returns its id, or NULL if its owner may not read the project.
INSERT INTO ai_chats (owner_id, project_id, title, model)
SELECT $1, $3, $4, $5
WHERE $3::uuid IS NULL OR project_role($3, $1, $2) IS NOT NULL
RETURNING id;

-- name: get_chat(chat_id, owner_id, reads, manages) :one
-- One chat. `project` is NULL unless the viewer reads projects (`reads`); if the owner can read it only as a manager of all
-- projects, the viewer must be one, too (`manages`).
SELECT
    i.id, i.title, CASE WHEN $3 AND ($4 OR NOT i."_managed") THEN i.project END AS project, i.model, i."leafId", i."isAnswering",
    i.version, i."createdAt", i."updatedAt", i."_ownerId", i."_projectId"
FROM ai_chat_items AS i
WHERE i.id = $1 AND i."_ownerId" = $2;

-- name: list_chats(owner_id, project_id, reads, manages, before_time, before, most) :many
-- An owner's chats, the last written first; `project_id` NULL: chats of any project and of no project. `project` as in
-- get_chat().
SELECT
    i.id, i.title, CASE WHEN $3 AND ($4 OR NOT i."_managed") THEN i.project END AS project, i.model, i."leafId", i."isAnswering",
    i.version, i."createdAt", i."updatedAt", i."_ownerId", i."_projectId"
FROM ai_chat_items AS i
WHERE i."_ownerId" = $1
    AND ($2::uuid IS NULL OR i."_projectId" = $2)
    AND (i."updatedAt", i.id) < ($5, $6)
ORDER BY i."updatedAt" DESC, i.id DESC
LIMIT $7;

-- name: render_chats(ids) :many
-- Chats as their owners' rooms show them.
SELECT i.*, ARRAY['user:' || i."_ownerId"] AS "_rooms" FROM ai_chat_items AS i WHERE i.id = ANY($1::uuid[]);

-- name: lock_chat(chat_id, owner_id) :one
-- Lock a chat before it is changed or written to; no row if it is not the owner's. `managed`: see reads_as_manager().
SELECT leaf_id, project_id, model, reads_as_manager(project_id, owner_id) AS managed
FROM ai_chats
WHERE id = $1 AND owner_id = $2
FOR NO KEY UPDATE;

-- name: update_chat(chat_id, manages, set_title, title, set_model, model, set_project, project_id) :value
-- Change a chat that the caller has locked. Returns its id, or NULL if its owner may not read the project.
UPDATE ai_chats
SET
    title = CASE WHEN $3 THEN $4 ELSE title END,
    model = CASE WHEN $5 THEN $6 ELSE model END,
    project_id = CASE WHEN $7 THEN $8 ELSE project_id END,
    version = version + 1,
    updated_at = now()
WHERE id = $1 AND (NOT $7 OR $8::uuid IS NULL OR project_role($8, owner_id, $2) IS NOT NULL)
RETURNING id;

-- name: delete_chat(chat_id, owner_id) :value
-- Delete a chat for good, and blank the stored responses of requests that wrote to it; returns its id, or NULL.
WITH said AS (
    SELECT m.id FROM ai_messages AS m WHERE m.chat_id = $1
),
gone AS (
    DELETE FROM ai_chats WHERE id = $1 AND owner_id = $2 RETURNING id
),
forgotten AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL
    WHERE EXISTS (SELECT FROM gone) AND entity_id IN (SELECT s.id FROM said AS s UNION ALL SELECT $1::uuid)
)
SELECT id FROM gone;

-- name: find_message(chat_id, message_id) :one
-- One message; no row if it is not in this chat.
SELECT id, parent_id, role, context FROM ai_messages WHERE chat_id = $1 AND id = $2;

-- name: add_question(chat_id, parent_id, body, context) :value
-- Insert the owner's question into a chat that the caller has locked; returns the message's id.
INSERT INTO ai_messages (chat_id, parent_id, role, body, context) VALUES ($1, $2, 'user', $3, $4) RETURNING id;

-- name: add_reply(chat_id, parent_id) :value
-- Insert an empty message for the answer to a question into a chat that the caller has locked; it becomes the chat's newest
-- message. A chat without a title takes its title from this question. Returns the message's id.
WITH added AS (
    INSERT INTO ai_messages (chat_id, parent_id, role) VALUES ($1, $2, 'assistant') RETURNING id
)
UPDATE ai_chats AS c
SET
    leaf_id = added.id,
    title = coalesce(
        c.title,
        (SELECT nullif(btrim(left(regexp_replace(m.body, '\s+', ' ', 'g'), 80)), '') FROM ai_messages AS m WHERE m.id = $2)
    ),
    updated_at = now()
FROM added
WHERE c.id = $1
RETURNING added.id;

-- name: get_messages(ids) :many
-- Messages as the API shows them, in the order of `ids`.
SELECT i.*
FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, place)
INNER JOIN ai_message_items AS i ON i.id = w.id
ORDER BY w.place;

-- name: list_path(chat_id, leaf_id, before, most) :many
-- The branch of a chat that ends in `leaf_id`, from there upwards. `before`: the id below the first row, or the highest
-- possible id to begin with the leaf.
WITH RECURSIVE path AS (
    SELECT m.id, m.parent_id, 1 AS place
    FROM ai_messages AS m
    WHERE m.chat_id = $1
        AND m.id = CASE
            WHEN $3::uuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff' THEN $2
            ELSE (SELECT b.parent_id FROM ai_messages AS b WHERE b.id = $3 AND b.chat_id = $1)
        END
    UNION ALL
    SELECT m.id, m.parent_id, p.place + 1
    FROM path AS p
    INNER JOIN ai_messages AS m ON m.id = p.parent_id
    WHERE p.place < $4
)
SELECT i.*
FROM path AS p
INNER JOIN ai_message_items AS i ON i.id = p.id
ORDER BY p.place;

-- name: export_chats(user_id) :many
-- A user's chats, for their export.
SELECT c.id, c.title, c.project_id AS "projectId", c.model, c.created_at AS "createdAt"
FROM ai_chats AS c
WHERE c.owner_id = $1
ORDER BY c.id;

-- name: export_messages(user_id) :many
-- A user's questions and the answers to them, for their export.
SELECT
    m.id, m.chat_id AS "chatId", m.parent_id AS "parentId", m.role, m.body, m.created_at AS "createdAt"
FROM ai_messages AS m
INNER JOIN ai_chats AS c ON c.id = m.chat_id
WHERE c.owner_id = $1
ORDER BY m.id;

-- name: delete_chats_of(user_id) :exec
-- Delete all chats of a user who leaves.
DELETE FROM ai_chats WHERE owner_id = $1;
