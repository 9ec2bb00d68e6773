-- Leads, their interactions, and the log of their stages. A merged lead keeps its row, without texts, so that references lead
-- to the lead it was merged into; lists and lead_items leave it out.

-- name: lock_keys(keys) :exec
-- Take advisory locks for e-mail addresses and phone numbers, so that a concurrent transaction that creates a lead with one of
-- them waits; in a fixed order. All keys share 256 locks: one for each row of a large CSV file would fill PostgreSQL's lock
-- table.
SELECT pg_advisory_xact_lock(x'6c656164'::integer, k.hash)
FROM (SELECT DISTINCT hashtext(key) & 255 AS hash FROM unnest($1::text[]) AS key ORDER BY hash OFFSET 0) AS k;

-- name: find_duplicates(email_key, phone_key, except_id) :many
-- The oldest leads with this address or number, at most ten; a NULL matches no lead. The caller has locked the keys.
SELECT l.id
FROM leads AS l
WHERE (l.email_key = $1 OR l.phone_key = $2) AND l.id IS DISTINCT FROM $3::uuid
ORDER BY l.id
LIMIT 10;

-- name: find_known(email_keys, phone_keys, except_ids) :many
-- For each pair of address and number: the oldest lead with that address, else with that number, except `except_id`. The caller
-- has locked the keys.
SELECT w.place::integer, l.id
FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS w (email_key, phone_key, except_id, place)
CROSS JOIN LATERAL (
    SELECT d.id
    FROM (
        SELECT 1 AS worth, a.id FROM leads AS a WHERE a.email_key = w.email_key
        UNION ALL
        SELECT 2, b.id FROM leads AS b WHERE b.phone_key = w.phone_key
    ) AS d
    WHERE d.id IS DISTINCT FROM w.except_id
    ORDER BY d.worth, d.id
    LIMIT 1
) AS l;

-- name: find_owners(names, ids) :many
-- Users by their usernames and by their ids, and whether they may read leads.
SELECT f.name, f.id, reads_leads(f.id) AS reads
FROM (
    SELECT w.name, u.id
    FROM unnest($1::text[]) AS w (name)
    INNER JOIN users AS u ON u.username = w.name::citext
    UNION ALL
    SELECT w.id::text, u.id
    FROM unnest($2::uuid[]) AS w (id)
    INNER JOIN users AS u ON u.id = w.id
) AS f;

-- name: insert_leads(created_by, rows) :many
-- Insert leads, each with its first stage in the log; returns their ids. `rows` has the columns of the table.
WITH added AS (
    INSERT INTO leads (
        name, company, email, phone, job_title, website, source, stage, score, owner_id, value, currency, lost_reason,
        lost_note, notes, email_key, phone_key, created_by
    )
    SELECT
        r.name, r.company, r.email, r.phone, r.job_title, r.website, r.source, r.stage, r.score, r.owner_id, r.value, r.currency,
        r.lost_reason, r.lost_note, r.notes, r.email_key, r.phone_key, $1
    FROM jsonb_populate_recordset(NULL::leads, $2) AS r
    RETURNING id, stage
),
logged AS (
    INSERT INTO lead_stage_log (lead_id, to_stage, actor_id)
    SELECT id, stage, $1 FROM added
)
SELECT id FROM added;

-- name: get_lead(lead_id) :one
-- One lead; no row if it was merged into another.
SELECT i.* FROM lead_items AS i WHERE i.id = $1;

-- name: find_leads(viewer_id, ids) :many
-- Several leads; no row if the viewer may not read leads.
SELECT i.* FROM lead_items AS i WHERE i.id = ANY($2::uuid[]) AND reads_leads($1);

-- name: get_leads(ids) :many
-- Like get_lead, for several leads.
SELECT i.* FROM lead_items AS i WHERE i.id = ANY($1::uuid[]);

-- name: get_survivor(lead_id) :value
-- The lead that this one was merged into; NULL if it was not merged.
SELECT merged_into FROM leads WHERE id = $1;

-- name: render_leads(ids) :many
-- Leads as their room shows them to everyone now.
SELECT i.*, ARRAY['leads'] AS "_rooms"
FROM lead_items AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_leads(stage, owner_id, source, text, min_score, before, most) :many
-- The newest leads before an id; a NULL filter is ignored.
SELECT i.*
FROM lead_items AS i
WHERE i.id < $6
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i.id DESC
LIMIT $7;

-- name: list_leads_of_stage(stage, owner_id, source, text, min_score, before, most) :many
-- Like list_leads, for one stage. Bounds and ORDER BY on both columns of the index leave the planner no other index.
SELECT i.*
FROM lead_items AS i
WHERE i.stage >= $1
    AND (i.stage, i.id) < ($1, $6)
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i.stage DESC, i.id DESC
LIMIT $7;

-- name: list_leads_of_owner(stage, owner_id, source, text, min_score, before, most) :many
-- Like list_leads, for one owner.
SELECT i.*
FROM lead_items AS i
WHERE i."_ownerId" = $2
    AND i.id < $6
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i.id DESC
LIMIT $7;

-- name: list_leads_by_change(stage, owner_id, source, text, min_score, before, before_id, most) :many
-- Like list_leads, the last changed first, before a position (time, id).
SELECT i.*
FROM lead_items AS i
WHERE (i."updatedAt", i.id) < ($6, $7)
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i."updatedAt" DESC, i.id DESC
LIMIT $8;

-- name: list_leads_by_score(stage, owner_id, source, text, min_score, before, before_id, most) :many
-- Like list_leads, the highest scores first, before a position (score, id).
SELECT i.*
FROM lead_items AS i
WHERE (i.score, i.id) < ($6::smallint, $7)
    AND i.score >= coalesce($5::smallint, 0)
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i.score DESC, i.id DESC
LIMIT $8;

-- name: list_leads_by_value(stage, owner_id, source, text, min_score, before, before_id, most) :many
-- Like list_leads, the highest values first, whatever their currency, before a position (value in hundredths, id); -1 stands
-- for no value.
SELECT i.*
FROM lead_items AS i
WHERE (i."_worth", i.id) < ($6, $7)
    AND lead_fits(
        i.stage, i."_ownerId", i.source, i.score,
        concat_ws(' ', i.name, i.company, i.email, i.phone, i."_phoneKey"), $1, $2, $3, $4, (SELECT word_patterns($4)), $5::smallint
    )
ORDER BY i."_worth" DESC, i.id DESC
LIMIT $8;

-- name: lock_lead(lead_id) :exec
-- Lock a lead before a change that depends on its current state.
SELECT FROM leads WHERE id = $1 FOR NO KEY UPDATE;

-- name: lock_leads(ids) :exec
-- Lock several leads, in id order.
SELECT FROM leads WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_for_removal(ids) :exec
-- Lock leads FOR UPDATE, in id order, which also keeps out changes of what belongs to them.
SELECT FROM leads WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: update_lead(lead_id, actor_id, fields) :exec
-- Set all `fields`, columns of the table, of a lead that the caller has locked; a change of stage is logged.
WITH old AS (
    SELECT id, stage FROM leads WHERE id = $1
),
changed AS (
    UPDATE leads AS l
    SET
        name = r.name, company = r.company, email = r.email, phone = r.phone, job_title = r.job_title, website = r.website,
        source = r.source, stage = r.stage, score = r.score, owner_id = r.owner_id, value = r.value, currency = r.currency,
        lost_reason = r.lost_reason, lost_note = r.lost_note, notes = r.notes, email_key = r.email_key,
        phone_key = r.phone_key, version = l.version + 1, updated_at = now()
    FROM jsonb_populate_record(NULL::leads, $3) AS r
    WHERE l.id = $1
    RETURNING l.id, l.stage
)
INSERT INTO lead_stage_log (lead_id, from_stage, to_stage, actor_id)
SELECT old.id, old.stage, changed.stage, $2
FROM old
INNER JOIN changed ON changed.id = old.id
WHERE changed.stage <> old.stage;

-- name: update_leads(actor_id, rows) :exec
-- Like update_lead, for several leads that the caller has locked; each row has its `id`.
WITH wanted AS MATERIALIZED (
    SELECT r.*, o.stage AS old_stage
    FROM jsonb_populate_recordset(NULL::leads, $2) AS r
    INNER JOIN leads AS o ON o.id = r.id
),
logged AS (
    INSERT INTO lead_stage_log (lead_id, from_stage, to_stage, actor_id)
    SELECT w.id, w.old_stage, w.stage, $1 FROM wanted AS w WHERE w.stage <> w.old_stage
)
UPDATE leads AS l
SET
    name = w.name, company = w.company, email = w.email, phone = w.phone, job_title = w.job_title, website = w.website,
    source = w.source, stage = w.stage, score = w.score, owner_id = w.owner_id, value = w.value, currency = w.currency,
    lost_reason = w.lost_reason, lost_note = w.lost_note, notes = w.notes, email_key = w.email_key,
    phone_key = w.phone_key, version = l.version + 1, updated_at = now()
FROM wanted AS w
WHERE l.id = w.id;

-- name: absorb_lead(lead_id, into_id, actor_id, notes) :exec
-- Merge a lead into another; the caller has locked both. Moves its interactions and stages, erases its texts, blanks stored
-- responses that show it, and leaves a reference to the other. `notes`, the texts that the other lead does not have, become
-- interactions of the other lead.
WITH talked AS (
    UPDATE lead_interactions SET lead_id = $2 WHERE lead_id = $1
),
noted AS (
    INSERT INTO lead_interactions (lead_id, kind, author_id, text)
    SELECT $2, 'note', $3, n.text FROM unnest($4::text[]) AS n (text)
),
moved AS (
    UPDATE lead_stage_log SET lead_id = $2 WHERE lead_id = $1
),
blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
UPDATE leads
SET
    merged_into = $2, name = NULL, company = NULL, email = NULL, phone = NULL, job_title = NULL, website = NULL, owner_id = NULL,
    value = NULL, currency = NULL, lost_note = NULL, notes = NULL, email_key = NULL, phone_key = NULL, version = version + 1,
    updated_at = now()
-- Leads that were merged into this one earlier then refer to the other lead, too.
WHERE id = $1 OR merged_into = $1;

-- name: delete_lead(lead_id) :exec
-- Delete a lead with its interactions, its log and the leads merged into it, and blank the stored responses that show it or its
-- interactions; their keys stay, so that a retry does not create them again. Notifications stay, without the lead.
WITH blanked AS (
    UPDATE idempotency_keys AS k SET body = NULL, location = NULL
    WHERE k.entity_id IN (SELECT t.id FROM lead_interactions AS t WHERE t.lead_id = $1 UNION ALL SELECT $1)
)
DELETE FROM leads WHERE id = $1;

-- name: list_moves(lead_id, after, most) :many
-- The changes of a lead's stage after an id, oldest first, including those of leads that were merged into it.
SELECT m.id, m.from_stage AS "from", m.to_stage AS "to", person(u) AS actor, m.created_at AS "createdAt"
FROM lead_stage_log AS m
LEFT JOIN users AS u ON u.id = m.actor_id
WHERE m.lead_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3;

-- name: insert_interaction(lead_id, author_id, kind, text, happened_at) :value
-- Insert an interaction; `happened_at` NULL means now. Returns its id.
INSERT INTO lead_interactions (lead_id, author_id, kind, text, happened_at)
VALUES ($1, $2, $3, $4, coalesce($5, now()))
RETURNING id;

-- name: get_interaction(lead_id, interaction_id) :one
-- One interaction with a lead.
SELECT i.* FROM lead_interaction_items AS i WHERE i.id = $2 AND i."leadId" = $1;

-- name: list_interactions(lead_id, before, before_id, most) :many
-- The latest interactions with a lead, before a position (time, id).
SELECT i.*
FROM lead_interaction_items AS i
WHERE i."leadId" = $1 AND (i."happenedAt", i.id) < ($2, $3)
ORDER BY i."happenedAt" DESC, i.id DESC
LIMIT $4;

-- name: update_interaction(interaction_id, kind, text, happened_at) :exec
-- Change an interaction whose lead the caller has locked; NULL leaves a column unchanged.
UPDATE lead_interactions
SET
    kind = coalesce($2, kind), text = coalesce($3, text), happened_at = coalesce($4, happened_at),
    version = version + 1, updated_at = now()
WHERE id = $1;

-- name: delete_interaction(interaction_id) :exec
-- Delete an interaction and blank the stored response that shows it; the key stays, so that a retry does not create it again.
WITH blanked AS (
    UPDATE idempotency_keys SET body = NULL, location = NULL WHERE entity_id = $1
)
DELETE FROM lead_interactions WHERE id = $1;

-- name: may_read(user_id) :value
-- Whether a user may read leads.
SELECT reads_leads($1);

-- name: list_readers_after(after, most) :many
-- Users who may read leads, after an id; one part of the audience.
SELECT u.id AS receiver_id
FROM users AS u
WHERE u.id > $1
    AND u.status = 'active'
    AND EXISTS (SELECT FROM role_permissions AS p WHERE p.role = u.role AND p.permission = 'lead:read')
ORDER BY u.id
LIMIT $2;

-- name: lock_leads_of(user_id) :exec
-- Lock the leads owned by a user who leaves, in id order.
SELECT FROM leads WHERE owner_id = $1 ORDER BY id FOR NO KEY UPDATE;

-- name: release_leads(user_id) :exec
-- Remove a user who leaves as owner of leads.
UPDATE leads
SET owner_id = NULL, version = version + 1, updated_at = now()
WHERE owner_id = $1;

-- name: export_interactions(user_id) :many
-- The interactions with leads that a user wrote, for their export.
SELECT
    t.id, t.lead_id AS "leadId", t.kind, t.text, t.happened_at AS "happenedAt", t.created_at AS "createdAt",
    t.updated_at AS "updatedAt"
FROM lead_interactions AS t
WHERE t.author_id = $1
ORDER BY t.id;
