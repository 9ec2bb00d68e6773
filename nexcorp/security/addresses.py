"""The client's address: the peer's, or the one that a trusted proxy reports."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from nexcorp.config import Config

Networks = tuple[IPv4Network | IPv6Network, ...]

PORT = re.compile(r":(?:[0-9A-Za-z]+|_[0-9A-Za-z._-]+)")
# The network in which NAT64 embeds the IPv4 addresses of clients (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=8)
def parse_networks(texts: tuple[str, ...]) -> Networks:
    """Parse TRUSTED_PROXIES as networks; a bare address is a network of one."""
    return tuple(ip_network(text, strict=False) for text in texts)


@lru_cache(maxsize=16_384)
def parse_host(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `text` names, or None.

    It may be in quotes or brackets, and have a port or a zone. For an IPv4 address within an IPv6 one, mapped
    or by NAT64, the IPv4 address is returned.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not is_port(f":{port}"):
            return None
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped
        if parsed in NAT64:
            return IPv4Address(parsed.packed[12:])
    return parsed


def is_port(text: str) -> bool:
    """Return whether `text` is a colon and a port, which may be a name (RFC 7239)."""
    return PORT.fullmatch(text) is not None


def is_trusted(address: str, networks: Networks) -> bool:
    """Return whether `address` is one of our proxies."""
    parsed = parse_host(address)
    return parsed is not None and any(parsed in network for network in networks)


def read_parameter(element: str, name: str) -> str | None:
    """Return a parameter of an element of Forwarded, as `for="[2001:db8::1]";proto=http`; None unless it
    occurs once."""
    found = [
        value.strip()
        for key, is_pair, value in (part.partition("=") for part in element.split(";"))
        if is_pair and key.strip().lower() == name
    ]
    return found[0] if len(found) == 1 else None


def list_elements(request: web.Request) -> list[str]:
    """Return the elements of Forwarded (RFC 7239), the newest last.

    A comma always ends an element, even in quotes: a quote left open by a client hides no later element.
    """
    return ",".join(request.headers.getall("Forwarded", [])).split(",")


def list_hops(request: web.Request) -> list[str]:
    """Return the client that each proxy saw, the newest last: from X-Forwarded-For, or else Forwarded."""
    lines = request.headers.getall("X-Forwarded-For", [])
    if lines:
        return ",".join(lines).split(",")
    return [read_parameter(element, "for") or "" for element in list_elements(request)]


def client_address(request: web.Request, config: Config) -> str | None:
    """Return the address that a request counts for.

    The headers are read from the right, and only as long as the sender is a trusted proxy: values further
    left are the client's own claim.
    """
    address = request.remote
    if not address:
        return address
    address = str(parse_host(address) or address)
    if not config.trusted_proxies:
        return address
    networks = parse_networks(config.trusted_proxies)
    if not is_trusted(address, networks):
        return address
    for hop in reversed(list_hops(request)):
        parsed = parse_host(hop)
        if parsed is None:
            return address
        address = str(parsed)
        if not is_trusted(address, networks):
            return address
    return address


def came_by_tls(request: web.Request, config: Config) -> bool:
    """Return whether a trusted proxy says that the client used TLS."""
    if not config.trusted_proxies or not request.remote:
        return False
    scheme = request.headers.get("X-Forwarded-Proto")
    if scheme is None:
        scheme = (read_parameter(list_elements(request)[-1], "proto") or "").strip('"').lower()
    return scheme == "https" and is_trusted(request.remote, parse_networks(config.trusted_proxies))
