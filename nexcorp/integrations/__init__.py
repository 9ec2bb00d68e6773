"""The outside world: one module for each kind of service that this one calls. No SQL in here."""
