"""A streaming replica of a server of the tests, on loopback."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from nexcorp.embedded import PostgresServer
from nexcorp.embedded.process import EmbeddedError, run_to_end
from tests.servers import FAST

SLOT = "standby"


class StandbyServer(PostgresServer):
    """Begins as a base backup of `primary`, which keeps WAL for it in a slot; destroy() drops the slot."""

    def __init__(self, home: Path, primary: PostgresServer) -> None:
        super().__init__(home, settings=FAST)
        self.primary = primary
        home.mkdir(parents=True, exist_ok=True)
        (home / "postgres.password").write_text(primary._password)

    def _create_cluster(self, programs: Path, version: int) -> None:
        self.data.mkdir(mode=0o700)
        if self._account:
            os.chown(self.data, self._account.uid, self._account.gid)
        command = [str(programs / "pg_basebackup"), "-D", str(self.data), "-R", "-X", "stream", "-c", "fast"]
        command += ["--no-sync", "-C", "-S", SLOT, "-d", self.primary.url]
        code, output = run_to_end(command, account=self._account)
        if code != 0:
            raise EmbeddedError(output)

    def _ensure_database(self) -> None:
        """Do nothing: the backup has the databases of the primary."""

    def destroy(self) -> None:
        super().destroy()
        with psycopg.connect(self.primary.url, autocommit=True) as conn:
            # The primary may not yet have noticed that the slot's reader is gone.
            conn.execute("SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots")
            conn.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
