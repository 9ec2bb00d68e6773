"""A cluster on loopback, to try out and to break: `make cluster`. Each part has its own file."""
