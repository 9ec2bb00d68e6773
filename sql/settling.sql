-- Settling turns updates into a snapshot, a text and a version. A worker claims a file for a limited time; its writes take
-- effect only while it holds the claim, so that two workers never settle the same updates.

-- name: claim_due(quiet_seconds, busy_seconds, lease_seconds, most) :many
-- Claim text files that were edited, but not within `quiet_seconds`, or whose edits have waited for `busy_seconds`; the longest
-- waiting first.
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
-- The last update of a text file, its snapshot, and the last update that its newest version includes.
SELECT
    f.project_id, d.settled_seq, d.last_seq, d.root, s.seq AS snapshot_seq, s.state,
    coalesce(v.seq, 0) AS version_seq
FROM file_docs AS d
INNER JOIN files AS f ON f.id = d.file_id
LEFT JOIN file_snapshots AS s ON s.file_id = d.file_id
LEFT JOIN file_versions AS v ON v.file_id = f.id AND v.n = f.content_version
WHERE d.file_id = $1;

-- name: list_updates(file_id, after, most, most_bytes) :many
-- Updates after a number, in order: at most `most`, and about `most_bytes` in all, but at least one.
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
-- Settle a text file up to an update: its snapshot replaces the updates, which are kept for `keep_seconds` for nodes that
-- missed them. NULL if the claim is lost.
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
-- Retry a file that cannot be settled now after `seconds`, if the claim still holds.
UPDATE file_docs
SET lease_until = clock_timestamp() + make_interval(secs => $3::double precision)
WHERE file_id = $1 AND lease_until = $2;

-- name: drop_settled(keep_seconds, most) :value
-- Delete settled updates older than `keep_seconds`, which every node has by then; returns the number of rows.
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
