-- The checklists of tasks. A task is locked before its list changes; ranks only say the order.

-- name: list_items(task_id) :many
-- The whole list, in its order.
SELECT i.id, i.text, i.is_done AS "isDone", i.created_at AS "createdAt", i.updated_at AS "updatedAt"
FROM checklist_items AS i
WHERE i.task_id = $1
ORDER BY i.rank, i.id;

-- name: insert_item(task_id, text, is_done) :value
-- Add an item at the end; returns its id.
INSERT INTO checklist_items (task_id, text, is_done, rank)
SELECT $1, $2, $3, coalesce(max(i.rank), 0) + 1 FROM checklist_items AS i WHERE i.task_id = $1
RETURNING id;

-- name: update_item(task_id, item_id, text, is_done) :value
-- Change the members of an item that are not NULL; returns its id, or NULL where it does not exist.
UPDATE checklist_items
SET text = coalesce($3, text), is_done = coalesce($4, is_done), updated_at = now()
WHERE task_id = $1 AND id = $2
RETURNING id;

-- name: order_items(task_id, ids) :exec
-- Put the list in this order.
UPDATE checklist_items AS i
SET rank = g.rank
FROM unnest($2::uuid[]) WITH ORDINALITY AS g (id, rank)
WHERE i.task_id = $1 AND i.id = g.id AND i.rank <> g.rank;

-- name: delete_item(task_id, item_id) :value
-- Remove an item, and the stored answer of the request that made it; returns its id, or NULL where it does not exist.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $2
)
DELETE FROM checklist_items WHERE task_id = $1 AND id = $2 RETURNING id;

-- name: copy_items(from_id, to_id) :exec
-- Give a new task the items of another one, to be done again.
INSERT INTO checklist_items (task_id, text, rank) SELECT $2, i.text, i.rank FROM checklist_items AS i WHERE i.task_id = $1;
