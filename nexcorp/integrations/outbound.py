"""The one door for HTTP requests whose address comes from a user: push endpoints, webhooks and the like.

Each socket's address is looked at when the socket is made, and the socket connects to that very address. So
it makes no difference whether a URL names a host, writes an address in an odd way, or has a name that points
elsewhere the second time it is looked up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

MAX_URL_CHARS = 2048
TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
CONNECTIONS = 256
CONNECTIONS_A_HOST = 16
MAX_ANSWER_BYTES = 64 * 1024
# Names looked up at once, and for how long what they lead to is kept: each socket is looked at all the same.
LOOKUPS = 16
NAME_SECONDS = 60
DAY_SECONDS = 24 * 3600

# What is not the public internet (IANA's registries of special addresses), and what a cloud has put there all
# the same: 168.63.129.16 answers every machine of Azure.
CLOSED_V4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        # Multicast, and all that is reserved above.
        "224.0.0.0/3",
    )
]
OPEN_V6 = ipaddress.IPv6Network("2000::/3")
# Teredo and other protocols, documentation twice, 6to4: some of them carry an IPv4 address on.
CLOSED_V6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
INNER_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
NAME = re.compile(r"(?=.{1,253}\.?\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """The URL is not asked, now or later.

    `code` is `url_refused` (its form), `https_only` or `address_refused` (it leads into a network); `message`
    is for whoever gave the URL.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(code)


class Failed(Exception):
    """There was no answer, and later there may be one; `code` is `timeout`, `dns`, `tls` or `connection`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class AddressRefused(OSError):
    """Raised where a socket would be made: its address is not public."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, whatever it is, and the first bytes of the body, as they were sent."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also behind what carries an IPv4 address in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def read_address(host: str) -> Address | None:
    """The address that a host is, as 0x7f.1 and 2130706433 are, too; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def name_host(url: URL) -> str:
    """The host as OUTBOUND_ALLOW has it: in small letters, without a dot behind it, IPv6 in brackets."""
    host = (url.raw_host or "").lower().rstrip(".")
    if ":" not in host:
        return host
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return f"[{host}]"


def is_allowed(url: URL, allow: Collection[str]) -> bool:
    """Whether the operator has exempted the host, at every port or at this one."""
    host = name_host(url)
    return host in allow or f"{host}:{url.port}" in allow


def check_url(text: str, allow: Collection[str] = ()) -> URL:
    """The URL to ask, if its form lets it be asked; raises Refused.

    `allow` is Config.outbound_allow: these hosts may be asked by http, and wherever they are. No name is
    looked up: that is done, and every address checked, when the URL is asked.
    """
    if len(text) > MAX_URL_CHARS:
        raise Refused("url_refused", f"Is longer than {MAX_URL_CHARS} characters.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise Refused("url_refused", "Holds characters that no URL has.")
    try:
        # What is ASCII stays as it is, since a signature may lie on it.
        url = URL(text, encoded=text.isascii())
        host = name_host(url)
    except ValueError:
        raise Refused("url_refused", "Is no URL.") from None
    if url.scheme not in ("http", "https") or not host:
        raise Refused("https_only" if host else "url_refused", "Wants an address that begins with https://.")
    if url.raw_user is not None or url.raw_password is not None:
        raise Refused("url_refused", "Holds a user or a password.")
    if url.port == 0:
        raise Refused("url_refused", "Names no port.")
    if is_allowed(url, allow):
        return url
    if url.scheme != "https":
        raise Refused("https_only", "Wants an address that begins with https://.")
    address = read_address(host.strip("[]"))
    if address is None and not NAME.match(host):
        raise Refused("url_refused", "Names no host.")
    inner = "." not in host or host.endswith(INNER_NAMES) if address is None else not is_public(address)
    if inner:
        raise Refused("address_refused", "Leads to an address that is not public.")
    return url


def make_checked_socket(info: Any) -> socket.socket:
    """A socket for an address that was looked up (as of getaddrinfo); raises AddressRefused."""
    family, kind, protocol, _, address = info
    found = read_address(address[0])
    if found is None or not is_public(found):
        # The same words for each: where all are refused, the connector raises this one.
        raise AddressRefused("address refused")
    return socket.socket(family, kind, protocol)


class OwnThreads(aiohttp.abc.AbstractResolver):
    """Looks names up in threads of its own: nameservers that never answer hold up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="outbound-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """The addresses of a name; raises OSError."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in await asyncio.get_running_loop().run_in_executor(
                self._threads, look_up
            )
        ]

    async def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Outbound:
    """Sends requests to addresses of users; belongs to one event loop and is closed at its end.

    No redirect is followed, no cookie kept, no proxy or password taken from the environment, and no body
    unpacked. `allow` is Config.outbound_allow.
    """

    def __init__(
        self,
        allow: Collection[str] = (),
        *,
        connections: int = CONNECTIONS,
        connections_a_host: int = CONNECTIONS_A_HOST,
    ) -> None:
        self.allow = frozenset(allow)
        self._connections, self._connections_a_host = connections, connections_a_host
        self._resolver = OwnThreads()
        # Hosts that the operator exempts have connections of their own, which are not looked at.
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def _session(self, allowed: bool) -> aiohttp.ClientSession:
        if allowed not in self._sessions:
            check = None if allowed else make_checked_socket
            self._sessions[allowed] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=check,
                    resolver=self._resolver,
                    ttl_dns_cache=NAME_SECONDS,
                    limit=self._connections,
                    limit_per_host=self._connections_a_host,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "NexCorp-Connect", "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[allowed]

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        seconds: float = TOTAL_SECONDS,
        most: int = MAX_ANSWER_BYTES,
        body_seconds: float | None = None,
    ) -> Answer:
        """Ask once; any status is an answer, of whose body `most` bytes are read.

        `seconds` is for all of it, from waiting for a connection to the last byte. With `body_seconds` the
        status is the answer: of the body that much is read which comes within that time. Raises Refused, or
        Failed where no whole answer came.
        """
        target = check_url(url, self.allow)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, CONNECT_SECONDS))
        try:
            async with self._session(is_allowed(target, self.allow)).request(
                method, target, headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                found = await read_start(response, most, body_seconds)
                return Answer(response.status, response.headers, found)
        except TimeoutError:
            raise Failed("timeout") from None
        except aiohttp.ClientConnectorDNSError:
            raise Failed("dns") from None
        except aiohttp.ClientSSLError:
            raise Failed("tls") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(getattr(error, "os_error", None), AddressRefused):
                raise Refused("address_refused", "Leads to an address that is not public.") from None
            raise Failed("connection") from None

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        await self._resolver.close()


def read_retry_after(text: str | None) -> float | None:
    """The seconds of a Retry-After header, at most a day; None where it names no time."""
    if text is None:
        return None
    try:
        wait = float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), float(DAY_SECONDS))


async def read_start(response: aiohttp.ClientResponse, most: int, seconds: float | None = None) -> bytes:
    """The first `most` bytes of a body; a connection with more to come is closed.

    With `seconds` those that come within that time, however the rest ends.
    """
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in response.content.iter_any():
                found += part
                if len(found) > most:
                    response.close()
                    break
    except (TimeoutError, aiohttp.ClientError):
        if seconds is None:
            raise
        response.close()
    return bytes(found[:most])
