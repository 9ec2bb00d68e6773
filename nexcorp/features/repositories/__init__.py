"""Linked repositories: the branches and commits of the git repository that a project is linked to."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.repositories.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.repositories.schemas import Repository
from nexcorp.manifest import Feature

FEATURE = Feature(
    name="repositories",
    routes=(
        "nexcorp.features.repositories.routes:ROUTES",
        "nexcorp.features.repositories.commits:ROUTES",
        "nexcorp.features.repositories.hooks:ROUTES",
    ),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={
        "repository": Kind(sql.repositories.render_repositories, Repository, deleted="repository:deleted")
    },
    frames=FRAMES,
)
