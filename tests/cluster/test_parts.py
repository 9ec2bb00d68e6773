"""The configuration that `make cluster` gives to its parts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chaos.faults import make_plan
from tools.cluster import haproxy, parts, patroni, pgbouncer, valkey
from tools.cluster.faults import KINDS, LENGTHS, RECOVERY, spare_primary
from tools.cluster.parts import ETCDS, POSTGRESES, VALKEYS, WEBS, WORKERS, Ports, Secrets

PORTS = Ports(21000)
SECRETS = Secrets("of-the-database", "of-the-replica", "of-valkey", "of-tokens")


def test_each_part_has_ports_of_its_own() -> None:
    found = [PORTS.web, PORTS.stats, PORTS.pgbouncer, PORTS.primary, PORTS.replica]
    found += [PORTS.of(name) for name in (*WEBS, *POSTGRESES, *ETCDS, *VALKEYS)]
    found += [PORTS.of(name, 1) for name in (*POSTGRESES, *ETCDS)]
    assert len(found) == len(set(found))
    assert max(found) < PORTS.base + 100 < PORTS.base + parts.BUS


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parts, "PATH", str(tmp_path))
    assert parts.find_missing() == ["etcd-server", "pgbouncer", "haproxy"]


def test_reads_and_writes_go_to_the_servers_that_patroni_names() -> None:
    bouncer = pgbouncer.make_config(Path("/nowhere"), PORTS)
    assert f"nexcorp = host=127.0.0.1 port={PORTS.primary} dbname" in bouncer
    assert f"nexcorp_reads = host=127.0.0.1 port={PORTS.replica} dbname" in bouncer
    proxy = haproxy.make_config(PORTS)
    primary, replica = proxy.partition("listen primary")[2].split("listen replica")
    for section, question, port in (
        (primary, "/primary", PORTS.primary),
        (replica, "/replica", PORTS.replica),
    ):
        assert f"bind 127.0.0.1:{port}\n" in section and f"GET {question}\n" in section
        assert [
            f"server {name} 127.0.0.1:{PORTS.of(name)} port {PORTS.of(name, 1)}\n" in section
            for name in POSTGRESES
        ] == [True, True]
    assert valkey.make_url(PORTS, SECRETS).count(",") == len(VALKEYS) - 1


def test_haproxy_takes_its_file(tmp_path: Path) -> None:
    program = shutil.which("haproxy", path=parts.PATH)
    if program is None:
        pytest.skip("needs Debian's haproxy")
    file = tmp_path / "haproxy.cfg"
    file.write_text(haproxy.make_config(PORTS))
    done = subprocess.run([program, "-c", "-f", str(file)], capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr


@pytest.mark.parametrize("synchronous", [True, False])
def test_patroni_may_fail_over(synchronous: bool) -> None:
    config = patroni.make_config(
        "pg1", Path("/nowhere"), PORTS, SECRETS, synchronous=synchronous, programs=Path("/bin"), version=18
    )
    dcs = config["bootstrap"]["dcs"]
    # Patroni replaces values that break these rules.
    assert dcs["ttl"] >= 20 and dcs["ttl"] >= dcs["loop_wait"] + 2 * dcs["retry_timeout"]
    assert dcs["synchronous_mode"] is synchronous
    assert len(config["etcd3"]["hosts"]) == len(ETCDS)


def test_ten_minutes_have_three_hundred_faults_of_all_kinds() -> None:
    plan = make_plan(1, 600, KINDS, LENGTHS, RECOVERY, eager=True)
    assert len(plan) >= 300
    assert {fault.kind for fault in plan} == KINDS.keys()
    # Two of three etcd nodes keep the quorum while the third is struck.
    assert {fault.target for fault in plan} <= {
        *WEBS,
        *WORKERS,
        *ETCDS,
        "haproxy",
        "pgbouncer",
        "postgres",
        "valkey",
    }


def test_the_primary_is_spared() -> None:
    plan = make_plan(7, 300, KINDS, LENGTHS, RECOVERY, eager=True)
    spared = spare_primary(plan, 2)
    struck = [fault for fault in plan if fault.kind.startswith("primary")]
    assert len(struck) > 2 and [fault for fault in plan if fault not in spared] == struck[2:]
