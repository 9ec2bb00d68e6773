"""What runs outside of requests: delivery, and the jobs that can be derived again."""

# How long what a worker does waits for a connection of its pool.
POOL_WAIT_SECONDS = 5.0
