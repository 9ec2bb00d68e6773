"""The service itself: probes, metrics, pages and documents."""

from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="service",
    setup="nexcorp.features.service.routes:set_up",
    routes=("nexcorp.features.service.routes:ROUTES",),
    jobs=(
        Job("workers.jobs.deliver:deliver", seconds=30),
        Job("workers.jobs.cleanup:clean_up", cron="7 * * * *"),
    ),
)
