"""Prometheus metrics of editing together."""

from prometheus_client import Counter, Gauge, Histogram

EDITORS = Gauge("nexcorp_collab_sockets", "Sockets that have a file open.", multiprocess_mode="livesum")
FILES = Gauge("nexcorp_collab_files", "Files open on a node, summed up.", multiprocess_mode="livesum")
DOCUMENTS = Gauge("nexcorp_collab_documents", "Documents in memory.", multiprocess_mode="livesum")
WAITING = Gauge(
    "nexcorp_collab_waiting_bytes", "Bytes of updates that are not stored yet.", multiprocess_mode="livesum"
)
STORED = Counter("nexcorp_collab_updates_total", "Updates of editors that were stored.")
STORE_SECONDS = Histogram(
    "nexcorp_collab_store_seconds",
    "Time of one statement that stores updates.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15),
)
RECOVERED = Counter("nexcorp_collab_recovered_total", "Updates read from PostgreSQL because Redis lost them.")
REFUSED = Counter("nexcorp_collab_refused_total", "Sockets that were ended, by the code.", ["code"])
ECHOES = Counter("nexcorp_collab_echoes_total", "Messages of awareness that repeat what others said.")
