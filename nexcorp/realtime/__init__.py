"""Sockets, rooms, and how a frame gets from a worker to everybody who should see it."""
