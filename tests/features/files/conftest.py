"""The fixtures of collaborative editing, so that tests of files can open them in editors."""

from tests.collab.conftest import open_file, other_node, own_open_file, shared_open_file

__all__ = ["open_file", "other_node", "own_open_file", "shared_open_file"]
