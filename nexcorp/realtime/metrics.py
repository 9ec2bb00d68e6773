"""Prometheus metrics of sockets and rooms."""

from prometheus_client import Counter, Gauge

SOCKETS = Gauge("nexcorp_sockets", "Open WebSockets.", multiprocess_mode="livesum")
FRAMES = Counter("nexcorp_frames_sent_total", "Frames written to sockets.")
RECOVERED = Counter("nexcorp_frames_recovered_total", "Frames read from PostgreSQL because Redis lost them.")
PUBLISHED = Counter("nexcorp_bus_messages_total", "Messages between nodes.", ["direction"])
