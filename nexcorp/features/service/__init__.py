"""The service itself: probes, metrics, pages and documents."""

from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="service",
    setup="nexcorp.features.service.routes:set_up",
    routes=("nexcorp.features.service.routes:ROUTES",),
    jobs=(
        # Longer than a drain may take, and what a last batch waits for: a connection, locks, statements.
        Job("workers.jobs.deliver:deliver", seconds=60),
        Job("workers.jobs.cleanup:clean_up", cron="7 * * * *"),
    ),
)
