"""Parse the output of `git log`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%s%x00%b%x00"
FIELDS = 9
LATEST = 253402300799


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, its texts shortened and without NUL."""

    sha: bytes
    parents: str
    author_name: str
    author_email: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    body: str


def read_commit(fields: list[bytes]) -> Commit:
    """Return a commit made of the fields of FORMAT."""
    return Commit(
        bytes.fromhex(fields[0].decode()),
        fields[1].decode(),
        cut(fields[2], 200),
        cut(fields[3], 200),
        read_time(fields[4]),
        read_time(fields[5]),
        cut(fields[6], 500),
        cut(fields[7].strip(), 4000),
    )


def cut(text: bytes, most: int) -> str:
    """Return the first characters of a text; invalid bytes are replaced."""
    return text[: most * 4].decode("utf-8", "replace").replace("\0", "")[:most]


def read_time(text: bytes) -> datetime:
    """Return a time given in seconds, clamped; 1970 for an invalid one."""
    try:
        return datetime.fromtimestamp(max(0, min(int(text), LATEST)), UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
