"""The console: the product in a browser, at /app/. Static files only; their data comes from the API."""

from nexcorp.manifest import Feature

FEATURE = Feature(name="console", routes=("nexcorp.features.console.routes:ROUTES",))
