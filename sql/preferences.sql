-- Preferences: who is told of what, on which channels and when; and what was held back.

-- name: stop_mails(user_id, types, every) :exec
-- No more mails of these types, those that wait included; with `every` no digests either, as there is nothing for them.
WITH receiver AS (
    SELECT id FROM users WHERE id = $1 AND status = 'active'
),
no_digests AS (
    UPDATE notification_settings AS s
    SET digest = 'none', next_digest_at = NULL, updated_at = now()
    FROM receiver AS r
    WHERE s.user_id = r.id AND $3::boolean AND s.digest <> 'none'
)
INSERT INTO notification_preferences AS p (user_id, type, email)
SELECT r.id, i.type, 'off'
FROM receiver AS r
CROSS JOIN unnest($2::text[]) AS i (type)
ORDER BY i.type
ON CONFLICT ON CONSTRAINT notification_preferences_pkey DO UPDATE
SET email = 'off', updated_at = now()
WHERE p.email IS DISTINCT FROM 'off';
