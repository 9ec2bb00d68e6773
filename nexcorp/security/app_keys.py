"""Typed keys of the application and of requests, and short accessors for them."""

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
# The pool from which a request reads instead of the primary; see nexcorp.web.reading.
READING = web.RequestKey("reading", Database)


def database(request: web.Request) -> Database:
    """Return the database of the application, or the replica from which this request may read."""
    return request.get(READING) or request.app[DATABASE]


def stay_on_primary(request: web.Request) -> None:
    """Read the rest of a request on the primary: an answer that is cached must not begin outdated."""
    request.pop(READING, None)


def caller(request: web.Request) -> Caller:
    """Return the caller, for services; only for routes that require one."""
    return request[CALLER]


def find_caller(request: web.Request) -> Caller | None:
    """Return the caller on routes that require none; None for an anonymous request."""
    return request.get(CALLER)


def principal(request: web.Request) -> Principal:
    """Return the caller's principal; only for routes that require a caller."""
    return request[CALLER].principal


def user_id(request: web.Request) -> UUID:
    """Return the caller's id; only for routes that require a caller."""
    return request[CALLER].id
