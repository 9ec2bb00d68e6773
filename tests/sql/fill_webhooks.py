"""Webhooks of the filled company, and 300,000 deliveries, a third of them of one webhook."""

from __future__ import annotations

WEBHOOKS: dict[str, str] = {
    "webhooks": """
INSERT INTO webhooks (id, owner_id, scope, project_id, url, secret, failures, last_ok_at, due_at)
SELECT
    nth(1, n), nth(1, 1 + n % 10000), k.scope, CASE k.scope WHEN 'project' THEN nth(7, 1 + n % 1000) END,
    'https://hooks.example.com/' || n, '', CASE WHEN n % 40 = 0 THEN 7 ELSE 0 END, now(),
    CASE WHEN n % 20 = 0 THEN now() - n * interval '1 second' END
FROM generate_series(1, 20000) AS n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n % 100 = 3 THEN 'all' WHEN n % 10 = 1 THEN 'project' ELSE 'own' END AS scope
) AS k
""",
    # One in a hundred is pending, one in five hundred has failed.
    "webhook_deliveries": """
INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_at, type, status, attempts, next_at)
SELECT
    nth(2, n), nth(1, CASE WHEN n <= 100000 THEN 1 ELSE 1 + n % 20000 END), nth(5, n), now(), 'post.created',
    CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 500 = 1 THEN 'failed' ELSE 'delivered' END, 1,
    now() - n * interval '1 second'
FROM generate_series(1, 300000) AS n
""",
    "webhook_attempts": """
INSERT INTO webhook_attempts (delivery_id, n, status, ms)
SELECT nth(2, n), 1, 204, 12 FROM generate_series(1, 300000) AS n
""",
}
