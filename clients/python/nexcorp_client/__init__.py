"""A client of NexCorp Connect: `Client` for REST, `Live` for its rooms, `ApiError` for every failure.

`nexcorp_client.shapes` has the types of the API's answers.
"""

from nexcorp_client.client import Client
from nexcorp_client.errors import ApiError
from nexcorp_client.live import Frame, Live
from nexcorp_client.places import Place

__all__ = ["ApiError", "Client", "Frame", "Live", "Place"]
