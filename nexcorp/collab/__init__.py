"""Editing together: documents, their log, what is saved of them, and the sockets of their editors."""
