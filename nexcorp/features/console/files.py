"""The console's files: read once, compressed once, and named by a version that changes with any of them."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from nexcorp.web.replies import Lasting, make_lasting

STATIC = Path(__file__).parent / "static"
PAGE_NAME = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
FOREVER = "public, max-age=31536000, immutable"


class Files:
    """A snapshot of all files below a folder that browsers load.

    `version` is a hash of all files. The page's URLs hold it, so that browsers may keep each file for ever.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file())
        self.bodies = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        whole = hashlib.blake2b(digest_size=8)
        for name, body in self.bodies.items():
            whole.update(b"%s\0%d\0%s" % (name.encode(), len(body), body))
        self.version = whole.hexdigest()
        self.page = self.bodies.pop(PAGE_NAME).decode().replace("{version}", self.version)
        # Compressing all of them takes 0.2 s: each file is compressed at its first request.
        self.pack = functools.cache(self._pack)

    def _pack(self, name: str, cache_control: str = FOREVER) -> Lasting:
        """Return the file of this name, ready to be sent; raises KeyError."""
        return make_lasting(
            self.bodies[name], content_type=TYPES[Path(name).suffix], cache_control=cache_control
        )

    def show_page(self, nonce: str, policy: str) -> tuple[bytes, str]:
        """Return the page and its content security policy for one request, with that request's `nonce`."""
        return self.page.replace("{nonce}", nonce).encode(), policy.replace("{nonce}", nonce)


@functools.lru_cache(maxsize=1)
def load_files(times: tuple[int, ...] = ()) -> Files:
    """Return the files as they were at the first call with these `times` of modification."""
    return Files()


def read_times() -> tuple[int, ...]:
    """Return each file's time of modification in ns, so that a reload in development shows changes."""
    return tuple(path.stat().st_mtime_ns for path in sorted(STATIC.rglob("*")))
