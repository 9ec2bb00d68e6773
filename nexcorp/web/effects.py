"""How a process performs what follows a commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nexcorp.delivery.effects import Effect, Forget, Revoke
from nexcorp.delivery.wake import Waker
from nexcorp.security.revocations import Revocations
from nexcorp.web.cache import Cache


def make_performer(
    waker: Waker, cache: Cache, revocations: Revocations | None, *, keeps_lists: bool
) -> Callable[[Effect], Awaitable[None] | None]:
    """What Database.perform is set to; only Forget is waited for, so that who changed it reads it anew.

    `revocations`: None in a worker, where nobody is signed in. `keeps_lists`: whether CACHE is on.
    """

    def perform(effect: Effect) -> Awaitable[None] | None:
        if isinstance(effect, Forget):
            if effect.of_lists and not keeps_lists:
                return None
            return cache.forget(effect.group, *effect.also)
        if isinstance(effect, Revoke):
            if revocations is not None:
                revocations.announce(effect.sessions, roles=effect.roles, rights=effect.rights)
        else:
            waker.perform(effect)
        return None

    return perform
