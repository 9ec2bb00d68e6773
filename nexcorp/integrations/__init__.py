"""The outside world: what the service talks to besides its own database and Redis. No SQL in here."""
