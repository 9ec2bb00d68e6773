"""The console: the product in a browser, at /app/. Static files only; what they show comes from the API."""

from nexcorp.manifest import Feature

FEATURE = Feature(name="console", routes=("nexcorp.features.console.routes:ROUTES",))
