"""Likes and interests of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, EMMY, FLORENCE, GRACE, LINUS, MARIE, NIKOLA
from nexcorp.features.reactions.service import add_interest, like_post
from nexcorp.manifest import Demo

LIKES = {
    "welcome": (GRACE, LINUS, MARIE, DOROTHY, FLORENCE, EMMY),
    "compiler": (ADA, EDSGER, BARBARA),
    "coffee": (EDSGER, GRACE),
    "offsite": (ADA, GRACE, DOROTHY, NIKOLA, EMMY, LINUS),
    "reading": (BARBARA, EMMY),
    "walk": (ADA, MARIE, LINUS, FLORENCE),
    "builds": (ADA, GRACE, EDSGER),
    "lamps": (DOROTHY,),
}
INTERESTS = {"compiler": (EDSGER, BARBARA), "reading": (BARBARA, EDSGER, EMMY)}


async def like_demo_posts(conn: Any, demo: Demo) -> None:
    """Add a few likes to most posts, and interested people to two projects."""
    for act, chosen in ((like_post, LIKES), (add_interest, INTERESTS)):
        for post, people in chosen.items():
            for person in people:
                await act(conn, demo.posts[post], demo.people[person])
