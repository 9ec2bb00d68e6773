"""Clients of outside services, without any SQL."""
