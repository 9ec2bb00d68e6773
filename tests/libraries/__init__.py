"""The client libraries for other programs, against the running service."""
