"""Parse REDIS_URL: one Redis, a cluster, or Sentinels that know the master."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

WANTS = (
    "wants redis:// or rediss://user:password@host:port/number; of a cluster redis://host:port,host:port or "
    "redis://host:port?cluster=true; of Sentinels redis+sentinel://host:port,host:port/name-of-the-master"
)
PORT, SENTINEL_PORT = 6379, 26379
YES, NO = ("true", "yes", "1"), ("false", "no", "0", "")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """The parsed REDIS_URL.

    `plain`: the URL of one server, for redis-py; if `hosts` is empty, the server to use. `hosts`: nodes of a
    cluster, which know the others, or Sentinels if `service` names a master. `sentinel`: `username` and
    `password` for the Sentinels.
    """

    plain: str
    hosts: tuple[Address, ...] = ()
    service: str = ""
    sentinel: tuple[tuple[str, str], ...] = ()

    @property
    def clustered(self) -> bool:
        """Whether the URL is that of a cluster, which keeps keys on several masters."""
        return bool(self.hosts) and not self.service


def parse_url(text: str) -> RedisUrl:
    """Parse a URL. Raises ValueError, whose text never quotes the URL."""
    try:
        parts = urlsplit(text)
        hosts = parts.netloc.rpartition("@")[2]
        scheme, _, kind = parts.scheme.partition("+")
        if scheme not in ("redis", "rediss", "unix") or kind not in ("", "sentinel"):
            raise ValueError(WANTS)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        flag = query.pop("cluster", "").lower()
        if flag not in YES + NO:
            raise ValueError("its cluster is neither true nor false")
        if kind:
            return parse_sentinels(parts, scheme, hosts, query)
        if flag in YES or "," in hosts:
            return parse_cluster(parts, hosts, query)
        if scheme != "unix":
            split_hosts(hosts, PORT)
    except UnicodeError:
        raise ValueError(WANTS) from None
    return RedisUrl(text if not flag else parts._replace(query=urlencode(query)).geturl())


def parse_cluster(parts: SplitResult, hosts: str, query: dict[str, str]) -> RedisUrl:
    """Parse the URL of a cluster: one or more of its nodes."""
    if parts.path.strip("/") not in ("", "0") or query.get("db", "0") != "0":
        raise ValueError("a cluster has no database but 0")
    if parts.scheme == "unix":
        raise ValueError(WANTS)
    nodes = split_hosts(hosts, PORT)
    return RedisUrl(join(parts, parts.scheme, nodes[0], "/0", query), nodes)


def parse_sentinels(parts: SplitResult, scheme: str, hosts: str, query: dict[str, str]) -> RedisUrl:
    """Parse the URL of Sentinels; the path is the master's name and the database: /name or /name/number."""
    service, _, number = parts.path.strip("/").partition("/")
    if not service or not (number or "0").isdigit() or scheme == "unix":
        raise ValueError(WANTS)
    own = tuple(
        (name, query.pop(f"sentinel_{name}"))
        for name in ("username", "password")
        if f"sentinel_{name}" in query
    )
    nodes = split_hosts(hosts, SENTINEL_PORT)
    plain = join(parts, scheme, nodes[0], f"/{number or 0}", query)
    return RedisUrl(plain, nodes, unquote(service), own)


def join(parts: SplitResult, scheme: str, node: Address, path: str, query: dict[str, str]) -> str:
    """Return the URL of one server, with the credentials of the whole URL."""
    credentials, at, _ = parts.netloc.rpartition("@")
    host, port = node
    host = f"[{host}]" if ":" in host else host
    return parts._replace(
        scheme=scheme, netloc=f"{credentials}{at}{host}:{port}", path=path, query=urlencode(query)
    ).geturl()


def split_hosts(text: str, port: int) -> tuple[Address, ...]:
    """Split a list of hosts into (host, port); `port` is the default."""
    found = []
    for item in text.split(","):
        one = urlsplit(f"//{item}")
        try:
            number = one.port
        except ValueError:
            raise ValueError("its port is no number from 0 to 65535") from None
        if "," in text and not one.hostname:
            raise ValueError(WANTS)
        found.append((one.hostname or "localhost", port if number is None else number))
    return tuple(found)
