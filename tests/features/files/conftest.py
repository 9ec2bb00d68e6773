"""Tests of files open them in editors, as those of editing together do."""

from tests.collab.conftest import open_file, other_node, own_open_file, shared_open_file

__all__ = ["open_file", "other_node", "own_open_file", "shared_open_file"]
