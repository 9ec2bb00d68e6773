"""The expectations of hot.py for webhooks: planning, claiming, reading and showing deliveries."""

from __future__ import annotations

BIG_WEBHOOKS = {"webhooks", "webhook_deliveries", "webhook_attempts"}
HOT_WEBHOOKS: dict[str, set[str]] = {
    "webhooks.count_webhooks": {"webhooks_owner_id_idx"},
    "webhooks.get_delivery": set(),
    "webhooks.get_webhook": set(),
    "webhooks.list_attempts": {"webhook_attempts_pkey"},
    "webhooks.list_deliveries": {"webhook_deliveries_webhook_id_idx"},
    "webhooks.list_failed": {"webhook_deliveries_failed_idx"},
    "webhooks.list_webhooks": {"webhooks_owner_id_idx"},
    "webhooks.lock_webhook": set(),
    "webhooks.redeliver": {"webhooks_pkey"},
    "webhooks.redeliver_failed": {"webhook_deliveries_failed_idx", "webhooks_pkey"},
    "webhooks_sending.claim_lanes": {"webhooks_due_idx", "webhooks_pkey"},
    "webhooks_sending.delete_old_deliveries": {"webhook_deliveries_pkey"},
    "webhooks_sending.lock_lanes": {"webhooks_pkey"},
    "webhooks_sending.plan_deliveries": {
        "webhooks_owner_id_idx",
        "webhooks_project_id_idx",
        "webhooks_all_idx",
        "webhooks_pkey",
    },
    "webhooks_sending.read_lane": {"webhooks_pkey", "webhook_deliveries_due_idx"},
    "webhooks_sending.record_attempts": {"webhook_deliveries_pkey"},
    "webhooks_sending.release_lanes": {"webhooks_pkey", "webhook_deliveries_due_idx"},
}
# Lists that are always short.
UNLIMITED_WEBHOOKS = {"webhooks.list_attempts", "webhooks.list_webhooks"}
