"""What happens, who hears of it, and how it gets from a transaction to them."""

from nexcorp.delivery.outbox import describe_context, emit, emit_all, record_all

__all__ = ["describe_context", "emit", "emit_all", "record_all"]
