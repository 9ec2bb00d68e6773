"""Notifications: what people are told."""
