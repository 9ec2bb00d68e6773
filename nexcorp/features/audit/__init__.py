"""The audit trail: what happened, for those who may see it."""
