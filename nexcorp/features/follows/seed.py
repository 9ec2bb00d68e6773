"""Who follows whom in the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.features.follows.service import follow_user
from nexcorp.manifest import Demo


async def follow_demo_people(conn: Any, demo: Demo) -> None:
    """Two follow the first person, who follows the second; so does the third."""
    for follower, followed in ((1, 0), (2, 0), (0, 1), (2, 1)):
        await follow_user(conn, demo.people[follower], demo.people[followed])
