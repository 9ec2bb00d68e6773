"""Usage of the service by day, for its admins: counted in PostgreSQL, and sent nowhere else."""

from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="usage",
    routes=("nexcorp.features.usage.routes:ROUTES",),
    # The first run counts three months.
    jobs=(Job("workers.jobs.usage:count_usage", cron="*/10 * * * *", seconds=300),),
)
