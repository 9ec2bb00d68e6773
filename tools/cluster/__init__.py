"""A cluster on loopback, to look at and to hurt: `make cluster`. Each part has a file of its own."""
