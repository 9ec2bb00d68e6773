"""What can go wrong with notifications."""

from __future__ import annotations

from nexcorp.errors import NotificationNotFound as NotificationNotFound
