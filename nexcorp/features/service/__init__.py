"""Health, readiness, metrics and the documents."""
