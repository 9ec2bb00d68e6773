"""What happens, who hears of it, and how it gets from a transaction to them."""

from nexcorp.delivery.outbox import emit

__all__ = ["emit"]
