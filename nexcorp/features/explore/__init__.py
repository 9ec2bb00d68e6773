"""Explore: what finds most attention."""
