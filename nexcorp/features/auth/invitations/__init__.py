"""Invitations to register, and the check who may register."""
