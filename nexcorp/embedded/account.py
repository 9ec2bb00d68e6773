"""The account that a server runs as, and folders where that account can reach programs and data.

PostgreSQL refuses to run as root. Root's servers therefore run as a system user of their own, NAME, created
on first use: as `nobody`, other services that run as `nobody` could read the data. NAME often cannot enter
root's folders. Their permissions are never widened: the files that it needs are put into VAULT, a folder that
only root can write and whose ownership is checked on every use.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nexcorp.embedded.process import Account, EmbeddedError, run_to_end

VAULT = Path("/var/lib/nexcorp")
NAME = "nexcorp"
# The commands of Debian and Red Hat, and of Alpine.
MAKERS = (
    [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/",
        "--shell",
        "/bin/false",
        NAME,
    ],
    ["adduser", "-S", "-D", "-H", "-h", "/", "-s", "/bin/false", NAME],
)
MAKERS_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
MAKING_SECONDS = 10.0


def server_account() -> Account | None:
    """Return the account for servers that refuse root; None, for our own account, unless this process is
    root.

    Creates the account if it is missing; raises EmbeddedError if that fails.
    """
    if os.geteuid() != 0:
        return None
    found = find_account(NAME) or make_account()
    if found.uid == 0:
        raise EmbeddedError(f"PostgreSQL cannot run as root, and the user '{NAME}' is root")
    return found


def find_account(name: str) -> Account | None:
    """Return the account of this name, or None."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def make_account() -> Account:
    """Create the account NAME; raises EmbeddedError if this machine does not allow it."""
    with lock_vault():
        deadline, problem = time.monotonic() + MAKING_SECONDS, "there is neither useradd nor adduser"
        # Another supervisor may have created it meanwhile. Two at a time would both succeed: `useradd` looks
        # for the name before it locks /etc/passwd, and the second one gives the account another uid.
        while (found := find_account(NAME)) is None:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL cannot run as root, and the user '{NAME}' cannot be made ({problem}): "
                    "make it, or start this as another user"
                )
            for maker, *options in MAKERS:
                if (program := shutil.which(maker, path=MAKERS_PATH)) is not None:
                    problem = run_to_end([program, *options])[1].strip() or problem
                    break
            # Another program may be holding /etc/passwd.
            time.sleep(0.2)
    return found


@contextlib.contextmanager
def lock_vault() -> Iterator[None]:
    """Keep other supervisors of this machine out meanwhile; they wait."""
    folder = os.open(open_vault(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def adopt_data(folder: Path, account: Account | None) -> None:
    """Give `account` a data folder that an earlier release let `nobody` own."""
    nobody = find_account("nobody")
    if account is None or nobody is None or folder.stat().st_uid != nobody.uid or account == nobody:
        return
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            os.lchown(Path(parent, name), account.uid, account.gid)
        # The folder itself comes last: after an interruption this starts again.
        os.chown(parent, account.uid, account.gid)


def can_run(argv: Sequence[str], account: Account | None) -> bool:
    """Return whether an account can run a program successfully; it is run, so that ACLs and mounts count."""
    try:
        return run_to_end(argv, account=account, timeout=30)[0] == 0
    except EmbeddedError:
        return False


def can_enter(folder: Path, account: Account) -> bool:
    """Return whether this account can pass through a folder."""
    return can_run(["/bin/sh", "-c", 'cd -- "$0"', str(folder)], account)


def check_only_root_writes(folder: Path) -> None:
    """Raise EmbeddedError unless this folder and all above it are root's and closed to others' writing."""
    for part in (folder, *folder.parents):
        found = part.lstat()
        open_to_others = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or open_to_others:
            raise EmbeddedError(f"{part} must be a folder that belongs to root and that only root can write")


def open_vault(*parts: str) -> Path:
    """Return a folder below VAULT, made if missing, that all can pass through and only root can write."""
    folder = Path(os.path.realpath(VAULT.parent), VAULT.name)
    try:
        for part in ("", *parts):
            folder = folder / part
            # Another supervisor may be making it at the same moment.
            with contextlib.suppress(FileExistsError):
                folder.mkdir(0o711)
                folder.chmod(0o711)  # whatever the umask
    except OSError as error:
        raise EmbeddedError(f"cannot create {folder}: {error.strerror}") from error
    check_only_root_writes(folder)
    return folder


def copy_programs(folders: Sequence[Path], key: str, say: Callable[[str], None]) -> Path:
    """Copy folders side by side into the vault, once per key; return where they are.

    The copy is renamed into place when complete. Python files and C headers are left out.
    """
    vault = open_vault()
    place = vault / key
    if place.is_dir():
        check_only_root_writes(place)
        return place
    say("Copying PostgreSQL's programs to where the user 'nexcorp' can run them (once) ...")
    work = Path(tempfile.mkdtemp(dir=vault, prefix=f"{key}.new-"))
    try:
        for folder in folders:
            ignored = shutil.ignore_patterns("include", "__pycache__", "*.py")
            shutil.copytree(folder, work / folder.name, ignore=ignored)
        for parent, _, files in os.walk(work):
            os.chmod(parent, 0o755)  # noqa: S103  for everybody to run, for root to write
            for name in files:
                path = Path(parent, name)
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        try:
            work.rename(place)
        except OSError:
            if not place.is_dir():  # else another supervisor was quicker
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    check_only_root_writes(place)
    return place


def place_data(home: Path, name: str, account: Account | None) -> Path:
    """Return the folder for the data folder `name`: home, or one in the vault if `account` cannot enter home.

    In the second case home gets a symbolic link to the data folder; an existing link is followed, so that a
    moved home keeps its data.
    """
    if account is None:
        return home
    link = home / name
    if link.is_symlink():
        target, vault = Path(os.readlink(link)), open_vault()
        if target.name != name or target.parent.parent != vault:
            raise EmbeddedError(f"{link} links to {target}, which is not below {vault}; remove the link")
        return open_vault(target.parent.name)
    if link.exists() or can_enter(home, account):
        return home
    base = open_vault(hashlib.sha256(str(home).encode()).hexdigest()[:16])
    link.symlink_to(base / name)
    return base


def remove_data(home: Path, name: str) -> None:
    """Remove the data folder `name` of a home, wherever place_data put it, and the files kept beside it."""
    link = home / name
    if link.is_symlink():
        target = Path(os.readlink(link))
        if target.name == name and target.parent.parent.name == VAULT.name:
            shutil.rmtree(target.parent, ignore_errors=True)
        link.unlink()
    shutil.rmtree(link, ignore_errors=True)
    for kept in home.glob(f"{name}.*"):
        kept.unlink()
