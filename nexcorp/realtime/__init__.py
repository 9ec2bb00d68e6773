"""Sockets, rooms, and the way of a frame from a worker to the clients in its room."""
