"""Prometheus metrics of the worker process."""

from prometheus_client import Counter, Histogram

DELIVERED = Counter("nexcorp_outbox_delivered_total", "Outbox rows delivered.")
FAILED = Counter("nexcorp_outbox_failed_total", "Deliveries of an outbox row that failed.")
NOTIFIED = Counter("nexcorp_notifications_persisted_total", "Notifications written.")
BATCH_SECONDS = Histogram("nexcorp_outbox_batch_seconds", "Time to deliver one batch of the outbox.")
JOBS = Counter("nexcorp_jobs_total", "Runs of jobs by how they ended.", ["job", "result"])
MAILS = Counter("nexcorp_mails_total", "Mails by what became of the attempt.", ["result"])
DELIVERIES = Counter(
    "nexcorp_deliveries_total",
    "Notifications due on a channel by what became of them, or why they were left out.",
    ["channel", "result"],
)
SETTLED = Counter("nexcorp_texts_settled_total", "Edited texts by what became of settling them.", ["result"])
SETTLE_SECONDS = Histogram("nexcorp_text_settle_seconds", "Time to settle one text.")
WEBHOOKS = Counter(
    "nexcorp_webhook_attempts_total", "Attempts to deliver to webhooks, by outcome.", ["outcome"]
)
SYNCS = Counter(
    "nexcorp_repository_syncs_total",
    "Linked repositories asked, by what became of it: synced, unchanged, lost, or why it failed.",
    ["result"],
)
SYNC_SECONDS = Histogram("nexcorp_repository_sync_seconds", "Time to ask and sync one linked repository.")
ANSWERS = Counter(
    "nexcorp_answers_total", "Attempts at answers of a language model by how they ended.", ["result"]
)
FIRST_WORD_SECONDS = Histogram("nexcorp_answer_first_word_seconds", "Time to the first word of an answer.")


def count_work() -> dict[str, float]:
    """Return this worker's work since it started: notifications written, outbox rows delivered."""
    return {"notified": read_counter(NOTIFIED), "delivered": read_counter(DELIVERED)}


def read_counter(counter: Counter) -> float:
    """Return the value of a counter without labels."""
    return next(iter(counter.collect())).samples[0].value
