"""Parse the texts of settings: lists, addresses, ports, URLs. Parsers raise ValueError or ConfigError."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from nexcorp.redis_url import WANTS, parse_url


def parse_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated setting, dropping blanks: "a, b" -> ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_networks(text: str) -> tuple[str, ...]:
    """Split TRUSTED_PROXIES into networks; a bare address is a network of one."""
    return tuple(str(ip_network(part, strict=False)) for part in parse_list(text))


def parse_hosts(text: str) -> tuple[str, ...]:
    """Split HOST into the IP addresses to listen at."""
    return tuple(str(ip_address(part.strip("[]"))) for part in parse_list(text))


def parse_address(text: str) -> str:
    """Parse an http(s) address without user, query and fragment; drop slashes at its end."""
    parts = urlsplit(text)
    # Reading `port` raises ValueError if it is no port.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("wants an address such as https://example.com")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("wants an address without user, query and fragment")
    return text.rstrip("/")


def parse_addresses(text: str) -> tuple[str, ...]:
    """Split OAUTH_RETURN_TO into addresses."""
    return tuple(parse_address(part) for part in parse_list(text))


def parse_allowed(text: str) -> tuple[str, ...]:
    """Split OUTBOUND_ALLOW into `host` and `host:port`, in lower case, IPv6 addresses in brackets."""
    found = []
    for part in parse_list(text.lower()):
        bare = f"[{part}]" if part.count(":") > 1 and "[" not in part else part
        parts = urlsplit(f"//{bare}")
        if not parts.hostname or not bare.isascii() or set("/@?#* ") & set(bare) or parts.port == 0:
            raise ValueError("wants hosts, or host:port, without a scheme: push.example.com, 10.0.0.5:8443")
        host = f"[{ip_address(parts.hostname)}]" if ":" in parts.hostname else parts.hostname.rstrip(".")
        found.append(host if parts.port is None else f"{host}:{parts.port}")
    return tuple(found)


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def parse_vapid_key(text: str) -> str:
    """Parse a private key of Web Push, 32 bytes as base64url. The error never quotes it."""
    bare = text.rstrip("=")
    try:
        data = b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if len(data) != 32 or not 0 < int.from_bytes(data, "big") < P256_ORDER:
        raise ValueError("wants 32 bytes as base64url, as `nexcorp doctor --vapid` makes them")
    return bare


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser that accepts one of these words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"wants one of {', '.join(choices)}")
        return text.lower()

    return parse


def parse_count(text: str) -> int:
    """Parse a whole number of at least 0."""
    number = int(text)
    if number < 0:
        raise ValueError("wants a whole number of at least 0")
    return number


def parse_flag(text: str) -> bool:
    """Parse true or false."""
    return one_of("true", "false")(text) == "true"


def parse_switch(text: str) -> bool:
    """Parse on or off."""
    return one_of("on", "off")(text) == "on"


def parse_pool(text: str) -> tuple[int, int]:
    """Parse DATABASE_POOL, "5..20" or "10" (both ends the same), in connections."""
    low, _, high = text.partition("..")
    least, most = int(low), int(high or low)
    if not 1 <= least <= most <= 1000:
        raise ValueError("wants MIN..MAX with 1 <= MIN <= MAX <= 1000")
    return least, most


def parse_positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError("wants a whole number of at least 1")
    return number


def parse_port(text: str) -> int:
    """Parse a TCP port; 0 lets the system choose one."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError("wants a port from 0 to 65535")
    return number


MAIL_SCHEMES = ("smtp", "smtp+starttls", "smtps")


def split_secret_url(text: str, wants: str) -> SplitResult:
    """Split a URL that holds a password; raises ValueError with `wants`, which never quotes the URL."""
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError(wants) from None


SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def parse_database_url(text: str) -> str:
    """Check a URL of PostgreSQL. The error never quotes it."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    wants = "wants postgresql://user:password@host:port/database"
    if split_secret_url(text, wants).scheme not in ("postgres", "postgresql"):
        raise ValueError(wants)
    try:
        parts = conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        raise ValueError(f"{wants}, with special characters percent-encoded") from None
    for port in str(parts.get("port", "")).split(","):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("its port is no number from 1 to 65535")
    if parts.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        raise ValueError(f"its sslmode is none of {', '.join(SSL_MODES)}")
    return text


def parse_dsn(text: str) -> str:
    """Check a DSN of Sentry, or of a service that speaks its protocol. The error never quotes it."""
    wants = "wants https://key@host/project"
    parts = split_secret_url(text, wants)
    if parts.scheme not in ("http", "https") or not (parts.username and parts.hostname):
        raise ValueError(wants)
    if not parts.path.rpartition("/")[2].isdigit():
        raise ValueError(wants)
    return text


def parse_redis_url(text: str) -> str:
    """Check a URL of Redis, of a cluster or of Sentinels. The error never quotes it."""
    split_secret_url(text, WANTS)
    parse_url(text)
    return text


def parse_smtp_url(text: str) -> str:
    """Check a URL of a mail server. The error never quotes it, as it may hold a password."""
    wants = "wants smtp://, smtp+starttls:// or smtps://user:password@host:port"
    parts = split_secret_url(text, wants)
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname:
        raise ValueError(wants)
    try:
        parts.port  # noqa: B018 - it is read only here
    except ValueError:
        raise ValueError("its port is no number from 0 to 65535") from None
    return text


def parse_sender(text: str) -> str:
    """Check a sender, `Name <address>` or an address alone, on one line."""
    name, address = parseaddr(text)
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError):
        address = ""
    if "@" not in address or not text.isprintable():
        raise ValueError("wants an address, or Name <address>")
    return text


def parse_cloudinary_url(text: str) -> str:
    """Check that a CLOUDINARY_URL has all of its parts."""
    wants = "wants cloudinary://key:secret@cloud"
    parts = split_secret_url(text, wants)
    if parts.scheme != "cloudinary" or not (parts.username and parts.password and parts.hostname):
        raise ValueError(wants)
    return text
