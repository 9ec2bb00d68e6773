"""Conversations of the filled company: 200,000 messages in 20,000 conversations."""

from __future__ import annotations

# The first has 5,000 people and half of the messages; the others have two, and fifty people are in 400 each.
MESSAGING: dict[str, str] = {
    "conversations": """
INSERT INTO conversations (id, kind, title, low_id, high_id, last_n, member_count)
SELECT nth(0, 1), 'group', 'everybody', NULL, NULL, 100000, 5000
UNION ALL
SELECT nth(0, n), 'direct', NULL, nth(1, 1 + n % 50), nth(1, 51 + n / 50), 5, 2
FROM generate_series(2, 20001) AS n
""",
    "conversation_members": """
INSERT INTO conversation_members (conversation_id, user_id, read_n)
SELECT nth(0, 1), nth(1, n), 100000 - n * 17 FROM generate_series(1, 5000) AS n
UNION ALL
SELECT nth(0, n), nth(1, 1 + n % 50), n % 6 FROM generate_series(2, 20001) AS n
UNION ALL
SELECT nth(0, n), nth(1, 51 + n / 50), 5 FROM generate_series(2, 20001) AS n
""",
    "messages": """
INSERT INTO messages (id, conversation_id, n, author_id, body, words, created_at, deleted_at)
SELECT
    nth(0, m.n), m.place, m.number, nth(1, m.author), CASE WHEN m.n % 50 <> 7 THEN 'message ' || m.n END,
    CASE WHEN m.n % 50 <> 7 THEN ('message:1B n' || m.n || ':2B')::tsvector END,
    now() - m.n * interval '1 minute', CASE WHEN m.n % 50 = 7 THEN now() END
FROM (
    SELECT n, nth(0, 1) AS place, n AS number, 1 + n % 5000 AS author FROM generate_series(1, 100000) AS n
    UNION ALL
    SELECT 100000 + n, nth(0, 2 + (n - 1) / 5), 1 + (n - 1) % 5, 1 + (2 + (n - 1) / 5) % 50
    FROM generate_series(1, 100000) AS n
) AS m
""",
    "message_reactions": """
INSERT INTO message_reactions (message_id, user_id, emoji)
SELECT nth(0, n * 2), nth(1, 1 + n % 5000), '*' FROM generate_series(1, 50000) AS n
""",
    "blocks": """
INSERT INTO blocks (user_id, blocked_id)
SELECT nth(1, n), nth(1, n + 1) FROM generate_series(1, 10000) AS n
""",
}
