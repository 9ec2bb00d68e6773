"""External judges: third-party programs that look for faults in the running service. `make judges`."""
