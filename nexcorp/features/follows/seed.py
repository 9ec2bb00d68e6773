"""Follows of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, EMMY, FLORENCE, GRACE, LINUS, MARIE, NIKOLA
from nexcorp.features.follows.service import follow_user
from nexcorp.manifest import Demo

FOLLOWED = {
    GRACE: (ADA, BARBARA, EDSGER, FLORENCE),
    LINUS: (ADA, GRACE, MARIE, EMMY),
    ADA: (GRACE, BARBARA, EMMY, NIKOLA, FLORENCE),
    MARIE: (LINUS, EMMY),
    DOROTHY: (ADA, GRACE, NIKOLA),
    EDSGER: (ADA, GRACE, BARBARA),
    BARBARA: (ADA, GRACE, EDSGER, EMMY),
    EMMY: (ADA, MARIE, LINUS),
    NIKOLA: (DOROTHY, FLORENCE),
    FLORENCE: (ADA, GRACE, DOROTHY, NIKOLA),
}


async def follow_demo_people(conn: Any, demo: Demo) -> None:
    """Insert follows between colleagues; most follow the first person, who has people left to follow."""
    for follower, followed in FOLLOWED.items():
        for person in followed:
            await follow_user(conn, demo.people[follower], demo.people[person])
