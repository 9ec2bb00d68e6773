"""The typed keys under which the application carries its parts, and short ways to them."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from nexcorp.config import Config
from nexcorp.context import RequestContext
from nexcorp.db import Database
from nexcorp.security.access import Rights
from nexcorp.security.api_keys import ApiKeys
from nexcorp.security.caller import Caller
from nexcorp.security.revocations import Revocations
from nexcorp.security.secrets import Secrets
from nexcorp.security.tokens import Principal, Tokens

CONFIG = web.AppKey("config", Config)
DATABASE = web.AppKey("database", Database)
SECRETS = web.AppKey("secrets", Secrets)
TOKENS = web.AppKey("tokens", Tokens)
API_KEYS = web.AppKey("api_keys", ApiKeys)
RIGHTS = web.AppKey("rights", Rights)
REVOCATIONS = web.AppKey("revocations", Revocations)

REQUEST_ID = web.RequestKey("request_id", str)
CALLER = web.RequestKey("caller", Caller)
CONTEXT = web.RequestKey("context", RequestContext)
# What a request reads from in place of the primary; see nexcorp.web.reading.
READING = web.RequestKey("reading", Database)


def database(request: web.Request) -> Database:
    """The database of the application that serves `request`, or the replica that it may be read from."""
    return request.get(READING) or request.app[DATABASE]


def stay_on_primary(request: web.Request) -> None:
    """Read the rest of a request on the primary: what is kept for long must not be old to begin with."""
    request.pop(READING, None)


def caller(request: web.Request) -> Caller:
    """Who is signed in and what they may do, for services; only for routes that ask for it."""
    return request[CALLER]


def find_caller(request: web.Request) -> Caller | None:
    """The same where nobody needs to be signed in; None for nobody."""
    return request.get(CALLER)


def principal(request: web.Request) -> Principal:
    """Who is signed in; only for routes that ask for it."""
    return request[CALLER].principal


def user_id(request: web.Request) -> UUID:
    """The id of who is signed in; only for routes that ask for it."""
    return request[CALLER].id
