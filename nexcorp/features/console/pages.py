"""The page at every path of the console, its files, and the service worker."""

from __future__ import annotations

import asyncio
import secrets

from aiohttp import web

from nexcorp.config import Config
from nexcorp.db import sql
from nexcorp.domain.demo import DEMO_PASSWORD, DEMO_USERNAMES
from nexcorp.errors import NotFound
from nexcorp.features.console.files import Files, load_files, read_times
from nexcorp.security.app_keys import CONFIG, database
from nexcorp.web.replies import reply, reply_lasting

# CodeMirror adds its styles with the nonce; the cursors of other people set their colour in an attribute.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data: blob:{pictures}; font-src 'self'; "
    "connect-src 'self'{uploads}; worker-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types nexcorp dompurify"
)
PICTURES = "https://res.cloudinary.com"
UPLOADS = "https://api.cloudinary.com"
WORKER_NAME = "sw.js"


def make_policy(config: Config) -> str:
    """Return the page's content security policy, which allows the media service only if it is configured."""
    cloudinary = bool(config.cloudinary_url)
    return POLICY.replace("{pictures}", f" {PICTURES}" if cloudinary else "").replace(
        "{uploads}", f" {UPLOADS}" if cloudinary else ""
    )


def find_files(request: web.Request) -> Files:
    """Return the console's files; in development as they are now, so that a reload shows changes."""
    if request.app[CONFIG].development:
        return load_files(read_times())
    return load_files()


async def redirect(request: web.Request) -> web.Response:
    """Redirect /app to /app/, the service worker's scope and the base of all links."""
    raise web.HTTPFound("/app/")


async def show_page(request: web.Request) -> web.Response:
    """Serve the page; its script chooses the view by the path."""
    files = await asyncio.to_thread(find_files, request)
    body, policy = files.show_page(secrets.token_urlsafe(16), make_policy(request.app[CONFIG]))
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


async def show_file(request: web.Request) -> web.Response:
    """Serve a file; raises NotFound. During a deploy a page may ask a process of another release: it gets
    this process's file, which browsers must not keep."""
    name, version = request.match_info["name"], request.match_info["version"]
    files = await asyncio.to_thread(find_files, request)
    if name not in files.bodies:
        raise NotFound()
    if version == files.version:
        return reply_lasting(request, await asyncio.to_thread(files.pack, name))
    return reply_lasting(request, await asyncio.to_thread(files.pack, name, "no-store"))


async def show_worker(request: web.Request) -> web.Response:
    """Serve the service worker, at the root of its scope and under a name that never changes."""
    files = await asyncio.to_thread(find_files, request)
    return reply_lasting(request, await asyncio.to_thread(files.pack, WORKER_NAME, "no-cache"))


async def show_demo(request: web.Request) -> web.Response:
    """List demo people, whom the sign-in form offers as buttons; raises NotFound outside development."""
    if not request.app[CONFIG].development:
        raise NotFound()
    async with database(request).connection() as conn:
        people = await sql.console.list_demo_people(conn, usernames=list(DEMO_USERNAMES))
    return reply({"data": [{**person, "password": DEMO_PASSWORD} for person in people]})
