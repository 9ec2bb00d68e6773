"""The files of deployments agree with the product: commands, settings, ports, paths, times."""

from __future__ import annotations

import configparser
import dataclasses
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexcorp.config import REPOSITORY, Config, child_environment
from nexcorp.dev import PROCESSES, read_procfile
from nexcorp.features import PRODUCT
from nexcorp.server import DRAIN_SECONDS, NOTICE_SECONDS
from workers.patience import GRACE_SECONDS

SETTINGS = {item.metadata["name"]: item.metadata["parse"] for item in dataclasses.fields(Config)}
COMPOSE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
KUBERNETES = sorted((REPOSITORY / "deploy" / "kubernetes").glob("*.yaml"))
UNITS = sorted((REPOSITORY / "deploy" / "systemd").glob("*.service"))
FLY = tomllib.loads((REPOSITORY / "fly.toml").read_text())
RAILWAY = [REPOSITORY / "railway.json", REPOSITORY / "deploy" / "railway-worker.json"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
# Settings of the image and of Python.
OTHER_NAMES = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
IMAGE_USER = 10001
# The longest time that sockets get to leave, and some seconds for the process to end.
LONGEST_STOP = NOTICE_SECONDS + 5 + max(DRAIN_SECONDS, GRACE_SECONDS) + 5


def objects() -> Iterator[dict[str, Any]]:
    """Yield every Kubernetes object."""
    for path in KUBERNETES:
        yield from yaml.safe_load_all(path.read_text())


def find_object(kind: str, name: str) -> dict[str, Any]:
    """Return the only Kubernetes object of this kind and name."""
    (found,) = (one for one in objects() if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the spec of every pod."""
    for one in objects():
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield one["metadata"]["name"], spec["template"]["spec"]


def instructions(name: str) -> list[list[str]]:
    """Return the words of each instruction of this name in the Dockerfile."""
    lines = re.findall(rf"^ *(?:HEALTHCHECK .*)?{name} +(.+)$", DOCKERFILE, re.MULTILINE)
    return [json.loads(line) if line.startswith("[") else shlex.split(line) for line in lines]


def read_unit(path: Path) -> configparser.ConfigParser:
    """Return a systemd unit; its lines of Environment= are a section of their own."""
    found = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    found.optionxform = str  # type: ignore[assignment,method-assign]
    text = path.read_text()
    values = re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
    text = re.sub(r"^Environment=.+\n", "", text, flags=re.MULTILINE)
    found.read_string("\n".join([text, "[Environment]", *values]))
    return found


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every nexcorp command in these files, after its place."""
    for words in (*instructions("CMD"), *instructions("ENTRYPOINT")):
        if words[0] == "nexcorp":
            yield "Dockerfile", words
    for name, service in COMPOSE["services"].items():
        if (command := service.get("command")) and command[0] == "nexcorp":
            yield f"compose {name}", command
    for name, pod in pods():
        for container in pod["containers"]:
            yield f"pod {name}", container["command"]
    for path in UNITS:
        yield path.name, shlex.split(read_unit(path)["Service"]["ExecStart"])
    yield "fly release", shlex.split(FLY["deploy"]["release_command"])
    for name, command in FLY["processes"].items():
        yield f"fly {name}", shlex.split(command)
    for path in RAILWAY:
        deploy = json.loads(path.read_text())["deploy"]
        for command in (deploy["startCommand"], *deploy.get("preDeployCommand", ())):
            yield path.name, shlex.split(command)


def test_commands_are_the_procfile_s_or_known_ones() -> None:
    processes = read_procfile(REPOSITORY / "Procfile")
    assert processes == PROCESSES
    allowed = {tuple(shlex.split(command)) for command in processes.values()}
    found = list(commands())
    assert len(found) > 15
    given = set()
    for where, words in found:
        if words[0].endswith("sh"):
            words = shlex.split(words[2].removeprefix("exec "))
        words[0] = words[0].removeprefix("/opt/nexcorp/.venv/bin/")
        given.add(tuple(words))
        if tuple(words) not in allowed:
            assert words[:2] in (["nexcorp", "backup"], ["nexcorp"]), where
    assert given > allowed


def settings() -> Iterator[tuple[str, str, str | None]]:
    """Yield (place, name, value) of every setting in these files; value is None if it has none there."""
    for words in instructions("ENV"):
        for word in words:
            name, _, value = word.partition("=")
            if not name.startswith("PIP_"):
                yield "Dockerfile", name, value
    for service in ("migrate", "web", "worker", "backup"):
        for name, value in COMPOSE["services"][service]["environment"].items():
            yield f"compose {service}", name, None if "${" in str(value) else str(value)
    for kind, part in (("ConfigMap", "data"), ("Secret", "stringData")):
        for name, value in find_object(kind, "nexcorp")[part].items():
            yield kind, name, value or None
    for pod_name, pod in pods():
        for one in pod["containers"][0].get("env", ()):
            yield f"pod {pod_name}", one["name"], one["value"]
    for path in UNITS:
        for name, value in read_unit(path)["Environment"].items():
            yield path.name, name, None if "%" in value else value
    for name, value in FLY["env"].items():
        yield "fly", name, value


def test_settings_exist_and_have_values_that_are_taken() -> None:
    found = list(settings())
    assert len(found) > 50
    for where, name, value in found:
        assert name in SETTINGS or (where == "Dockerfile" and name in OTHER_NAMES), f"{where}: {name}"
        if value is not None and name in SETTINGS:
            SETTINGS[name](value)
    # Without these a process refuses to start.
    named = {where: {name for place, name, _ in found if place == where} for where, _, _ in found}
    assert {"DATABASE_URL", "REDIS_URL", "JWT_SECRET"} <= named["compose web"] & named["Secret"]


def test_ports_and_probes_are_those_of_the_service() -> None:
    paths = {route.path for route in PRODUCT.routes if route.method == "GET"}
    web = find_object("Deployment", "nexcorp-web")["spec"]["template"]["spec"]["containers"][0]
    port = int(find_object("ConfigMap", "nexcorp")["data"]["PORT"])
    assert web["ports"] == [{"name": "http", "containerPort": port}]
    probes = [web[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert [probe["path"] for probe in probes] == ["/health", "/health", "/ready"]
    checks = FLY["http_service"]["checks"]
    railway = json.loads(RAILWAY[0].read_text())["deploy"]["healthcheckPath"]
    asked = [*(probe["path"] for probe in probes), *(check["path"] for check in checks), railway]
    assert set(asked) <= paths
    assert {probe["port"] for probe in probes} == {"http"}
    assert find_object("Service", "nexcorp-web")["spec"]["ports"][0]["targetPort"] == "http"
    annotations = find_object("Deployment", "nexcorp-web")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in paths
    assert annotations["prometheus.io/port"] == str(port)
    assert FLY["http_service"]["internal_port"] == int(FLY["env"]["PORT"])
    assert instructions("EXPOSE") == [[str(port)]]
    assert COMPOSE["services"]["web"]["ports"][0].endswith(
        f":{COMPOSE['services']['web']['environment']['PORT']}"
    )
    (health,) = (words for words in instructions("CMD") if words[0] == "python")
    assert "/health'" in health[2] and "/health" in paths

    worker = find_object("Deployment", "nexcorp-worker")["spec"]["template"]["spec"]["containers"][0]
    (metrics,) = (one["value"] for one in worker["env"] if one["name"] == "WORKER_METRICS_PORT")
    assert worker["ports"] == [{"name": "metrics", "containerPort": int(metrics)}]
    compose = COMPOSE["services"]["worker"]
    assert compose["environment"]["WORKER_METRICS_PORT"] == int(metrics)
    for command in (worker["livenessProbe"]["exec"]["command"], compose["healthcheck"]["test"][1:], health):
        compile(command[2], "probe", "exec")
        assert metrics in command[2] or command is health


def test_processes_get_the_time_that_they_take_to_stop() -> None:
    def seconds(text: str) -> int:
        return int(text.removesuffix("s"))

    assert seconds(FLY["kill_timeout"]) >= LONGEST_STOP
    for path in RAILWAY:
        assert json.loads(path.read_text())["deploy"]["drainingSeconds"] >= LONGEST_STOP
    for name in ("web", "worker"):
        assert seconds(COMPOSE["services"][name]["stop_grace_period"]) >= LONGEST_STOP
        unit = read_unit(REPOSITORY / "deploy" / "systemd" / f"nexcorp-{name}@.service")["Service"]
        assert int(unit["TimeoutStopSec"]) >= LONGEST_STOP
        assert unit["Restart"] == "always"
    for name, pod in pods():
        if name in ("nexcorp-web", "nexcorp-worker"):
            waits = pod["containers"][0].get("lifecycle", {}).get("preStop", {"exec": {"command": ["", "0"]}})
            assert pod["terminationGracePeriodSeconds"] >= LONGEST_STOP + int(waits["exec"]["command"][1]), (
                name
            )


def test_pods_and_units_have_few_rights_and_fit_together() -> None:
    found = dict(pods())
    assert set(found) == {"nexcorp-migrate", "nexcorp-web", "nexcorp-worker", "nexcorp-backup"}
    kept = {one["metadata"]["name"] for one in objects() if one["kind"] == "PersistentVolumeClaim"}
    for name, pod in found.items():
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"], name
        assert pod["securityContext"]["runAsUser"] == IMAGE_USER
        (container,) = pod["containers"]
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"], name
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"]["cpu"] and container["resources"]["limits"]["memory"]
        assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
        claims = {
            one["persistentVolumeClaim"]["claimName"]
            for one in pod["volumes"]
            if "persistentVolumeClaim" in one
        }
        assert claims <= kept
        assert container["envFrom"] == [
            {"configMapRef": {"name": "nexcorp"}},
            {"secretRef": {"name": "nexcorp"}},
        ]
    for kind in ("web", "worker"):
        spec = find_object("Deployment", f"nexcorp-{kind}")["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"] == labels
        assert (
            find_object("PodDisruptionBudget", f"nexcorp-{kind}")["spec"]["selector"]["matchLabels"] == labels
        )
    assert (
        find_object("Service", "nexcorp-web")["spec"]["selector"]
        == find_object("Deployment", "nexcorp-web")["spec"]["selector"]["matchLabels"]
    )
    target = find_object("HorizontalPodAutoscaler", "nexcorp-web")["spec"]["scaleTargetRef"]
    assert find_object(target["kind"], target["name"])["apiVersion"] == target["apiVersion"]
    assert "replicas" not in find_object("Deployment", "nexcorp-web")["spec"]

    for path in UNITS:
        unit = read_unit(path)["Service"]
        assert unit["User"] == "nexcorp" and unit["NoNewPrivileges"] == "yes", path.name
        assert unit["EnvironmentFile"] == "/etc/nexcorp/env"
    assert instructions("USER") == [[f"{IMAGE_USER}:{IMAGE_USER}"]]


def test_compose_starts_things_in_their_order() -> None:
    services = COMPOSE["services"]
    assert services["web"]["depends_on"] == services["worker"]["depends_on"]
    for name, wanted in services["web"]["depends_on"].items():
        if wanted["condition"] == "service_healthy":
            assert services[name]["healthcheck"]["test"][0] == "CMD"
        else:
            assert services[name]["command"] == ["nexcorp", "migrate", "up"]
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert {service["build"]["target"] for service in services.values() if "build" in service} <= stages
    assert FLY["build"]["build-target"] in stages
    # A build without a named stage gives the service.
    assert DOCKERFILE.rindex("FROM ") == DOCKERFILE.index("FROM base AS service")
    used = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


@pytest.fixture(scope="module")
def image(tmp_path_factory: Any) -> Path:
    """The folder /app of the image: the files that the Dockerfile copies and .dockerignore allows."""
    lines = [
        line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    assert lines[0] == "*"
    app: Path = tmp_path_factory.mktemp("app")
    for *sources, target in instructions("COPY"):
        if sources[0].startswith("--from="):
            continue
        for source in sources:
            assert f"!{source}" in lines, source
            path = REPOSITORY / source
            assert path.exists(), source
            if path.is_dir():
                shutil.copytree(path, app / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, app / target)
    return app


def test_what_the_image_copies_is_enough(image: Path, database_url: str) -> None:
    (locks,) = (words for words in instructions("COPY") if "requirements.txt" in words)
    for name in locks[:-1]:
        assert "--hash=sha256:" in (REPOSITORY / name).read_text()
    installs = re.findall(r"pip .*?install (.+?-r \S+)", DOCKERFILE)
    assert len(installs) == 2 and all("--require-hashes" in line and "--no-deps" in line for line in installs)
    environment = child_environment(
        PYTHONPATH=str(image), DATABASE_URL=database_url, NEXCORP_HOME=str(image / "home")
    )

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd="/", env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    load = "import nexcorp.config, nexcorp.app, workers.settings; nexcorp.app.make_documents()"
    assert run("-c", f"{load}; print(nexcorp.config.REPOSITORY)").strip() == str(image)
    assert "not applied" not in run("-m", "nexcorp", "migrate", "status")
