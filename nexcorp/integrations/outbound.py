"""The only way to send HTTP requests to addresses given by users: push endpoints, webhooks and the like.

An address is checked when its socket is made, and the socket connects to that very address. So it does not
matter whether a URL names a host, writes an address in an odd way, or has a name that resolves to another
address the second time.
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
# Concurrent name lookups, and how long their results are kept: each socket is checked all the same.
LOOKUPS = 16
NAME_SECONDS = 60
DAY_SECONDS = 24 * 3600

# Addresses outside the public internet (IANA's registries of special addresses), and one that a cloud uses
# although it is public: 168.63.129.16 answers every machine of Azure.
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
        # Multicast, and the reserved rest.
        "224.0.0.0/3",
    )
]
OPEN_V6 = ipaddress.IPv6Network("2000::/3")
# Teredo and other protocols, documentation twice, 6to4: some of them embed an IPv4 address.
CLOSED_V6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
INNER_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
NAME = re.compile(r"(?=.{1,253}\.?\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """The URL is not allowed, now or later.

    `code` is `url_refused` (its form), `https_only` or `address_refused` (it leads into a network); `message`
    is for the user who gave the URL.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(code)


class Failed(Exception):
    """There was no answer, but a retry may get one; `code` is `timeout`, `dns`, `tls` or `connection`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class AddressRefused(OSError):
    """The address is not public; raised when a socket would be made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, whatever it is, and the first bytes of the body, not unpacked."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


def is_public(address: Address) -> bool:
    """Whether an address is public; for an IPv6 address that embeds an IPv4 address, whether that one is."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def read_address(host: str) -> Address | None:
    """Return the address that a host is, also for forms like 0x7f.1 and 2130706433; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def name_host(url: URL) -> str:
    """Return the host in the form of OUTBOUND_ALLOW: lower case, no trailing dot, IPv6 in brackets."""
    host = (url.raw_host or "").lower().rstrip(".")
    if ":" not in host:
        return host
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return f"[{host}]"


def is_allowed(url: URL, allow: Collection[str]) -> bool:
    """Whether the operator has exempted the host, for every port or for this one."""
    host = name_host(url)
    return host in allow or f"{host}:{url.port}" in allow


def check_url(text: str, allow: Collection[str] = ()) -> URL:
    """Return the URL to request if its form is acceptable; raises Refused.

    `allow` is Config.outbound_allow: these hosts may use http, and any address. Names are not looked up here:
    that is done, and every address checked, at the request.
    """
    if len(text) > MAX_URL_CHARS:
        raise Refused("url_refused", f"Is longer than {MAX_URL_CHARS} characters.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise Refused("url_refused", "Holds characters that no URL has.")
    try:
        # ASCII stays unchanged, as a signature may cover it.
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
    """Return a socket for a looked-up address (as of getaddrinfo); raises AddressRefused."""
    family, kind, protocol, _, address = info
    found = read_address(address[0])
    if found is None or not is_public(found):
        # Always the same text: if all addresses are refused, the connector raises this error.
        raise AddressRefused("address refused")
    return socket.socket(family, kind, protocol)


class OwnThreads(aiohttp.abc.AbstractResolver):
    """Looks names up in its own threads, so that nameservers that never answer block nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="outbound-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Return the addresses of a name; raises OSError."""
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
        """Cancel waiting lookups, and start no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Outbound:
    """Sends requests to addresses given by users; belongs to one event loop and is closed at its end.

    It follows no redirect, keeps no cookie, takes no proxy or password from the environment, and unpacks no
    body. `allow` is Config.outbound_allow.
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
        # Exempted hosts have a session of their own, whose addresses are not checked.
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
        """Send one request; any status is an answer, of whose body `most` bytes are read.

        `seconds` limits everything, from waiting for a connection to the last byte. With `body_seconds` the
        body is read only for that time, and may be incomplete. Raises Refused, or Failed without a whole
        answer.
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
    """Return the seconds of a Retry-After header, at most a day; None if it names no time."""
    if text is None:
        return None
    try:
        wait = float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), float(DAY_SECONDS))


async def read_start(response: aiohttp.ClientResponse, most: int, seconds: float | None = None) -> bytes:
    """Return the first `most` bytes of a body; a connection with more to come is closed.

    With `seconds`, return the bytes that come within that time, even if reading fails.
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
