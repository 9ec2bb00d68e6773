"""The account of root's servers."""

import os
import pwd
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from nexcorp.embedded import account


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers have an account of their own")
def test_supervisors_that_start_at_once_have_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The maker here does what `useradd` does: it looks for the name, and writes a while later."""
    users, maker, start = tmp_path / "users", tmp_path / "useradd", threading.Barrier(4)
    maker.write_text(f'#!/bin/sh\ntest -e {users} && exit 9\nsleep 0.3\necho "$$" >>{users}\n')
    maker.chmod(0o755)

    def find(name: str) -> SimpleNamespace:
        if not users.exists():
            raise KeyError(name)
        uid = int(users.read_text().split()[-1])
        return SimpleNamespace(pw_uid=uid, pw_gid=uid)

    def ask() -> account.Account | None:
        start.wait()
        return account.server_account()

    monkeypatch.setattr(account, "MAKERS_PATH", str(tmp_path))
    monkeypatch.setattr(pwd, "getpwnam", find)
    with ThreadPoolExecutor(4) as supervisors:
        found = [asked.result() for asked in [supervisors.submit(ask) for _ in range(4)]]
    assert len(users.read_text().split()) == 1
    assert len(set(found)) == 1
