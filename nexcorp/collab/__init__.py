"""Collaborative editing: documents, their log of updates, saved versions, and the editors' sockets."""
