"""The feed: what the people whom a person follows publish."""

from nexcorp.manifest import Feature

FEATURE = Feature(name="feed", routes=("nexcorp.features.feed.routes:ROUTES",))
