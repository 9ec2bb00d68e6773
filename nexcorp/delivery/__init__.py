"""Events: recording them, choosing their receivers, and delivering them after the transaction."""

from nexcorp.delivery.outbox import describe_context, emit, emit_all, record_all

__all__ = ["describe_context", "emit", "emit_all", "record_all"]
