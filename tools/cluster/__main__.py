"""`make cluster`: start the cluster, say where everything is, and end it with Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from nexcorp.domain.demo import DEMO_PASSWORD
from nexcorp.embedded.process import EmbeddedError
from nexcorp.embedded.programs import name_psql
from tests.chaos.cluster import REPOSITORY
from tools.cluster import pgbouncer
from tools.cluster.cluster import ClusterOfAll
from tools.cluster.parts import POSTGRESES, Ports, find_missing
from tools.cluster.service import check_out


def say(line: str) -> None:
    """Print a line of this tool."""
    print(f"cluster | {line}", flush=True)


def greet(cluster: ClusterOfAll) -> None:
    """Print the addresses of all parts."""
    ports, secrets = cluster.ports, cluster.secrets
    psql = name_psql()
    config = cluster.home / POSTGRESES[0] / "patroni.yml"
    control = Path(sys.executable).with_name("patronictl")
    for line in (
        "",
        "The cluster is up",
        f"  console      {cluster.addresses[0]}/app/   (click Ada; the demo password is {DEMO_PASSWORD})",
        f"  HAProxy      http://127.0.0.1:{ports.stats}/",
        f"  primary      {psql} '{cluster.admin_url}'",
        f"  PgBouncer    {psql} '{pgbouncer.make_url(ports, secrets)}'  (its own: database pgbouncer)",
        f"  replica      {psql} '{pgbouncer.make_url(ports, secrets, pgbouncer.READS)}'",
        f"  Patroni      {control} -c {config} list    (or: switchover)",
        f"  Valkey       port {cluster.valkeys['valkey1'].port} and five more, password {secrets.valkey}",
        f"  logs         {cluster.home}/*.log",
        "  to stop      Ctrl-C, which removes its data, too",
        "",
    ):
        say(line)


async def show(home: Path, ports: Ports, *, synchronous: bool) -> None:
    """Run the cluster with demo data until cancelled."""
    async with ClusterOfAll(home, ports, synchronous=synchronous, say=say) as cluster:
        say("demo data ...")
        await cluster.in_thread(lambda: cluster.run_step(cluster.release, "seed"))
        greet(cluster)
        try:
            await asyncio.Event().wait()
        finally:
            say("stopping ...")


async def judge(
    home: Path, ports: Ports, *, synchronous: bool, ref: str | None, failovers: int | None
) -> None:
    """Run the ledger on a cluster. Raises EmbeddedError with its findings."""
    # Import here: only the ledger needs the test dependencies.
    from tools.cluster.ledger import run_ledger

    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    findings = await run_ledger(
        home,
        ports,
        seed=seed,
        seconds=float(os.environ.get("CHAOS_SECONDS") or 600),
        before=check_out(ref, REPOSITORY / "build" / "releases") if ref else None,
        synchronous=synchronous,
        failovers=failovers,
        say=say,
    )
    if findings:
        raise EmbeddedError(f"CHAOS_SEED={seed}; logs in {home}\n" + "\n".join(findings))
    say("nothing was lost, and nothing shown twice")


async def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or a signal (Ctrl-C, TERM, HUP) cancels it."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def clear(home: Path, *, keep_logs: bool) -> None:
    """Remove all data in `home`; with `keep_logs` the files in it, logs and report, stay."""
    data = [child for child in home.iterdir() if child.is_dir()] if keep_logs else [home]
    for folder in data:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the tool; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--port", type=int, default=21000, help="the first of about 100 ports")
    parser.add_argument("--home", type=Path, help="an empty folder for its data; by default one in /tmp")
    parser.add_argument("--asynchronous", action="store_true", help="commits do not wait for the replica")
    parser.add_argument("--ledger", action="store_true", help="have it hurt for CHAOS_SECONDS, and judged")
    parser.add_argument("--load", type=float, help="offer it so many times what it carries")
    parser.add_argument("--from", dest="ref", help="with --ledger: the release that it begins with")
    parser.add_argument("--failovers", type=int, help="with --ledger: strike the primary so often at most")
    options = parser.parse_args()
    missing = find_missing()
    if missing:
        say(f"needs packages that are not here: apt-get install {' '.join(missing)}")
        return 1
    home = options.home or Path(tempfile.mkdtemp(prefix="nexcorp-cluster-"))
    home.mkdir(parents=True, exist_ok=True)
    # As root, the servers run under an account that must be able to enter `home`, but not list it.
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        synchronous = not options.asynchronous
        ports, home = Ports(options.port), home.resolve()
        if options.load:
            from tools.cluster.load import run_load

            work = run_load(home, ports, options.load, say)
        elif options.ledger:
            work = judge(home, ports, synchronous=synchronous, ref=options.ref, failovers=options.failovers)
        else:
            work = show(home, ports, synchronous=synchronous)
        asyncio.run(run_until_told(work))
    except EmbeddedError as error:
        say(str(error))
        return 1
    if options.home is None:
        clear(home, keep_logs=options.ledger)
    return 0


if __name__ == "__main__":
    sys.exit(main())
