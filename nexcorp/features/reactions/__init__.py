"""Likes and interest in projects."""
