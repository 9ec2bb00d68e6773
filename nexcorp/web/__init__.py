"""HTTP: routing, bodies, answers, pages, transactions with Idempotency-Key, and what is kept for all."""
