"""A feature's addition to the schema: a `Part`, in the feature's folder, and the fields it is made of.

A part's resolvers are front doors like handlers: they open the transaction and call the feature's service.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias

import strawberry
from asyncpg import DeadlockDetectedError
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from nexcorp.graphql.context import Context
from nexcorp.security.access import Access
from nexcorp.web.transactions import GIVE_WAY_SECONDS

ROOTS = ("Query", "Mutation", "Subscription")
# The key of a root field's Access in its metadata.
ACCESS = "access"

Info: TypeAlias = strawberry.Info[Context, None]


@dataclass(frozen=True, slots=True)
class Part:
    """The addition of one feature, named in its manifest by `graphql`.

    `fields`: name of an object type -> the fields added to it, made by root() and member(). The type is one
    of ROOTS, or any that a feature shows.
    """

    fields: Mapping[str, Sequence[StrawberryField]]


class Guard(FieldExtension):
    """Checks the caller's access before a field is resolved."""

    def __init__(self, access: Access) -> None:
        self.access = access

    async def resolve_async(self, next_: Any, source: Any, info: Info, **values: Any) -> Any:
        """Resolve a field; called by strawberry. For a subscription, the resolver returns a generator at
        once.

        As nexcorp.web.transactions.persist(), repeat a field whose only connection a deadlock ended.
        """
        context = info.context
        context.check(self.access)
        context.taken = 0
        try:
            found = next_(source, info, **values)
            return await found if isawaitable(found) else found
        except DeadlockDetectedError:
            if context.taken > 1:
                raise
            await asyncio.sleep(GIVE_WAY_SECONDS)
            return await next_(source, info, **values)


def root(
    shows: Any, access: Access, *, subscription: bool = False
) -> Callable[[Callable[..., Any]], StrawberryField]:
    """Make a field of Query, Mutation or Subscription from a resolver, for callers with `access`.

    `shows`: the type of its value, see nexcorp.graphql.shapes. The field has the resolver's name and
    docstring.
    """

    def make(resolver: Callable[..., Any]) -> StrawberryField:
        made: StrawberryField = strawberry.field(
            resolver=resolver,
            graphql_type=shows,
            description=f"{inspect.getdoc(resolver)}\n\n{access.describe()}",
            is_subscription=subscription,
            metadata={ACCESS: access},
            extensions=[Guard(access)],
        )
        return made

    return make


def member(shows: Any) -> Callable[[Callable[..., Any]], StrawberryField]:
    """Make a field of an object type from a resolver, whose parameter `root` is the object."""

    def make(resolver: Callable[..., Any]) -> StrawberryField:
        made: StrawberryField = strawberry.field(
            resolver=resolver, graphql_type=shows, description=inspect.getdoc(resolver)
        )
        return made

    return make
