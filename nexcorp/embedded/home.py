"""Files of the servers in NEXCORP_HOME: secrets, ports, locks, logs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path
from typing import BinaryIO

from nexcorp.embedded.process import EmbeddedError

LOG_LIMIT = 10 * 1024 * 1024


def prepare_home(home: Path) -> Path:
    """Create the folder if missing and check that it is writable; return its path. Raises EmbeddedError."""
    try:
        home = home.expanduser().resolve()
        if not home.exists():
            home.mkdir(parents=True)
            # Root's servers run as a user of their own, who must be able to pass through, not to list.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=home):
            pass
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EmbeddedError(f"cannot write to {home} (NEXCORP_HOME): {reason}") from error
    return home


def write_atomically(path: Path, text: str) -> None:
    """Write a small file, readable by its owner only; after a crash it has either the old or the new text."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep_secret(path: Path) -> str:
    """Return the secret in this file (mode 0600), made on first use; 43 characters that are safe in a URL."""
    if not path.exists():
        write_atomically(path, secrets.token_urlsafe(32))
    path.chmod(0o600)
    return path.read_text().strip()


def hold_lock(path: Path, refusal: str) -> BinaryIO:
    """Take the lock of this file for as long as the returned file stays open.

    The kernel frees it when the process dies, so a lock is never stale. Raises EmbeddedError(refusal), with
    the holder's process id in place of `{pid}`.
    """
    file = open(path, "a+b", opener=open_privately)  # noqa: SIM115  it stays open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read(32).decode(errors="replace").strip() or "?"
        file.close()
        raise EmbeddedError(refusal.format(pid=holder)) from error
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file


def open_privately(path: str, flags: int) -> int:
    """An opener for open() whose new files only their owner can open."""
    return os.open(path, flags, 0o600)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def find_usable(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Return `hosts`, without ::1 if this machine has no IPv6 and another host is left."""
    if "::1" in hosts and len(hosts) > 1:
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
                probe.bind(("::1", 0))
        except OSError:
            return tuple(host for host in hosts if host != "::1")
    return hosts


def choose_port(remembered: Path) -> int:
    """Return the remembered loopback port if it is free, else any free one."""
    with contextlib.suppress(OSError, ValueError):
        port = int(remembered.read_text())
        if 0 < port < 65536 and port_is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_log(path: Path) -> BinaryIO:
    """Open a server's log for appending; empty it first if it has grown over 10 MiB."""
    file = open(path, "ab", opener=open_privately)  # noqa: SIM115  handed to the server
    if file.tell() > LOG_LIMIT:
        file.truncate(0)
    return file


def read_log_since(path: Path, offset: int) -> str:
    """Return the text logged after `offset` bytes, at most the last 64 KiB."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(min(offset, end), end - 65536))
        return file.read().decode(errors="replace")
