"""Outside judges: programs of others that look for faults in the running service. `make judges`."""
