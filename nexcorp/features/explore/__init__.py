"""Explore: the posts with the most recent engagement."""

from nexcorp.manifest import Feature

FEATURE = Feature(name="explore", routes=("nexcorp.features.explore.routes:ROUTES",))
