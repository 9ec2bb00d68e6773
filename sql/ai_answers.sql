-- Answers of a language model. A worker claims an answer with a lease, stores the new text of all of its answers ten times a
-- second, and ends each. Its writes take effect only while the attempt is its own.

-- name: take_usage(user_id) :one!
-- Count one more question of a user and lock their usage row of today (UTC). Returns the answers of today, including this one,
-- and the tokens of today.
WITH counted AS (
    INSERT INTO ai_usage (user_id, day, answers) VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 1)
    ON CONFLICT ON CONSTRAINT ai_usage_pkey DO UPDATE SET answers = ai_usage.answers + 1
    RETURNING answers, prompt_tokens + completion_tokens AS tokens
)
SELECT answers, tokens FROM counted;

-- name: count_live(owner_id) :value
-- The number of a user's questions that are queued or being answered.
SELECT count(*) FROM ai_answers WHERE owner_id = $1 AND status IN ('queued', 'running');

-- name: get_live(chat_id) :value
-- The message of a chat that is queued or being answered now; NULL if there is no such message.
SELECT message_id FROM ai_answers WHERE chat_id = $1 AND status IN ('queued', 'running');

-- name: find_chat(message_id, owner_id) :value
-- The chat of an answer; NULL if the answer is not the owner's.
SELECT chat_id FROM ai_answers WHERE message_id = $1 AND owner_id = $2;

-- name: queue_answer(message_id, chat_id, owner_id) :exec
-- Queue an answer for a worker to write.
INSERT INTO ai_answers (message_id, chat_id, owner_id) VALUES ($1, $2, $3);

-- name: cancel_answer(message_id, owner_id) :one
-- Cancel an answer. A running one is ended by its worker within a moment; a queued one ends here and keeps the text of its last
-- attempt. No row if it is not the owner's; `changed` is false if it had ended or been cancelled before.
WITH found AS (
    SELECT a.message_id, a.chat_id, a.status, a.cancel_at, a.attempts
    FROM ai_answers AS a
    WHERE a.message_id = $1 AND a.owner_id = $2
    FOR NO KEY UPDATE
),
cancelled AS (
    UPDATE ai_answers AS a
    SET
        cancel_at = now(),
        status = CASE a.status WHEN 'queued' THEN 'cancelled' ELSE a.status END,
        ended_at = CASE a.status WHEN 'queued' THEN now() END
    FROM found AS f
    WHERE a.message_id = f.message_id AND f.status IN ('queued', 'running') AND f.cancel_at IS NULL
    RETURNING a.message_id, a.status
),
written AS (
    UPDATE ai_messages AS m
    SET body = k.body
    FROM cancelled AS c
    CROSS JOIN LATERAL (
        SELECT string_agg(k.text, '' ORDER BY k.at) AS body
        FROM found AS f
        INNER JOIN ai_chunks AS k ON k.message_id = f.message_id AND k.attempt = f.attempts
    ) AS k
    WHERE m.id = c.message_id AND c.status = 'cancelled' AND k.body IS NOT NULL
),
folded AS (
    DELETE FROM ai_chunks AS k USING cancelled AS c WHERE k.message_id = c.message_id AND c.status = 'cancelled'
)
SELECT f.chat_id, c.message_id IS NOT NULL AS changed, c.status IS NOT DISTINCT FROM 'cancelled' AS ended
FROM found AS f
LEFT JOIN cancelled AS c ON c.message_id = f.message_id;

-- name: read_on(message_id, owner_id, attempt, after) :one
-- An answer's state and its text after position `after`, or all of its text if `attempt` is not the current attempt. No row if
-- it is not the owner's.
SELECT a.status, a.reason, a.attempts AS attempt, s.start, substr(t.body, s.start + 1) AS text
FROM ai_answers AS a
INNER JOIN ai_messages AS m ON m.id = a.message_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.status IN ('queued', 'running') THEN answer_so_far(a) ELSE m.body END AS body
) AS t
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.attempts = $3 AND char_length(t.body) >= $4 THEN $4 ELSE 0 END AS start
) AS s
WHERE a.message_id = $1 AND a.owner_id = $2;

-- name: claim_answers(worker_id, lease_seconds, most) :many
-- Claim answers that are due or whose lease has expired, the longest waiting first. The claim counts as a failure until the
-- attempt ends. An answer that its owner has cancelled is claimed only to be ended: the attempt number stays, and its text,
-- `stored` characters, is kept.
WITH due AS (
    SELECT a.message_id
    FROM ai_answers AS a
    WHERE (a.status = 'queued' AND a.next_at <= now()) OR (a.status = 'running' AND a.lease_until < now())
    ORDER BY a.next_at
    LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE ai_answers AS a
SET
    status = 'running',
    attempts = a.attempts + (a.cancel_at IS NULL)::integer,
    failures = a.failures + 1,
    worker_id = $1,
    lease_until = now() + make_interval(secs => $2::double precision)
FROM due
WHERE a.message_id = due.message_id
RETURNING
    a.message_id, a.chat_id, a.owner_id, a.attempts AS attempt, a.failures, a.cancel_at IS NOT NULL AS cancelled,
    CASE WHEN a.cancel_at IS NULL THEN 0 ELSE char_length(answer_so_far(a)) END AS stored;

-- name: flush_answers(worker_id, lease_seconds, ids, attempts, places, texts) :many
-- Store new text of answers and renew their leases; '' only renews. If the worker did not learn that a write succeeded, it
-- sends that text again with the text that came since. Returns the answers still claimed by this worker, and whether their
-- owners have cancelled them.
WITH mine AS (
    UPDATE ai_answers AS a
    SET
        lease_until = now() + make_interval(secs => $2::double precision),
        first_at = coalesce(a.first_at, CASE WHEN i.text <> '' THEN now() END)
    FROM unnest($3::uuid[], $4::integer[], $5::integer[], $6::text[]) AS i (id, attempt, place, text)
    WHERE a.message_id = i.id AND a.worker_id = $1 AND a.attempts = i.attempt AND a.status = 'running'
    RETURNING a.message_id, a.cancel_at IS NOT NULL AS cancelled, i.attempt, i.place, i.text
),
stored AS (
    INSERT INTO ai_chunks (message_id, attempt, at, text)
    SELECT m.message_id, m.attempt, m.place, m.text FROM mine AS m WHERE m.text <> ''
    ON CONFLICT ON CONSTRAINT ai_chunks_pkey DO UPDATE SET text = excluded.text
)
SELECT message_id, cancelled FROM mine;

-- name: list_cancelled(worker_id) :many
-- Answers that a worker is writing and whose owners have cancelled them.
SELECT message_id FROM ai_answers WHERE worker_id = $1 AND status = 'running' AND cancel_at IS NOT NULL;

-- name: end_answer(worker_id, message_id, attempt, place, rest, status, reason, context, prompt_tokens, completion_tokens) :one
-- End an answer; its text is the chunks stored before `place`, followed by `rest`. No row if the answer is no longer this
-- worker's.
WITH ended AS (
    UPDATE ai_answers
    SET
        status = $6,
        reason = $7,
        ended_at = now(),
        first_at = coalesce(first_at, CASE WHEN $5 <> '' THEN now() END),
        lease_until = NULL,
        failures = CASE WHEN $6 IN ('done', 'incomplete', 'cancelled') THEN failures - 1 ELSE failures END,
        prompt_tokens = $9,
        completion_tokens = $10
    WHERE message_id = $2 AND worker_id = $1 AND attempts = $3 AND status = 'running'
    RETURNING message_id, chat_id, owner_id
),
used AS (
    INSERT INTO ai_usage (user_id, day, prompt_tokens, completion_tokens)
    SELECT e.owner_id, (now() AT TIME ZONE 'UTC')::date, $9, $10 FROM ended AS e
    ON CONFLICT ON CONSTRAINT ai_usage_pkey DO UPDATE
    SET
        prompt_tokens = ai_usage.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = ai_usage.completion_tokens + excluded.completion_tokens
),
written AS (
    UPDATE ai_messages AS m
    SET
        context = $8,
        body = left(
            coalesce(
                (
                    SELECT string_agg(k.text, '' ORDER BY k.at)
                    FROM ai_chunks AS k
                    WHERE k.message_id = m.id AND k.attempt = $3 AND k.at < $4
                ),
                ''
            ) || $5,
            1000000
        )
    FROM ended AS e
    WHERE m.id = e.message_id
),
folded AS (
    DELETE FROM ai_chunks AS k USING ended AS e WHERE k.message_id = e.message_id
)
SELECT chat_id, owner_id FROM ended;

-- name: charge_running(chat_id, owner_id, tokens) :exec
-- Charge `tokens` for the running answer of a chat that is about to be deleted, since its worker cannot report the actual
-- number.
WITH running AS (
    SELECT message_id FROM ai_answers WHERE chat_id = $1 AND owner_id = $2 AND status = 'running' FOR UPDATE
)
INSERT INTO ai_usage (user_id, day, completion_tokens)
SELECT $2, (now() AT TIME ZONE 'UTC')::date, $3 FROM running
ON CONFLICT ON CONSTRAINT ai_usage_pkey DO UPDATE SET completion_tokens = ai_usage.completion_tokens + excluded.completion_tokens;

-- name: put_off_answer(worker_id, message_id, attempt, seconds, reason, is_failure) :value
-- Queue an answer again, to be claimed in `seconds`: the attempt failed or, if `is_failure` is false, was handed back. The next
-- claim starts with an empty text. NULL if the answer is no longer this worker's.
WITH put_off AS (
    UPDATE ai_answers
    SET
        status = 'queued',
        reason = $5,
        next_at = now() + make_interval(secs => $4::double precision),
        lease_until = NULL,
        failures = CASE WHEN $6 THEN failures ELSE failures - 1 END
    WHERE message_id = $2 AND worker_id = $1 AND attempts = $3 AND status = 'running'
    RETURNING message_id
)
SELECT message_id FROM put_off;

-- name: drop_chunks(message_id, attempt) :exec
-- Delete the text that earlier attempts wrote.
DELETE FROM ai_chunks WHERE message_id = $1 AND attempt < $2;

-- name: read_question(message_id, most) :many
-- The question that an answer replies to, then the messages above it in its branch, from the question upwards; at most `most`.
WITH RECURSIVE path AS (
    SELECT q.id, q.parent_id, q.role, q.body, q.context, 1 AS place
    FROM ai_messages AS q
    WHERE q.id = (SELECT m.parent_id FROM ai_messages AS m WHERE m.id = $1)
    UNION ALL
    SELECT q.id, q.parent_id, q.role, q.body, q.context, p.place + 1
    FROM path AS p
    INNER JOIN ai_messages AS q ON q.id = p.parent_id
    WHERE p.place < $2
)
SELECT role, body, context FROM path ORDER BY place;

-- name: get_asked(message_id) :one
-- The model to ask and the chat's project; the project is NULL if the chat's owner may no longer read it.
SELECT
    c.model,
    CASE
        WHEN project_role(c.project_id, c.owner_id, holds_permission(c.owner_id, 'project:manage')) IS NOT NULL
            THEN c.project_id
    END AS project_id
FROM ai_messages AS m
INNER JOIN ai_chats AS c ON c.id = m.chat_id
WHERE m.id = $1;

-- name: forget_usage() :exec
-- Delete usage older than 400 days.
DELETE FROM ai_usage WHERE day < (now() AT TIME ZONE 'UTC')::date - 400;
