"""Verified addresses, forgotten and changed passwords."""
