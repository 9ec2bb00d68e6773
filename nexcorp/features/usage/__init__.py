"""How much the service is used, by day, for its admins: counted in PostgreSQL, told to nobody else."""

from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="usage",
    routes=("nexcorp.features.usage.routes:ROUTES",),
    # The first run counts three months.
    jobs=(Job("workers.jobs.usage:count_usage", cron="*/10 * * * *", seconds=300),),
)
