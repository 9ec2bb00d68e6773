"""HTTP: routing, bodies, answers, pages, transactions with Idempotency-Key, and the shared cache."""
