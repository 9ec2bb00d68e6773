"""The application's key for its stores of files."""

from aiohttp import web

from nexcorp.domain.attachments import Storage

STORAGE = web.AppKey("storage", Storage)
