"""Uploads: files that people put on their posts."""
