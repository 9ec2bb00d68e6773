"""Settings. Only this module reads the environment; all other code is given a `Config`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from nexcorp.errors import ConfigError
from nexcorp.settings import (
    one_of,
    parse_address,
    parse_addresses,
    parse_allowed,
    parse_cloudinary_url,
    parse_count,
    parse_database_url,
    parse_dsn,
    parse_flag,
    parse_hosts,
    parse_list,
    parse_networks,
    parse_pool,
    parse_port,
    parse_positive,
    parse_redis_url,
    parse_sender,
    parse_smtp_url,
    parse_switch,
    parse_vapid_key,
)

REPOSITORY = Path(__file__).resolve().parent.parent

MIN_SECRET_BYTES = 32


def setting_field(
    name: str,
    default: Any,
    parse: Callable[[str], Any] = str,
    *,
    secret: bool = False,
    about: str = "",
) -> Any:
    """Return a dataclass field that is read from the environment variable `name`."""
    return field(
        default=default,
        metadata={"name": name, "parse": parse, "secret": secret, "about": about},
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, parsed and checked once. See .env.example for the same list in prose."""

    env: str = setting_field(
        "NEXCORP_ENV", "production", one_of("production", "development"), about="production or development"
    )
    port: int = setting_field("PORT", 8080, parse_port, about="port of the web process")
    host: tuple[str, ...] = setting_field(
        "HOST", (), parse_hosts, about="IP addresses the web process listens at; all, in development loopback"
    )
    web_concurrency: int = setting_field(
        "WEB_CONCURRENCY", 1, parse_positive, about="processes of one web dyno"
    )
    database_url: str = setting_field(
        "DATABASE_URL", "", parse_database_url, secret=True, about="postgresql://... with any sslmode"
    )
    database_pool: tuple[int, int] = setting_field(
        "DATABASE_POOL", (5, 20), parse_pool, about="connections of one process, MIN..MAX"
    )
    statement_cache: int = setting_field(
        "DATABASE_STATEMENT_CACHE",
        1024,
        parse_count,
        about="prepared statements kept; 0 behind a transaction-mode PgBouncer",
    )
    database_read_url: str = setting_field(
        "DATABASE_READ_URL", "", parse_database_url, secret=True, about="a replica for lists and search"
    )
    database_read_lag: int = setting_field(
        "DATABASE_READ_LAG", 10, parse_positive, about="seconds it may be behind; then the primary is read"
    )
    slow_statement_ms: int = setting_field(
        "SLOW_STATEMENT_MS", 0, parse_count, about="statements of so many ms are logged by name; 0: none"
    )
    redis_url: str = setting_field(
        "REDIS_URL",
        "",
        parse_redis_url,
        secret=True,
        about="redis:// or rediss://, of a cluster all its nodes, or redis+sentinel://",
    )
    home: str = setting_field("NEXCORP_HOME", ".nexcorp", about="state of the embedded servers")
    public_url: str = setting_field("PUBLIC_URL", "", about="address users reach the service at")
    jwt_secret: str = setting_field("JWT_SECRET", "", secret=True, about=f"{MIN_SECRET_BYTES} bytes or more")
    jwt_secret_previous: str = setting_field(
        "JWT_SECRET_PREVIOUS", "", secret=True, about="still verifies after a rotation"
    )
    cors_origins: tuple[str, ...] = setting_field(
        "CORS_ORIGINS", (), parse_list, about="origins that may call with credentials"
    )
    allowed_hosts: tuple[str, ...] = setting_field(
        "ALLOWED_HOSTS", (), parse_list, about="further names it may be called by, .example.com for all below"
    )
    trusted_proxies: tuple[str, ...] = setting_field(
        "TRUSTED_PROXIES",
        (),
        parse_networks,
        about="networks whose X-Forwarded-For, -Proto and Forwarded are believed",
    )
    oauth_github_id: str = setting_field("OAUTH_GITHUB_ID", "", about="client id at GitHub")
    oauth_github_secret: str = setting_field(
        "OAUTH_GITHUB_SECRET", "", secret=True, about="client secret at GitHub"
    )
    oauth_github_issuer: str = setting_field(
        "OAUTH_GITHUB_ISSUER", "", parse_address, about="its address, where it is another than usual"
    )
    oauth_google_id: str = setting_field("OAUTH_GOOGLE_ID", "", about="client id at Google")
    oauth_google_secret: str = setting_field(
        "OAUTH_GOOGLE_SECRET", "", secret=True, about="client secret at Google"
    )
    oauth_google_issuer: str = setting_field(
        "OAUTH_GOOGLE_ISSUER", "", parse_address, about="its address, where it is another than usual"
    )
    oauth_gitlab_id: str = setting_field("OAUTH_GITLAB_ID", "", about="client id at GitLab")
    oauth_gitlab_secret: str = setting_field(
        "OAUTH_GITLAB_SECRET", "", secret=True, about="client secret at GitLab"
    )
    oauth_gitlab_issuer: str = setting_field(
        "OAUTH_GITLAB_ISSUER", "", parse_address, about="its address, where it is another than usual"
    )
    oauth_oidc_id: str = setting_field("OAUTH_OIDC_ID", "", about="client id at any OpenID Connect provider")
    oauth_oidc_secret: str = setting_field(
        "OAUTH_OIDC_SECRET", "", secret=True, about="client secret at any OpenID Connect provider"
    )
    oauth_oidc_issuer: str = setting_field(
        "OAUTH_OIDC_ISSUER", "", parse_address, about="the address of the provider, where discovery begins"
    )
    oauth_return_to: tuple[str, ...] = setting_field(
        "OAUTH_RETURN_TO", (), parse_addresses, about="further addresses that a sign-in may return to"
    )
    registration: str = setting_field(
        "REGISTRATION",
        "",
        one_of("open", "verified", "invite", "closed"),
        about="open, verified, invite or closed; verified, in development open",
    )
    rate_limit_registrations: int | None = setting_field(
        "RATE_LIMIT_REGISTRATIONS",
        None,
        parse_count,
        about="accounts an hour that one address may make; 0: no limit; 20, in development 0",
    )
    rate_limit_anonymous: int = setting_field(
        "RATE_LIMIT_ANONYMOUS", 100, parse_count, about="requests a minute of one address; 0: no limit"
    )
    rate_limit_user: int = setting_field(
        "RATE_LIMIT_USER", 600, parse_count, about="requests a minute of one account; 0: no limit"
    )
    rate_limit_files: int = setting_field(
        "RATE_LIMIT_FILES",
        600,
        parse_count,
        about="requests a minute of one address outside of /api/v1, files and pages; 0: no limit",
    )
    mentions_a_minute: int = setting_field(
        "MENTIONS_A_MINUTE",
        5,
        parse_count,
        about="mentions of one by another that are told singly in a minute; the rest comes as one. 0: all",
    )
    login_failures: int = setting_field(
        "LOGIN_FAILURES",
        5,
        parse_count,
        about="failed sign-ins of one account and network without a wait; 0: never one",
    )
    max_in_flight: int = setting_field(
        "MAX_IN_FLIGHT", 512, parse_positive, about="requests begun at once; more are held, then get 503"
    )
    cache: bool = setting_field(
        "CACHE", False, parse_switch, about="on: lists and statistics of tasks are kept in Redis for minutes"
    )
    metrics_token: str = setting_field(
        "METRICS_TOKEN", "", secret=True, about="/metrics wants it as bearer token"
    )
    metrics_open: bool = setting_field(
        "METRICS_OPEN", False, parse_flag, about="/metrics answers everybody in production, too"
    )
    worker_metrics_port: int = setting_field(
        "WORKER_METRICS_PORT", 0, parse_port, about="port of the worker's /metrics; 0: it listens at none"
    )
    media_root: str = setting_field("MEDIA_ROOT", "", about="folder of uploaded files; NEXCORP_HOME/media")
    storage_quota_mb: int = setting_field(
        "STORAGE_QUOTA_MB", 1024, parse_count, about="megabytes of files one account may have; 0: no limit"
    )
    storage_free_mb: int = setting_field(
        "STORAGE_FREE_MB",
        500,
        parse_count,
        about="megabytes that uploads leave free on the disk of MEDIA_ROOT",
    )
    uploads_an_hour: int = setting_field(
        "UPLOADS_AN_HOUR", 120, parse_count, about="files one account may add within an hour; 0: no limit"
    )
    keep_metadata: bool = setting_field(
        "KEEP_METADATA",
        False,
        parse_flag,
        about="photos and films keep what says where and with what they were taken",
    )
    cloudinary_url: str = setting_field(
        "CLOUDINARY_URL",
        "",
        parse_cloudinary_url,
        secret=True,
        about="cloudinary://key:secret@cloud; empty: uploads are kept in MEDIA_ROOT",
    )
    smtp_url: str = setting_field(
        "SMTP_URL",
        "",
        parse_smtp_url,
        secret=True,
        about="smtp://, smtp+starttls:// or smtps://user:password@host:port",
    )
    mail_from: str = setting_field("MAIL_FROM", "", parse_sender, about="sender of mails: Name <address>")
    vapid_private_key: str = setting_field(
        "VAPID_PRIVATE_KEY",
        "",
        parse_vapid_key,
        secret=True,
        about="key of Web Push, 32 bytes as base64url; `nexcorp doctor --vapid` makes one",
    )
    outbound_allow: tuple[str, ...] = setting_field(
        "OUTBOUND_ALLOW",
        (),
        parse_allowed,
        about="hosts, or host:port, of a network of yours that requests to addresses of users may reach",
    )
    ai_base_url: str = setting_field(
        "AI_BASE_URL", "", parse_address, about="a language model's OpenAI-compatible address, with its /v1"
    )
    ai_api_key: str = setting_field("AI_API_KEY", "", secret=True, about="the key that it wants")
    ai_model: str = setting_field("AI_MODEL", "default", about="the model that is asked")
    ai_models: tuple[str, ...] = setting_field(
        "AI_MODELS", (), parse_list, about="further models that a chat may choose"
    )
    ai_context_tokens: int = setting_field(
        "AI_CONTEXT_TOKENS",
        8000,
        parse_positive,
        about="tokens of a question with its files and what was said",
    )
    ai_answer_tokens: int = setting_field(
        "AI_ANSWER_TOKENS", 1024, parse_positive, about="tokens of an answer at most"
    )
    ai_tokens_a_day: int = setting_field(
        "AI_TOKENS_A_DAY", 200_000, parse_count, about="tokens that one account may use a day; 0: no limit"
    )
    ai_at_once: int = setting_field(
        "AI_AT_ONCE", 100, parse_positive, about="answers that one worker has written at once"
    )
    otel_endpoint: str = setting_field(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "", parse_address, about="OTLP collector of traces; empty: no traces"
    )
    sentry_dsn: str = setting_field(
        "SENTRY_DSN", "", parse_dsn, secret=True, about="where errors are reported to; empty: nowhere"
    )
    event_retention_days: int = setting_field(
        "EVENT_RETENTION_DAYS", 400, parse_positive, about="how long the audit trail is kept"
    )
    frame_retention_days: int = setting_field(
        "FRAME_RETENTION_DAYS", 7, parse_positive, about="how long room frames can be resumed"
    )
    notification_retention_days: int = setting_field(
        "NOTIFICATION_RETENTION_DAYS", 30, parse_positive, about="how long what is read stays in the inbox"
    )
    message_retention_days: int = setting_field(
        "MESSAGE_RETENTION_DAYS",
        0,
        parse_count,
        about="how long messages between people are kept; 0: until they are deleted",
    )
    log_level: str = setting_field(
        "LOG_LEVEL", "info", one_of("debug", "info", "warning", "error"), about="debug, info, warning, error"
    )
    log_format: str = setting_field(
        "LOG_FORMAT", "", one_of("json", "text"), about="json or text; text on a terminal"
    )

    @property
    def development(self) -> bool:
        """Whether this is a developer's own machine: relaxed secrets, open CORS on localhost."""
        return self.env == "development"

    @property
    def registers(self) -> str:
        """Who may register: everybody ("open", "verified": with few rights until they verify their address),
        people with an invitation ("invite"), or nobody ("closed").
        """
        return self.registration or ("open" if self.development else "verified")

    @property
    def registrations_per_hour(self) -> int:
        """How many accounts one address may create in an hour; 0 for no limit."""
        if self.rate_limit_registrations is None:
            return 0 if self.development else 20
        return self.rate_limit_registrations

    @property
    def hosts(self) -> tuple[str, ...]:
        """The IP addresses to listen at; empty for all addresses of this machine."""
        # In development there is an administrator whose password is published: loopback alone.
        return self.host or (("127.0.0.1", "::1") if self.development else ())

    @property
    def sends_mail(self) -> bool:
        """Whether mails are sent to a server, or in development written to a folder."""
        return bool(self.smtp_url) or self.development

    @property
    def base_url(self) -> str:
        """The address at which users reach the service, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"

    def find_mail_problems(self) -> list[str]:
        """Return the problems with the mail settings, one sentence each."""
        if not self.smtp_url:
            return []
        problems = []
        if not self.mail_from:
            problems.append("MAIL_FROM is not set: SMTP_URL needs a sender")
        if not self.public_url and not self.development:
            problems.append("PUBLIC_URL is not set: the links in mails need it")
        return problems

    @property
    def media_path(self) -> Path:
        """The folder in which uploads are received and, without Cloudinary, kept."""
        return Path(self.media_root or Path(self.home) / "media").expanduser().absolute()

    @property
    def incoming_path(self) -> Path:
        """The folder for files that are still being received: on the same disk as `media_path`."""
        return self.media_path / "incoming"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read and check every setting; raises ConfigError naming each wrong one."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for item in fields(cls):
            name, parse = item.metadata["name"], item.metadata["parse"]
            text = environ.get(name, "")
            if text == "":
                continue
            try:
                values[item.name] = parse(text)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
        if wrong:
            raise ConfigError("; ".join(wrong))
        return cls(**values)

    def require_services(self) -> None:
        """Refuse to start without PostgreSQL, Redis or a signing secret; raises ConfigError."""
        missing = []
        if not self.database_url:
            missing.append("DATABASE_URL is not set (or use `nexcorp dev`, which brings its own)")
        if not self.redis_url:
            missing.append("REDIS_URL is not set (or use `nexcorp dev`, which brings its own)")
        if len(self.jwt_secret.encode()) < MIN_SECRET_BYTES:
            missing.append(f"JWT_SECRET needs at least {MIN_SECRET_BYTES} bytes")
        if self.jwt_secret_previous and len(self.jwt_secret_previous.encode()) < MIN_SECRET_BYTES:
            missing.append(f"JWT_SECRET_PREVIOUS needs at least {MIN_SECRET_BYTES} bytes")
        missing += self.find_mail_problems()
        if missing:
            raise ConfigError("; ".join(missing))


def setting(name: str) -> str | None:
    """Return one environment variable, or None if it is unset or empty."""
    return os.environ.get(name) or None


def child_environment(**extra: str) -> dict[str, str]:
    """Return the environment for a child process: this process's, overridden by `extra`."""
    return {**os.environ, **extra}


def name_the_user() -> None:
    """Set USER if it is unset: yoyo records who migrated, and the uid of a container may have no name."""
    os.environ.setdefault("USER", "nexcorp")
