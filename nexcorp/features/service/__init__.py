"""The service itself: probes, metrics, pages and API documents."""

from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="service",
    setup="nexcorp.features.service.routes:set_up",
    routes=("nexcorp.features.service.routes:ROUTES",),
    jobs=(
        # 60 s exceeds a drain with the waits of its last batch: for a connection, locks and statements.
        Job("workers.jobs.deliver:deliver", seconds=60),
        Job("workers.jobs.cleanup:clean_up", cron="7 * * * *"),
    ),
)
