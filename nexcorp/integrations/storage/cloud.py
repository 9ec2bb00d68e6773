"""Files at Cloudinary, through its own package, which knows the signatures; we limit time and memory."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils
import structlog

from nexcorp.config import Config
from nexcorp.errors import AppError, StorageUnavailable
from nexcorp.integrations.storage.contents import Contents
from nexcorp.integrations.storage.images import IMAGES
from nexcorp.integrations.storage.stores import Placed
from nexcorp.integrations.storage.threads import Threads
from nexcorp.integrations.storage.thumbnails import THUMBNAIL_PIXELS

log = structlog.get_logger("nexcorp.storage")

FOLDER = "nexcorp"
# The package reads into memory what it sends, so it sends in parts. Cloudinary wants at least 5 MB.
PART_BYTES = 6_000_000
# A longer silence or call counts as an outage of the store.
SILENCE_SECONDS = 20.0
CALL_SECONDS = 30.0
PUT_SECONDS = 180.0
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP"}
FORMATS |= {"heic": "HEIF", "heif": "HEIF", "avif": "AVIF"}


@dataclass(frozen=True, slots=True)
class Found:
    """Cloudinary's data about a file that the client sent to it."""

    contents: Contents
    placed: Placed


class NotThere(Exception):
    """Cloudinary does not have the file."""


class CloudStore:
    """The Cloudinary account of CLOUDINARY_URL."""

    name = "cloudinary"

    def __init__(self, config: Config) -> None:
        parts = urlsplit(config.cloudinary_url)
        options = dict(parse_qsl(parts.query))
        self.key, self._secret = unquote(parts.username or ""), unquote(parts.password or "")
        # Cloud names are lower case, as hostname makes them.
        self.cloud = parts.hostname or ""
        # Passed with every call, so that nothing depends on the package's global configuration.
        self._account: dict[str, Any] = {
            "cloud_name": self.cloud,
            "api_key": self.key,
            "api_secret": self._secret,
            "upload_prefix": options.get("upload_prefix", "https://api.cloudinary.com").rstrip("/"),
            "signature_algorithm": options.get("signature_algorithm", "sha1"),
            "oauth_token": None,
            "timeout": SILENCE_SECONDS,
        }
        self._keep_metadata = config.keep_metadata
        self._threads = Threads("cloudinary", 4, 32)

    def make_key(self, contents: Contents) -> str:
        """Return a new public id; unless it is an image, with its extension, as Cloudinary requires."""
        name = f"{FOLDER}/{secrets.token_hex(16)}"
        return name if contents.is_image else name + contents.extension

    async def put(self, path: Path, key: str, contents: Contents) -> Placed:
        """Upload the file at a path."""

        def send() -> Any:
            return cloudinary.uploader.upload_large(
                str(path),
                public_id=key,
                resource_type=kind_of(contents.type),
                chunk_size=PART_BYTES,
                filename=key.rpartition("/")[2],
                **self._account,
            )

        try:
            answer = await self._call(send, PUT_SECONDS)
        except NotThere:
            log.error("Cloudinary does not know this account", cloud=self.cloud)
            raise StorageUnavailable() from None
        return self._read_placed(answer, key, contents.is_image)

    def _read_placed(self, answer: Any, key: str, is_image: bool) -> Placed:
        """Return the places in Cloudinary's answer; raises StorageUnavailable if the answer is invalid."""
        url = answer.get("secure_url")
        if answer.get("public_id") != key or not isinstance(url, str) or not url.startswith("https://"):
            log.error("Cloudinary answers something else than asked", key=key)
            raise StorageUnavailable()
        if not is_image:
            return Placed(url)
        thumbnail, _ = cloudinary.utils.cloudinary_url(
            key,
            cloud_name=self.cloud,
            secure=True,
            version=answer.get("version"),
            format="webp",
            transformation={"width": THUMBNAIL_PIXELS, "height": THUMBNAIL_PIXELS, "crop": "limit"},
        )
        return Placed(url, str(thumbnail))

    async def remove(self, key: str, media_type: str) -> None:
        """Delete the file, also from Cloudinary's caches."""

        def destroy() -> Any:
            return cloudinary.uploader.destroy(
                key, resource_type=kind_of(media_type), invalidate=True, **self._account
            )

        try:
            answer = await self._call(destroy)
        except NotThere:
            return
        if answer.get("result") not in ("ok", "not found"):
            log.error("Cloudinary did not delete", key=key, result=str(answer.get("result"))[:100])
            raise StorageUnavailable()

    def sign(self, key: str) -> dict[str, Any]:
        """Return the signed fields that let a browser upload one image under this key, for an hour.

        They allow no other kind of file, and no later replacement of the image.
        """
        folder, _, public_id = key.rpartition("/")
        signed = {
            "allowed_formats": ",".join(FORMATS),
            "folder": folder,
            "overwrite": "false",
            "public_id": public_id,
            "timestamp": str(int(time.time())),
        }
        if not self._keep_metadata:
            # Cloudinary turns the image upright and strips its metadata before it stores it.
            signed["transformation"] = "fl_force_strip"
        signature = cloudinary.utils.api_sign_request(
            signed, self._secret, self._account["signature_algorithm"]
        )
        return {
            "url": f"{self._account['upload_prefix']}/v1_1/{self.cloud}/image/upload",
            "apiKey": self.key,
            "timestamp": int(signed["timestamp"]),
            "folder": folder,
            "publicId": public_id,
            "signature": signature,
            "fields": {**signed, "api_key": self.key, "signature": signature},
        }

    def verify(self, key: str, version: int, signature: str) -> bool:
        """Whether Cloudinary signed this answer to an upload."""
        expected = cloudinary.utils.api_sign_request(
            {"public_id": key, "version": version},
            self._secret,
            self._account["signature_algorithm"],
            signature_version=1,
        )
        return hmac.compare_digest(str(expected).encode(), signature.encode())

    async def find(self, key: str) -> Found | None:
        """Return Cloudinary's data for this key, or None. It counts, rather than the client's."""

        def ask() -> Any:
            return cloudinary.uploader.explicit(key, type="upload", resource_type="image", **self._account)

        try:
            answer = await self._call(ask)
        except NotThere:
            return None
        kind = FORMATS.get(str(answer.get("format")))
        size: list[Any] = [answer.get(name) for name in ("bytes", "width", "height")]
        if kind is None or not all(isinstance(number, int) and number > 0 for number in size):
            log.error("Cloudinary answers something else than asked", key=key)
            raise StorageUnavailable()
        media_type, extension = IMAGES[kind]
        contents = Contents(media_type, extension, *size)
        return Found(contents, self._read_placed(answer, key, True))

    async def _call(self, function: Callable[[], Any], seconds: float = CALL_SECONDS) -> dict[str, Any]:
        """Call the package in a thread; raises NotThere for 404, else StorageUnavailable."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._threads.run(function)
        except cloudinary.exceptions.NotFound:
            raise NotThere() from None
        except TimeoutError:
            log.warning("Cloudinary does not answer")
            raise StorageUnavailable() from None
        except AppError:
            raise
        except Exception as error:
            # The package raises anything for an answer that it does not expect.
            log.warning("Cloudinary failed", error=type(error).__name__)
            raise StorageUnavailable() from None
        if not isinstance(answer, dict):
            raise StorageUnavailable()
        return answer

    def close(self) -> None:
        """Shut the threads down."""
        self._threads.close()


def kind_of(media_type: str) -> str:
    """Return Cloudinary's resource type for an upload."""
    return "image" if media_type.startswith("image/") else "raw"
