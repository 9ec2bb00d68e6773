-- Leads: how one is shown, described and found, and who may read them.

DROP VIEW IF EXISTS lead_items;
CREATE VIEW lead_items AS
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

DROP VIEW IF EXISTS lead_interaction_items;
CREATE VIEW lead_interaction_items AS
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

CREATE OR REPLACE FUNCTION reads_leads(viewer_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT holds_permission($1, 'lead:read')
$$;
COMMENT ON FUNCTION reads_leads(uuid) IS 'Whether a person may read leads: whoever may, reads all of them.';

CREATE OR REPLACE FUNCTION find_lead(lead_id uuid, viewer_id uuid) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT coalesce(l.merged_into, l.id)
    FROM leads AS l
    INNER JOIN users AS u ON u.id = $2 AND u.status = 'active'
    INNER JOIN role_permissions AS p ON p.role = u.role AND p.permission = 'lead:read'
    WHERE l.id = $1
$$;
COMMENT ON FUNCTION find_lead(uuid, uuid) IS 'The lead that a reference leads to: where it was merged, the one that lives on. No row for what is gone, and for those who may not read leads. A query takes it in as if it were written there.';

CREATE OR REPLACE FUNCTION describe_lead(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT excerpt(l.name), excerpt(l.name), NULL::uuid FROM find_lead($1, $2) AS f INNER JOIN leads AS l ON l.id = f.id
$$;
COMMENT ON FUNCTION describe_lead(uuid, uuid) IS 'A lead in describe_entity(); of one that was merged, the one that lives on.';

SELECT gather_kinds();

CREATE OR REPLACE FUNCTION word_patterns(wanted text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT array_agg('%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%')
    FROM regexp_split_to_table(trim(fold_text($1)), '\s+') AS w (word)
$$;
COMMENT ON FUNCTION word_patterns(text) IS 'For LIKE ALL, on what fold_text() made: patterns that find each word of a text anywhere, in any order.';

-- One CASE: the planner takes each of these filters for one that few rows pass, and would rather sort all leads than walk along
-- an index until a page is full. Of a CASE it thinks that half of the rows pass.
CREATE OR REPLACE FUNCTION lead_fits(
    stage text, owner_id uuid, source text, score integer, words text, wanted_stage text, wanted_owner uuid, wanted_source text,
    wanted text, patterns text[], least_score integer
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN ($6 IS NULL OR $1 = $6)
            AND ($7 IS NULL OR $2 = $7)
            AND ($8 IS NULL OR $3 = $8)
            AND ($11 IS NULL OR $4 >= $11)
            AND ($9 IS NULL OR fold_text($5) LIKE ALL ($10))
            THEN true
        ELSE false
    END
$$;
COMMENT ON FUNCTION lead_fits(text, uuid, text, integer, text, text, uuid, text, text, text[], integer) IS 'Whether a lead passes the filters of a list; NULL filters nothing. `patterns`: word_patterns() of `wanted`. A query takes it in as if it were written there.';
