"""The worker process: delivery, and jobs whose work is stored in PostgreSQL."""

# How long the worker waits for a connection of its pool.
POOL_WAIT_SECONDS = 5.0
