"""The clients of other programs, against the running service."""
