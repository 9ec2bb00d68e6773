"""The queue of mails: late servers, refusals, workers that die, and development without a server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiosmtpd.smtp import AuthResult

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.errors import ConfigError
from nexcorp.integrations.mail import SmtpMailer, make_mailer
from nexcorp.integrations.mail_messages import Mail, MailRefused, compose
from nexcorp.integrations.mail_texts import TEXTS, write_mail
from tests.conftest import wait_until
from tests.mailserver import MailServer, find_token
from workers.jobs import mail as job
from workers.jobs.cleanup import clean_up
from workers.jobs.mail import MAX_ATTEMPTS, MailQueue, poll_mails, send_mails
from workers.settings import serve

BASE = "http://localhost:8080"
SENDER = "NexCorp <connect@example.com>"


@pytest.fixture
async def smtp() -> Any:
    """A mail server that does not run yet: `await smtp.start()`."""
    server = MailServer()
    yield server
    await server.stop()


@pytest.fixture
def queue(database: Database, smtp: MailServer) -> MailQueue:
    return MailQueue(database, SmtpMailer(smtp.url, SENDER), BASE)


@pytest.fixture
def ask(database: Database, people: Any) -> Any:
    """`await ask(2)` queues a mail to each of two new people; returns their addresses."""

    async def ask(count: int = 1, kind: str = "verify_email") -> list[str]:
        addresses = []
        async with database.transaction(wait=5) as conn:
            for user_id in await people(count):
                address = await conn.fetchval("SELECT email FROM users WHERE id = $1", user_id)
                await sql.mails.insert_mail(
                    conn, user_id=user_id, kind=kind, address=address, data={}, spacing=0, most=100
                )
                addresses.append(address)
        return addresses

    return ask


@pytest.fixture
def look(database: Database) -> Any:
    """`await look()` returns the only mail's row; `await look("UPDATE ...")` runs the statement first."""

    async def look(statement: str | None = None) -> Any:
        async with database.connection(wait=5) as conn:
            if statement:
                await conn.execute(statement)
            return await conn.fetchrow("SELECT *, sent_at IS NOT NULL AS sent FROM mails")

    return look


DUE = "UPDATE mails SET next_at = now()"


async def test_server_that_comes_late_gets_it(queue: Any, smtp: Any, ask: Any, look: Any) -> None:
    (address,) = await ask()
    assert await queue.drain() == 1
    row = await look()
    assert (row["attempts"], row["sent"], row["failed_at"]) == (1, False, None)
    assert row["last_error"] == "SMTPConnectError"
    assert await queue.drain() == 0
    await smtp.start()
    await look(DUE)
    assert await queue.drain() == 1
    row = await look()
    assert (row["sent"], row["last_error"]) == (True, None)
    assert [to for to, _ in smtp.mails] == [address]
    assert len(find_token(smtp.mails[0][1])) >= 43


async def test_delay_grows_and_ends(queue: Any, ask: Any, look: Any) -> None:
    await ask()
    delays = []
    for _ in range(MAX_ATTEMPTS):
        await look(DUE)
        await queue.drain()
        row = await look("UPDATE mails SET data = '{}'")
        async with queue.database.connection(wait=5) as conn:
            delays.append(
                await conn.fetchval("SELECT extract(epoch FROM next_at - now())::integer FROM mails")
            )
    assert [round(delay / 10) for delay in delays[:4]] == [1, 3, 9, 27]
    assert max(delays) <= 6 * 3600
    assert (row["attempts"], row["sent"]) == (MAX_ATTEMPTS, False)
    assert row["failed_at"] is not None and row["last_error"]
    await look(DUE)
    assert await queue.drain() == 0


@pytest.mark.parametrize("stage", ["recipient_says", "data_says"])
async def test_refusals(queue: Any, smtp: Any, ask: Any, look: Any, stage: str) -> None:
    await smtp.start()
    await ask()
    setattr(smtp, stage, "451 try later")
    await queue.drain()
    row = await look()
    assert (row["attempts"], row["failed_at"]) == (1, None)
    assert "451" in row["last_error"]
    setattr(smtp, stage, "550 no such user")
    await look(DUE)
    await queue.drain()
    row = await look()
    assert row["failed_at"] is not None and "550" in row["last_error"]
    setattr(smtp, stage, "250 OK")
    await look(DUE)
    assert await queue.drain() == 0 and smtp.mails == []


async def test_worker_that_dies_sends_again(queue: Any, smtp: Any, ask: Any, look: Any) -> None:
    await smtp.start()
    await ask()
    reached, forever = asyncio.Event(), asyncio.Event()
    said = smtp.handle_DATA

    async def hang(*arguments: Any) -> str:
        answer: str = await said(*arguments)
        reached.set()
        await forever.wait()
        return answer

    smtp.handle_DATA = hang
    dying = asyncio.create_task(queue.drain())
    await reached.wait()
    dying.cancel()
    forever.set()
    await asyncio.gather(dying, return_exceptions=True)
    smtp.handle_DATA = said
    # The other worker leaves the mail alone while the first one may still live.
    other = MailQueue(queue.database, queue.mailer, BASE)
    assert await other.drain() == 0
    await look(DUE)
    assert await other.drain() == 1
    first, second = (mail for _, mail in smtp.mails)
    # A mailbox shows the two mails as one; the tokens of both are valid.
    assert first["Message-ID"] == second["Message-ID"]
    assert find_token(first) != find_token(second)
    async with queue.database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM account_tokens") == 2
    assert (await look())["sent"]


async def test_two_workers_send_each_mail_once(queue: Any, smtp: Any, ask: Any) -> None:
    await smtp.start()
    addresses = await ask(23)
    other = MailQueue(queue.database, queue.mailer, BASE)
    tried = await asyncio.gather(queue.drain(), other.drain())
    assert sum(tried) == 23
    assert sorted(to for to, _ in smtp.mails) == sorted(addresses)


async def test_what_no_longer_fits_is_not_sent(queue: Any, smtp: Any, ask: Any, look: Any) -> None:
    await smtp.start()
    await ask()
    await look("UPDATE users SET email_verified_at = now()")
    await queue.drain()
    assert (smtp.mails, (await look())["last_error"]) == ([], job.OBSOLETE)


async def test_poll_makes_up_for_a_lost_wake(queue: Any, smtp: Any, ask: Any, look: Any) -> None:
    await smtp.start()
    polling = asyncio.create_task(poll_mails(queue, 0.1))
    await ask()

    async def sent() -> bool:
        return bool((await look())["sent"])

    await wait_until(sent)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert await send_mails({"mails": queue}) == 0


async def test_wake_sends_within_a_second(
    config: Config, smtp: Any, web_only: Any, monkeypatch: Any, look: Any
) -> None:
    """The wake goes through Redis and SAQ; the poll alone would be too late."""
    monkeypatch.setattr("workers.settings.poll_mails", lambda mails: poll_mails(mails, 3600))
    await smtp.start()
    config = replace(config, smtp_url=smtp.url, mail_from=SENDER)
    stop = asyncio.Event()
    worker = asyncio.create_task(serve(config, stop))
    runner, _, url = await web_only()
    # The worker has found the queue empty by then.
    await asyncio.sleep(1)
    async with aiohttp.ClientSession() as session:
        body = {"email": "ada@example.com", "password": "a good long password"}
        async with session.post(url + "/api/v1/auth/register", json=body) as answer:
            assert answer.status == 201

    async def sent() -> Any:
        return smtp.sent_to("ada@example.com")

    await wait_until(sent)
    await runner.cleanup()
    stop.set()
    await worker


async def test_development_keeps_mails_in_a_folder(
    config: Config, database: Database, ask: Any, look: Any, capsys: Any
) -> None:
    (address,) = await ask()
    await MailQueue(database, make_mailer(config), BASE).drain()
    (path,) = (Path(config.home) / "mail").iterdir()
    assert (path.suffix, path.stat().st_mode & 0o777) == (".eml", 0o600)
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["To"] == address
    token = find_token(message)  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert address in printed and f"{BASE}/verify-email#token={token}" in printed
    assert (await look())["sent"]


async def test_without_a_server_production_leaves_them_queued(
    config: Config, database: Any, ask: Any
) -> None:
    await ask()
    mailer = make_mailer(replace(config, env="production"))
    assert mailer is None
    assert await MailQueue(database, mailer, BASE).drain() == 0


async def test_clean_up(
    config: Config, database: Database, queue: Any, smtp: Any, ask: Any, look: Any
) -> None:
    await smtp.start()
    await ask()
    await queue.drain()
    await look("UPDATE account_tokens SET expires_at = now() - interval '1 second'")
    await clean_up({"database": database, "config": config})
    assert await look() is not None
    await look("UPDATE mails SET created_at = now() - interval '8 days', sent_at = now() - interval '8 days'")
    await clean_up({"database": database, "config": config})
    assert await look() is None
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM account_tokens") == 0


async def test_one_mail_that_spoils_holds_up_no_other(
    queue: Any, smtp: Any, ask: Any, look: Any, monkeypatch: Any
) -> None:
    await smtp.start()
    await ask(3)
    await look("UPDATE mails SET kind = 'email_changed' WHERE id = (SELECT min(id::text)::uuid FROM mails)")
    assert await queue.drain() == 3
    assert len(smtp.mails) == 2
    async with queue.database.connection(wait=5) as conn:
        errors = await conn.fetch("SELECT last_error, attempts FROM mails WHERE sent_at IS NULL")
    assert [tuple(row) for row in errors] == [("KeyError", 1)]


# aiosmtpd warns of these options of the test's server.
@pytest.mark.filterwarnings("ignore:Requiring AUTH", "ignore:Session.login_data")
async def test_user_and_password_of_the_url(database: Any, smtp: Any, ask: Any, look: Any) -> None:
    seen = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss:word", handled=False)

    smtp.options = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    await smtp.start()
    await ask()
    for password, sent in (("wrong", False), ("p%40ss%3Aword", True)):
        url = f"smtp://robot:{password}@127.0.0.1:{smtp.port}"
        await look(DUE)
        await MailQueue(database, SmtpMailer(url, SENDER), BASE).drain()
        row = await look()
        assert (row["sent"], row["failed_at"]) == (sent, None)
    assert seen[-1] == (b"robot", b"p@ss:word")


async def test_starttls_is_insisted_on(database: Any, smtp: Any, ask: Any, look: Any) -> None:
    await smtp.start()
    await ask()
    url = smtp.url.replace("smtp://", "smtp+starttls://")
    await MailQueue(database, SmtpMailer(url, SENDER), BASE).drain()
    row = await look()
    assert (smtp.tried, row["sent"], row["attempts"]) == ([], False, 1)


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_every_kind_has_a_text(kind: str) -> None:
    mail = write_mail(
        "1", kind, "a@example.com", {"name": "Ada", "newEmail": "b@example.com"}, base=BASE, token="t"
    )
    assert mail.subject and "Ada" in mail.paragraphs[0]
    assert (mail.link is None) == (not TEXTS[kind].needs_token)
    assert "{" not in "".join(mail.paragraphs)


@pytest.mark.parametrize(
    "address", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "", "nobody"]
)
def test_no_address_adds_a_header(address: str) -> None:
    mail = Mail("1", address, "Subject", ("Text",))
    try:
        message = message_from_bytes(compose(mail, SENDER), policy=policy.default)
    except MailRefused:
        return
    assert message["Bcc"] is None and len(message["To"].addresses) <= 1
    assert "\n" not in message["To"]


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"SMTP_URL": "http://x"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://user:hunter2@"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://user:hunter2@host:99999"}, "SMTP_URL"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM"),
        ({"MAIL_FROM": "a@example.com\nBcc: b@example.com"}, "MAIL_FROM"),
    ],
)
def test_wrong_settings_are_named_without_their_secrets(environ: dict[str, str], names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env(environ)
    assert names in str(caught.value) and "hunter2" not in str(caught.value)


def test_server_needs_a_sender_and_an_address(config: Config) -> None:
    config = replace(config, env="production", smtp_url="smtps://host", public_url="")
    with pytest.raises(ConfigError, match=r"MAIL_FROM.*PUBLIC_URL"):
        config.require_services()
    replace(config, mail_from=SENDER, public_url="https://x.example.com").require_services()
