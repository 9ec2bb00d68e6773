"""Perform effects after a commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nexcorp.delivery.effects import Effect, Forget, Revoke
from nexcorp.delivery.wake import Waker
from nexcorp.security.revocations import Revocations
from nexcorp.web.cache import Cache


def make_performer(
    waker: Waker,
    cache: Cache,
    revocations: Revocations | None,
    *,
    keeps_lists: bool,
    others: Mapping[type, Callable[[Any], None]],
) -> Callable[[Effect], Awaitable[None] | None]:
    """Return the function for Database.perform. Only Forget is awaited, so that the caller reads its own
    change.

    `keeps_lists`: whether CACHE is on. `others`: functions that perform effects of the layers above, by
    class. `revocations`: None in a worker, where nobody is signed in.
    """

    def perform(effect: Effect) -> Awaitable[None] | None:
        other = others.get(type(effect))
        if other is not None:
            other(effect)
            return None
        if isinstance(effect, Forget):
            if effect.of_lists and not keeps_lists:
                return None
            return cache.forget(effect.group, *effect.also)
        if isinstance(effect, Revoke):
            if revocations is not None:
                revocations.announce(
                    effect.sessions,
                    roles=effect.roles,
                    rights=effect.rights,
                    projects=effect.projects,
                    hidden=effect.hidden,
                )
        else:
            waker.perform(effect)
        return None

    return perform
