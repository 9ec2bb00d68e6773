"""A Cloudinary on loopback: it checks signatures as Cloudinary does, and fails on request."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from PIL import Image

CLOUD, KEY, SECRET = "demo", "1234567890", "cloud-secret"
UNSIGNED = {"file", "api_key", "signature", "resource_type", "cloud_name"}
RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")


def sign(values: dict[str, str]) -> str:
    """Return the signature of a request: SHA-1 of its sorted parameters and the secret, with & escaped."""
    pairs = (f"{name}={value}".replace("&", "%26") for name, value in sorted(values.items()) if value)
    return hashlib.sha1(("&".join(pairs) + SECRET).encode()).hexdigest()  # noqa: S324


def sign_answer(public_id: str, version: int) -> str:
    """Return the signature of an answer of Cloudinary."""
    text = f"public_id={public_id}&version={version}{SECRET}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324


def look(content: bytes) -> tuple[str, int, int]:
    """Return format, width and height of an image of any size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content)) as image:
            return str(image.format).lower().replace("jpeg", "jpg"), image.width, image.height


@dataclass
class Cloudinary:
    """The stored files, the calls, and the behaviour.

    `mode`: ok, late, fail, vague, garbage, list, stall or lie.
    """

    mode: str = "ok"
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytearray] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    largest_part: int = 0
    version: int = 1_700_000_000

    @property
    def setting(self) -> str:
        """The value of CLOUDINARY_URL."""
        return f"cloudinary://{KEY}:{SECRET}@{CLOUD}?upload_prefix={self.url}"

    def describe(self, public_id: str, kind: str) -> dict[str, Any]:
        """Return Cloudinary's description of one of its files."""
        content = self.files[public_id]
        found: dict[str, Any] = {"public_id": public_id, "version": self.version, "bytes": len(content)}
        ending = ""
        if kind == "image":
            form, width, height = look(content)
            found |= {"format": form, "width": width, "height": height}
            ending = f".{form}"
        found["signature"] = sign_answer(public_id, self.version)
        found["secure_url"] = (
            f"https://res.cloudinary.com/{CLOUD}/{kind}/upload/v{self.version}/{public_id}{ending}"
        )
        if self.mode == "lie":
            found["public_id"] = "nexcorp/another"
        return found

    async def handle(self, request: web.Request) -> web.Response:
        """Answer POST /v1_1/{cloud}/{kind}/{action}."""
        kind, action = request.match_info["kind"], request.match_info["action"]
        self.calls.append((kind, action))
        if self.mode == "stall":
            await asyncio.sleep(30)
        form = await request.post()
        if self.mode == "late":
            await asyncio.sleep(1)
        if self.mode == "fail":
            return web.json_response({"error": {"message": "Down for maintenance"}}, status=500)
        if self.mode == "vague":
            return web.json_response({"error": {}}, status=500)
        if self.mode == "garbage":
            return web.Response(text="<html>gateway time-out", content_type="text/html")
        if self.mode == "list":
            return web.json_response([])
        values = {name: str(value) for name, value in form.items() if name not in UNSIGNED}
        if form.get("api_key") != KEY or request.match_info["cloud"] != CLOUD:
            return web.json_response({"error": {"message": "Unknown API key"}}, status=401)
        if form.get("signature") != sign(values):
            return web.json_response({"error": {"message": "Invalid Signature"}}, status=401)
        public_id = "/".join(filter(None, (values.get("folder"), values["public_id"])))
        if action == "destroy":
            gone = self.files.pop(public_id, None) is not None
            return web.json_response({"result": "ok" if gone else "not found"})
        if action == "explicit":
            if public_id not in self.files:
                return web.json_response({"error": {"message": "Resource not found"}}, status=404)
            return web.json_response(self.describe(public_id, kind))
        return self.take(request, form["file"].file.read(), public_id, kind, values)  # type: ignore[union-attr]

    def take(
        self, request: web.Request, content: bytes, public_id: str, kind: str, values: dict[str, str]
    ) -> web.Response:
        """Store an upload, or one part of it."""
        self.largest_part = max(self.largest_part, len(content))
        announced = RANGE.match(request.headers.get("Content-Range", ""))
        if announced:
            first, last, whole = (int(number) for number in announced.groups())
            gathered = self.parts.setdefault(request.headers["X-Unique-Upload-Id"], bytearray())
            assert len(gathered) == first and len(content) == last - first + 1
            gathered += content
            if len(gathered) < whole:
                assert len(content) >= 5_000_000, "a part is too small"
                return web.json_response({"done": False, "public_id": public_id})
            content = bytes(gathered)
        if values.get("overwrite") == "false" and public_id in self.files:
            return web.json_response({**self.describe(public_id, kind), "existing": True})
        if kind == "image":
            form = look(content)[0]
            if form not in values.get("allowed_formats", form).split(","):
                return web.json_response({"error": {"message": "Format not allowed"}}, status=400)
        self.files[public_id] = content
        return web.json_response(self.describe(public_id, kind))


async def start_cloudinary() -> tuple[web.AppRunner, Cloudinary]:
    """Start the server on a free port; return its runner and itself."""
    server = Cloudinary()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1_1/{cloud}/{kind}/{action}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner, server
