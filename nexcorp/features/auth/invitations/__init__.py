"""Invitations to register, and who may register at all."""
