"""HEIC is decoded in a separate process: crafted files can crash its libraries.

The process exits with 0, with TOO_MANY_PIXELS, or with any other code for an image that cannot be decoded.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from pathlib import Path

from nexcorp.config import REPOSITORY

SECONDS = 15
# One at a time, to limit memory.
TURN = threading.Lock()
# An image of 52 megapixels takes 340 MB.
MEMORY_BYTES = 2 * 1024**3
TOO_MANY_PIXELS = 3
RUN = "import sys; from nexcorp.integrations.storage.apart import main; sys.exit(main(*sys.argv[1:]))"


class Refused(ValueError):
    """The image cannot be decoded."""


class TooManyPixels(Refused):
    """The image has more pixels than allowed."""


def call(task: str, *paths: Path) -> str:
    """Run the process and return its output: `measure` an image, or write its `thumbnail` to a file.

    Blocks; raises Refused or TooManyPixels.
    """
    command = [sys.executable, "-c", RUN, task, *map(str, paths)]
    try:
        with TURN:
            done = subprocess.run(
                command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise Refused("takes too long") from error
    if done.returncode == TOO_MANY_PIXELS:
        raise TooManyPixels("too many pixels")
    if done.returncode != 0:
        raise Refused(f"the decoder ended with {done.returncode}")
    return done.stdout.decode()


def main(task: str, source: str, target: str = "") -> int:
    """The entry point of the process: do one task and return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pi_heif

    from nexcorp.errors import PayloadTooLarge
    from nexcorp.integrations.storage.images import decode
    from nexcorp.integrations.storage.thumbnails import draw_thumbnail

    pi_heif.register_heif_opener(thumbnails=False)
    try:
        if task == "measure":
            print(*decode(Path(source).read_bytes(), "HEIF"))
        else:
            draw_thumbnail(Path(source), Path(target))
    except PayloadTooLarge:
        return TOO_MANY_PIXELS
    return 0
