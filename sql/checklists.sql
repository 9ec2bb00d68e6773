-- The checklists of tasks. The caller locks the task before its checklist changes; ranks only define the order.

-- name: list_items(task_id) :many
-- The whole checklist of a task, in its order.
SELECT i.id, i.text, i.is_done AS "isDone", i.created_at AS "createdAt", i.updated_at AS "updatedAt"
FROM checklist_items AS i
WHERE i.task_id = $1
ORDER BY i.rank, i.id;

-- name: insert_item(task_id, text, is_done) :value
-- Insert an item at the end; returns its id.
INSERT INTO checklist_items (task_id, text, is_done, rank)
SELECT $1, $2, $3, coalesce(max(i.rank), 0) + 1 FROM checklist_items AS i WHERE i.task_id = $1
RETURNING id;

-- name: update_item(task_id, item_id, text, is_done) :value
-- Change the text and the done flag of an item, a NULL leaves one unchanged; returns its id, or NULL if the item does not
-- exist.
UPDATE checklist_items
SET text = coalesce($3, text), is_done = coalesce($4, is_done), updated_at = now()
WHERE task_id = $1 AND id = $2
RETURNING id;

-- name: order_items(task_id, ids) :exec
-- Order the checklist as in `ids`.
UPDATE checklist_items AS i
SET rank = g.rank
FROM unnest($2::uuid[]) WITH ORDINALITY AS g (id, rank)
WHERE i.task_id = $1 AND i.id = g.id AND i.rank <> g.rank;

-- name: delete_item(task_id, item_id) :value
-- Delete an item and blank the stored response of the request that created it; returns its id, or NULL if it does not exist.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $2
)
DELETE FROM checklist_items WHERE task_id = $1 AND id = $2 RETURNING id;

-- name: copy_items(from_id, to_id) :exec
-- Copy the items of a task to a new one, not done.
INSERT INTO checklist_items (task_id, text, rank) SELECT $2, i.text, i.rank FROM checklist_items AS i WHERE i.task_id = $1;
