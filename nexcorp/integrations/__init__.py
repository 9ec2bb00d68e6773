"""The outside world: services of others, without any SQL."""
