"""The audit trail: what happened, when, and who did it."""
