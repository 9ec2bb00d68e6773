"""The client's address as proxies report it; never an address that the client claims."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from nexcorp.config import Config
from nexcorp.security import limits, throttle
from nexcorp.security.addresses import came_by_tls, client_address

CONFIG = Config(trusted_proxies=("10.0.0.0/8", "2001:db8:f::/48"))
PROXY = "10.0.0.1"


def find(config: Config = CONFIG, peer: str = PROXY, *headers: tuple[str, str]) -> str | None:
    """Return the client's address of a request from `peer` with these headers."""
    return client_address(make_request(peer, *headers), config)


def make_request(peer: str, *headers: tuple[str, str]) -> Any:
    """Return a request from `peer`."""
    return make_mocked_request("GET", "/", headers=CIMultiDict(headers)).clone(remote=peer)


WRITTEN = {
    "198.51.100.7": "198.51.100.7",
    " 198.51.100.7 ": "198.51.100.7",
    "198.51.100.8:40123": "198.51.100.8",
    '"198.51.100.8:40123"': "198.51.100.8",
    "2001:db8::9": "2001:db8::9",
    "2001:DB8:0::9": "2001:db8::9",
    "[2001:db8::9]": "2001:db8::9",
    "[2001:db8::9]:40123": "2001:db8::9",
    '"[2001:db8::9]:40123"': "2001:db8::9",
    "fe80::1%eth0": "fe80::1",
    "[fe80::1%25eth0]:443": "fe80::1",
    "::ffff:198.51.100.7": "198.51.100.7",
    "[::ffff:198.51.100.7]:80": "198.51.100.7",
    "64:ff9b::c633:6407": "198.51.100.7",
    "64:ff9b::198.51.100.7": "198.51.100.7",
    "198.51.100.7:_p1.x-y": "198.51.100.7",
    "[2001:db8::9]:_gazonk": "2001:db8::9",
    # A value that is no address leaves the proxy's own.
    "198.51.100.7:_": PROXY,
    "unknown": PROXY,
    "_hidden": PROXY,
    "": PROXY,
    "198.51.100.7:": PROXY,
    "198.51.100.7:80:90": PROXY,
    "[2001:db8::9": PROXY,
    "[2001:db8::9]x": PROXY,
    "[]": PROXY,
    "198.51.100.007": PROXY,
    "1.2.3": PROXY,
    "é": PROXY,
}


@pytest.mark.parametrize(("text", "address"), WRITTEN.items())
def test_however_a_proxy_writes_it(text: str, address: str) -> None:
    assert find(CONFIG, PROXY, ("X-Forwarded-For", text)) == address
    assert find(CONFIG, PROXY, ("X-Forwarded-For", f"203.0.113.1, {text}")) == address


@pytest.mark.parametrize(("text", "address"), WRITTEN.items())
def test_forwarded(text: str, address: str) -> None:
    for element in (f"for={text}", f"For={text};proto=https;by=10.0.0.1", f"proto=http; for={text}"):
        assert find(CONFIG, PROXY, ("Forwarded", element)) == address
        assert find(CONFIG, PROXY, ("Forwarded", f"for=203.0.113.1, {element}")) == address
        assert find(CONFIG, PROXY, ("Forwarded", "for=203.0.113.1"), ("Forwarded", element)) == address


def test_several_proxies_are_walked_through_from_the_right() -> None:
    hops = "203.0.113.9, 198.51.100.7:1234, 10.2.3.4:80, [2001:db8:f::1]:443"
    assert find(CONFIG, PROXY, ("X-Forwarded-For", hops)) == "198.51.100.7"
    assert find(CONFIG, PROXY, ("X-Forwarded-For", "10.2.3.4, 10.2.3.5")) == "10.2.3.4"
    listed = 'for=203.0.113.9, for="198.51.100.7:1234";by=x, for=10.2.3.4, For="[2001:db8:f::1]"'
    assert find(CONFIG, PROXY, ("Forwarded", listed)) == "198.51.100.7"


def test_a_client_does_not_choose_its_address() -> None:
    claims = (
        ("Forwarded", "for=203.0.113.9"),
        ("Forwarded", 'for="203.0.113.9'),
        ("Forwarded", 'for="203.0.113.9, for=203.0.113.8;x="'),
    )
    for claim in claims:
        # A proxy that writes one of the headers passes the other one on unchanged.
        assert find(CONFIG, PROXY, claim, ("X-Forwarded-For", "198.51.100.7")) == "198.51.100.7"
        assert find(CONFIG, PROXY, claim, ("Forwarded", "for=198.51.100.7")) == "198.51.100.7"
        # If the last element names no address, or two, the elements before it are not believed.
        for unclear in ("for=unknown", "proto=https", "for=198.51.100.7;for=203.0.113.9"):
            assert find(CONFIG, PROXY, claim, ("Forwarded", unclear)) == PROXY
        for peer in ("198.51.100.7", "2001:db8::9"):
            assert find(CONFIG, peer, claim, ("X-Forwarded-For", "203.0.113.9")) == peer
            assert find(replace(CONFIG, trusted_proxies=()), peer, claim) == peer


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
def test_a_peer_over_ipv6_is_the_same_proxy_and_the_same_client(peer: str) -> None:
    assert find(CONFIG, peer, ("X-Forwarded-For", "198.51.100.7")) == "198.51.100.7"
    assert find(replace(CONFIG, trusted_proxies=()), peer) == PROXY


def test_clients_behind_nat64_have_budgets_of_their_own() -> None:
    for network_of in (limits.network_of, throttle.network_of):
        assert network_of("64:ff9b::198.51.100.7") == network_of("198.51.100.7")
        assert network_of("64:ff9b::198.51.100.7") != network_of("64:ff9b::203.0.113.7")
        assert network_of("fe80::1%eth0") == network_of("fe80::2%eth1")


@pytest.mark.parametrize(
    ("headers", "tls"),
    [
        ([("X-Forwarded-Proto", "https")], True),
        ([("Forwarded", "for=198.51.100.7;proto=https")], True),
        ([("Forwarded", 'proto="HTTPS"')], True),
        ([("Forwarded", "proto=https, proto=http")], False),
        ([("Forwarded", "proto=https"), ("X-Forwarded-Proto", "http")], False),
        ([], False),
    ],
)
def test_whether_the_client_spoke_tls(headers: list[tuple[str, str]], tls: bool) -> None:
    assert came_by_tls(make_request(PROXY, *headers), CONFIG) is tls
    assert came_by_tls(make_request("198.51.100.7", *headers), CONFIG) is False
