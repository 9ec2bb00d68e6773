"""What runs outside of requests: delivery, and the jobs that can be derived again."""
