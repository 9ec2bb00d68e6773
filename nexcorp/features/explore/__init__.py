"""Explore: what finds most attention."""

from nexcorp.manifest import Feature

FEATURE = Feature(name="explore", routes=("nexcorp.features.explore.routes:ROUTES",))
