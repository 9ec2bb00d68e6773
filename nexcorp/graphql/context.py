"""The context of a GraphQL document: its request or socket, its caller, and its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiohttp import web
from strawberry.dataloader import DataLoader

from nexcorp.graphql.errors import GraphqlTooComplex
from nexcorp.realtime.socket import Socket
from nexcorp.security.access import Access
from nexcorp.security.app_keys import REQUEST_ID, RIGHTS, database
from nexcorp.security.caller import Caller
from nexcorp.security.tokens import Principal

# Most rows of all lists of a document together. Fields are resolved in turn, holding up other requests.
MAX_ROWS = 200
# Returns rows with an `id`: those of `ids` that the viewer may see.
Find = Callable[..., Awaitable[list[Any]]]


class Context:
    """The context of one document. `request`: the HTTP request, or the handshake of `socket`.

    `position`: the subscription's position, as `epoch/seq`; None for other documents.
    """

    def __init__(self, request: web.Request, who: Principal, socket: Socket | None = None) -> None:
        self.request, self.socket = request, socket
        self.rights = request.app[RIGHTS]
        self.caller = Caller(who, self.rights)
        self.position: str | None = None
        self._rows = 0
        # Connections taken since this was last reset.
        self.taken = 0
        # A document uses one connection at a time, however many fields it has.
        self._turn = asyncio.Lock()
        self._loaders: dict[Find, DataLoader[UUID, Any]] = {}

    def move(self, position: str) -> None:
        """Move a subscription to its next event: rows loaded for the previous one may have changed."""
        self.position = position
        self._loaders.clear()

    @property
    def request_id(self) -> str:
        """The id of the request in the logs."""
        return self.request[REQUEST_ID]

    def check(self, access: Access) -> None:
        """Check that the caller has access: raises SessionRequired, PermissionRequired or EmailUnverified."""
        self.rights.check(self.caller.principal, access)

    def take_rows(self, most: int) -> None:
        """Count a list of up to `most` rows; raises GraphqlTooComplex if all lists together are too long."""
        self._rows += most
        if self._rows > MAX_ROWS:
            raise GraphqlTooComplex(message=f"The lists of a GraphQL document have at most {MAX_ROWS} rows.")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection in autocommit, for a single statement; see Database.connection()."""
        self.taken += 1
        async with self._turn, database(self.request).connection() as conn:
            yield conn

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction; its effects are performed after the commit."""
        self.taken += 1
        async with self._turn, database(self.request).transaction() as conn:
            yield conn

    async def load(self, find: Find, wanted: UUID | None) -> Any:
        """Return the row of `find(conn, viewer_id, ids)` for an id, or None.

        `find` is called once for all ids that the fields of a page ask for.
        """
        if wanted is None:
            return None
        loader = self._loaders.get(find)
        if loader is None:

            async def find_all(ids: Sequence[UUID]) -> list[Any]:
                async with self.connection() as conn:
                    rows = await find(conn, viewer_id=self.caller.id, ids=ids)
                found = {row["id"]: row for row in rows}
                return [found.get(one) for one in ids]

            loader = self._loaders[find] = DataLoader(load_fn=find_all)
        return await loader.load(wanted)
