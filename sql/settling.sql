-- Settling: what was typed becomes a snapshot, a text and a version. A worker claims a file for some time; what it writes
-- counts only while its claim holds, so two never settle the same updates.

-- name: claim_due(quiet_seconds, busy_seconds, lease_seconds, most) :many
-- Texts that were edited, but not in the last seconds, or for long without a rest; those waiting longest first.
WITH due AS (
    SELECT file_id
    FROM file_docs
    WHERE
        dirty_since IS NOT NULL
        AND lease_until < now()
        AND (
            edited_at <= now() - make_interval(secs => $1::double precision)
            OR dirty_since <= now() - make_interval(secs => $2::double precision)
        )
    ORDER BY dirty_since
    LIMIT $4
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE file_docs
SET lease_until = clock_timestamp() + make_interval(secs => $3::double precision)
FROM due
WHERE file_docs.file_id = due.file_id
RETURNING file_docs.file_id, file_docs.lease_until;

-- name: get_doc(file_id) :one
-- How far a text has come, its snapshot, and up to which update its newest version goes.
SELECT
    f.project_id, d.settled_seq, d.last_seq, d.root, s.seq AS snapshot_seq, s.state,
    coalesce(v.seq, 0) AS version_seq
FROM file_docs AS d
INNER JOIN files AS f ON f.id = d.file_id
LEFT JOIN file_snapshots AS s ON s.file_id = d.file_id
LEFT JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
WHERE d.file_id = $1;

-- name: list_updates(file_id, after, most, most_bytes) :many
-- Updates behind one, in their order: as many as asked for, and of about so many bytes, but at least one.
SELECT u.seq, u.author_id, u.update
FROM (
    SELECT
        seq, author_id, update,
        sum(octet_length(update)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - octet_length(update) AS bytes_before
    FROM file_updates
    WHERE file_id = $1 AND seq > $2
    ORDER BY seq
    LIMIT $3
) AS u
WHERE u.bytes_before < $4::bigint
ORDER BY u.seq;

-- name: settle_doc(file_id, lease_until, seq, state, keep_seconds) :value
-- A text is settled up to an update: its snapshot takes the place of the updates, which stay a little longer for nodes that
-- missed them. NULL where the claim does not hold any more.
WITH settled AS (
    UPDATE file_docs
    SET
        settled_seq = $3,
        lease_until = '-infinity',
        dirty_since = CASE
            WHEN last_seq > $3
                THEN coalesce(
                    (SELECT u.created_at FROM file_updates AS u WHERE u.file_id = $1 AND u.seq = $3 + 1), now()
                )
        END
    WHERE file_id = $1 AND lease_until = $2 AND settled_seq <= $3
    RETURNING file_id
),
kept AS (
    INSERT INTO file_snapshots (file_id, seq, state)
    SELECT file_id, $3, $4 FROM settled
    ON CONFLICT (file_id) DO UPDATE SET seq = excluded.seq, state = excluded.state
),
dropped AS (
    DELETE FROM file_updates
    WHERE
        file_id = (SELECT file_id FROM settled)
        AND seq <= $3
        AND created_at < now() - make_interval(secs => $5::double precision)
)
SELECT true FROM settled;

-- name: put_off(file_id, lease_until, seconds) :exec
-- A text that cannot be settled now is tried again later, if the claim still holds.
UPDATE file_docs
SET lease_until = clock_timestamp() + make_interval(secs => $3::double precision)
WHERE file_id = $1 AND lease_until = $2;

-- name: drop_settled(keep_seconds, most) :value
-- Updates that are settled and that no node can miss any more; returns how many.
WITH old AS (
    SELECT u.file_id, u.seq
    FROM file_updates AS u
    INNER JOIN file_docs AS d ON d.file_id = u.file_id AND u.seq <= d.settled_seq
    WHERE u.created_at < now() - make_interval(secs => $1::double precision)
    LIMIT $2
    FOR UPDATE OF u SKIP LOCKED
),
gone AS (
    DELETE FROM file_updates AS u USING old AS o WHERE u.file_id = o.file_id AND u.seq = o.seq RETURNING 1
)
SELECT count(*) FROM gone;
