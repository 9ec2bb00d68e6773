"""Mails of notifications: their content, the reasons to skip them, and that each is sent once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.features import PRODUCT
from nexcorp.integrations.mail import SmtpMailer
from nexcorp.security.secrets import Secrets
from nexcorp.security.unsubscribing import EVERY_TYPE, read_token
from tests.mailserver import MailServer
from tests.workers.sending import DUE, Plans
from workers.sending import MAX_ATTEMPTS, Sender
from workers.sending_mail import MailChannel

BASE = "https://connect.example.com"
SENDER = "NexCorp <connect@example.com>"
SOON_DUE = """UPDATE deliveries SET due_at = now()
WHERE state = 'waiting' AND due_at < now() + interval '3 minutes'"""
LINK = re.compile(r"https://connect\.example\.com/unsubscribe\?token=(\S+)")


@pytest.fixture
async def smtp() -> Any:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def plans(database: Database) -> Plans:
    return Plans(database)


@pytest.fixture
async def make_sender(config: Config, database: Database, smtp: MailServer) -> Any:
    """`make_sender()` returns the part of a worker that sends mails."""
    channels = []

    def make() -> Sender:
        key = Secrets.from_config(config).unsubscribe[0]
        channels.append(MailChannel(SmtpMailer(smtp.url, SENDER), PRODUCT, BASE, key))
        return Sender(database, channels[-1], PRODUCT)

    yield make
    for channel in channels:
        await channel.close()


@pytest.fixture
def sender(make_sender: Any) -> Sender:
    found: Sender = make_sender()
    return found


async def send(*senders: Sender) -> None:
    """Send every mail that is due."""
    await asyncio.gather(*(one.drain() for one in senders))
    await asyncio.gather(*(one.settle() for one in senders))


async def test_what_a_mail_says(sender: Sender, smtp: MailServer, plans: Plans, config: Config) -> None:
    actor = await plans.person(first_name="Zoë\r\nBcc: thief@example.com \u202egnp." + "y" * 300)
    receiver = await plans.person("ada")
    post = await plans.post(receiver, "Bold <b>plan</b>")
    about = await plans.tell(receiver, actor=actor, type="like", entity=("post", post))
    security = await plans.tell(receiver, type="security", variant="password.changed")
    await send(sender)
    assert {to for to, _ in smtp.mails} == {"ada@example.com"}
    mails = {mail["Message-ID"]: mail for _, mail in smtp.mails}
    mail = mails[f"<n.{about}@example.com>"]
    assert "Zoë Bcc: thief@example.com gnp." in mail["Subject"] and len(mail["Subject"]) <= 150
    # The bytes as sent: the header is neither folded nor encoded.
    assert b"\nList-Unsubscribe: <%s/unsubscribe?token=" % BASE.encode() in b"".join(smtp.contents)
    assert mail["Bcc"] is None and "\n" not in mail["Subject"] and "\u202e" not in mail["Subject"]
    assert mail["References"] == mail["In-Reply-To"] == f"<post.{post}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<like.notifications.example.com>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = LINK.search(mail["List-Unsubscribe"])
    assert token is not None and mail["List-Unsubscribe"] == f"<{token[0].rstrip('>')}>"
    keys = Secrets.from_config(config).unsubscribe
    assert read_token(keys, token[1].rstrip(">")) == (receiver, "like")
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert f"{BASE}/n/{about}" in body and LINK.search(body) and "because you take part" in body
        assert "Bold" in body
    assert "Bold <b>" in mail.get_body(("plain",)).get_content()
    assert "Bold &lt;b&gt;" in mail.get_body(("html",)).get_content()
    # Mails about the security of an account have no link to unsubscribe.
    (critical,) = (one for message_id, one in mails.items() if str(security) in message_id)
    assert critical["List-Unsubscribe"] is None and "unsubscribe" not in critical.as_string().lower()
    assert await plans.look(about) == ("sent", None)
    assert await plans.attempts(about) == ["begun", "sent"]
    await plans.run(DUE)
    await send(sender)
    assert len(smtp.mails) == 2


async def test_what_is_left_out(sender: Sender, smtp: MailServer, plans: Plans) -> None:
    me, actor = await plans.person(), await plans.person()
    post = await plans.post(actor)
    told: dict[str, UUID] = {}
    changes = {
        "read": "UPDATE notifications SET is_read = true WHERE id = $1",
        "archived": "UPDATE notifications SET archived_at = now() WHERE id = $1",
        "snoozed": "UPDATE notifications SET snoozed_until = now() + interval '1 day' WHERE id = $1",
        "gone": "DELETE FROM notifications WHERE id = $1",
        "entity_gone": "UPDATE notifications SET entity_id = gen_random_uuid() WHERE id = $1",
    }
    for reason, change in changes.items():
        told[reason] = await plans.tell(me, actor=actor, type="comment", entity=("post", post))
        await plans.run(change, told[reason])
    told["preference"] = await plans.tell(me, actor=actor, type="like", entity=("post", post))
    await plans.run(
        "INSERT INTO notification_preferences (user_id, type, email) VALUES ($1, 'like', 'off')", me
    )
    # Of two devices, the one that is ahead has acknowledged the third frame.
    for seq in (1, 3):
        await plans.run(
            """WITH s AS (
                INSERT INTO sessions (user_id, platform, expires_at)
                VALUES ($1, 'web', now() + interval '1 day') RETURNING id
            )
            INSERT INTO room_acks (session_id, room, seq) SELECT id, 'user:' || $1, $2 FROM s""",
            me,
            seq,
        )
    told["shown"] = await plans.tell(me, actor=actor, frame_seq=3)
    unseen = await plans.tell(me, actor=actor, frame_seq=4)
    always = await plans.tell(me, actor=actor, type="mention", frame_seq=2)
    await plans.run(
        "INSERT INTO notification_preferences (user_id, type, email) VALUES ($1, 'mention', 'always')", me
    )
    nobody = await plans.person()
    await plans.run("UPDATE users SET email_verified_at = NULL WHERE id = $1", nobody)
    told["no_address"] = await plans.tell(nobody, actor=actor)
    await send(sender)
    assert {reason: await plans.look(one) for reason, one in told.items()} == {
        reason: ("skipped", reason) for reason in told
    }
    assert {mail["Message-ID"][3:39] for _, mail in smtp.mails} == {str(unseen), str(always)}
    later = await plans.tell(me, actor=actor, frame_seq=9, due="2 minutes")
    await send(sender)
    assert (await plans.look(later), len(smtp.mails)) == (("waiting", None), 2)


async def test_later_and_never(
    sender: Sender, smtp: MailServer, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexcorp.logs._noted", {})
    me = await plans.person()
    first = await plans.tell(me)
    smtp.data_says = "451 later"
    with capture_logs() as logs:
        for _ in range(2):
            await plans.run("UPDATE deliveries SET due_at = now(), attempts = 0")
            await send(sender)
    # One line for repeated failures of a kind, without receiver and content.
    assert logs == [
        {"event": "messages are not taken", "log_level": "warning", "channel": "email", "code": "451"}
    ]
    assert await plans.look(first) == ("waiting", "failed")
    row = await plans.run("SELECT extract(epoch FROM due_at - now()) AS wait, attempts FROM deliveries")
    assert 5 < row["wait"] <= 10 and row["attempts"] == 1
    # A retry keeps its own mail and Message-ID, however many other mails are due by then.
    for _ in range(4):
        await plans.tell(me)
    smtp.data_says = "250 OK"
    await plans.run(DUE)
    await send(sender)
    assert sorted(mail["Message-ID"].split(".")[0] for _, mail in smtp.mails) == ["<n", "<summary"]
    assert await plans.attempts(first) == ["begun", "failed"] * 2 + ["begun", "sent"]
    # After a bounce the address gets no mail until it is verified again.
    bad = await plans.tell(me)
    waits = await plans.tell(me, due="1 day")
    smtp.recipient_says = "550 5.1.1 no such user"
    await send(sender)
    assert await plans.look(bad) == ("failed", "bounced")
    assert await plans.look(waits) == ("skipped", "bounced")
    smtp.recipient_says = "250 OK"
    more = await plans.tell(me)
    await send(sender)
    assert await plans.look(more) == ("skipped", "bounced")
    await plans.run(
        "UPDATE users SET email_verified_at = coalesce(email_verified_at, now()) WHERE id = $1", me
    )
    again = await plans.tell(me)
    await send(sender)
    assert await plans.look(again) == ("sent", None)
    # A refusal by our own server's policy, or of the sender, does not mark the address.
    for answer in (
        "554 5.7.1 relaying denied",
        "550 5.1.8 sender's domain not found",
        "530 authentication required",
    ):
        smtp.recipient_says = answer
        refused = await plans.tell(me)
        await send(sender)
        assert await plans.look(refused) == ("failed", "refused"), answer
    assert (await plans.run("SELECT email_bounced_at FROM users WHERE id = $1", me))[
        "email_bounced_at"
    ] is None
    smtp.recipient_says, smtp.data_says = "250 OK", "451 later"
    given_up = await plans.tell(me)
    await plans.run(
        "UPDATE deliveries SET attempts = $1 WHERE notification_id = $2", MAX_ATTEMPTS - 1, given_up
    )
    await send(sender)
    assert await plans.look(given_up) == ("failed", "failed")


async def set_hours(plans: Plans, user: UUID, **columns: Any) -> None:
    """Set a person's quiet hours and digest, relative to the present time in UTC."""
    await plans.run(
        """INSERT INTO notification_settings (user_id, quiet_from, quiet_to, digest, next_digest_at)
        SELECT $1, c.clock + $2::text::interval, c.clock + $3::text::interval, $4, now() + $5::text::interval
        FROM (SELECT (now() AT TIME ZONE 'UTC')::time AS clock) AS c
        ON CONFLICT (user_id) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
            digest = excluded.digest, next_digest_at = excluded.next_digest_at""",
        user,
        columns.get("quiet_from"),
        columns.get("quiet_to"),
        columns.get("digest", "none"),
        columns.get("next"),
    )


async def test_quiet_hours_end_in_one_mail(sender: Sender, smtp: MailServer, plans: Plans) -> None:
    me, other = await plans.person(), await plans.person()
    for user in (me, other):
        await set_hours(plans, user, quiet_from="-1 hour", quiet_to="2 hours")
    told = [await plans.tell(me, actor=other) for _ in range(5)]
    few = [await plans.tell(other, actor=me) for _ in range(3)]
    critical = await plans.tell(me, type="security", variant="password.changed")
    await send(sender)
    assert await plans.look(critical) == ("sent", None)
    assert {await plans.look(one) for one in (*told, *few)} == {("waiting", "quiet_hours")}
    row = await plans.run("SELECT max(due_at) - now() AS wait FROM deliveries WHERE state = 'waiting'")
    assert 7000 < row["wait"].total_seconds() <= 7200
    await plans.run("UPDATE notifications SET is_read = true WHERE id = $1", told[2])
    # Quiet hours that are removed release the mails they held.
    await plans.run("UPDATE notification_settings SET quiet_from = NULL, quiet_to = NULL")
    await plans.run(SOON_DUE)
    smtp.mails.clear()
    await send(sender)
    assert len(smtp.mails) == 4
    (summary,) = (mail for _, mail in smtp.mails if mail["Message-ID"].startswith("<summary."))
    text = summary.get_body(("plain",)).get_content()
    assert summary["Subject"] == "While you were away: 4 notifications"
    assert [str(one) in text for one in told] == [True, True, False, True, True]
    assert summary["List-Id"] == "<follow.notifications.example.com>"


async def test_digest_is_made_once(make_sender: Any, smtp: MailServer, plans: Plans, config: Config) -> None:
    one, two = make_sender(), make_sender()
    me, empty = await plans.person(), await plans.person()
    for user in (me, empty):
        await set_hours(plans, user, digest="daily", next="1 hour")
    told = [await plans.tell(me, due=f"{number} minutes") for number in range(-2, 58)]
    critical = await plans.tell(me, type="security", variant="password.changed")
    await send(one, two)
    assert await plans.look(told[0]) == ("waiting", "digest")
    assert await plans.look(critical) == ("sent", None)
    await plans.run("UPDATE notifications SET is_read = true WHERE id = $1", told[0])
    await plans.run("UPDATE notification_settings SET next_digest_at = now()")
    smtp.mails.clear()
    smtp.data_says = "451 later"
    await send(one, two)
    assert smtp.mails == []
    smtp.data_says = "250 OK"
    late = await plans.tell(me)
    await plans.run(DUE)
    await send(one, two)
    ((_, mail),) = smtp.mails
    text = mail.get_body(("plain",)).get_content()
    assert (
        mail["Message-ID"].startswith(f"<daily.{me}.")
        and mail["Subject"] == "Your daily digest: 59 notifications"
    )
    assert text.count("/n/") == 50 and "9 more" in text and str(told[0]) not in text and str(late) not in text
    token = LINK.search(mail["List-Unsubscribe"])
    assert token is not None
    assert read_token(Secrets.from_config(config).unsubscribe, token[1].rstrip(">")) == (me, EVERY_TYPE)
    row = await plans.run(
        "SELECT count(*) AS made, min(next_digest_at) > now() AS moved FROM digests, notification_settings"
    )
    assert tuple(row) == (2, True)
    # Another time zone may make the same day's digest due again.
    await plans.run("UPDATE notification_settings SET next_digest_at = now()")
    await send(one, two)
    assert (len(smtp.mails), await plans.look(late)) == (1, ("waiting", "digest"))
    # With digests turned off, a mail that waited for one is sent by itself.
    await plans.run(
        "UPDATE notification_settings SET digest = 'none', next_digest_at = NULL WHERE user_id = $1", me
    )
    await plans.run(SOON_DUE)
    await send(one, two)
    assert smtp.mails[-1][1]["Message-ID"] == f"<n.{late}@example.com>"


async def test_two_workers_send_each_mail_once(make_sender: Any, smtp: MailServer, plans: Plans) -> None:
    one, two = make_sender(), make_sender()
    people = [await plans.person() for _ in range(40)]
    told = {await plans.tell(user) for user in people for _ in range(2)}
    many = await plans.person()
    for _ in range(9):
        await plans.tell(many)
    await send(one, two)
    await send(one, two)
    ids = [mail["Message-ID"] for _, mail in smtp.mails]
    assert len(ids) == len(set(ids)) and {f"<n.{one}@example.com>" for one in told} <= set(ids)
    # Mails to one receiver are summarised by one of the workers, not split between both.
    assert len(ids) == 81


KILLED = """
import asyncio, sys
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.features import PRODUCT
from nexcorp.integrations.mail import SmtpMailer
from workers.sending import Sender
from workers.sending_mail import MailChannel

async def main():
    database = Database(Config(database_url=sys.argv[1]))
    await database.open()
    mailer = SmtpMailer(sys.argv[2], "NexCorp <connect@example.com>")
    channel = MailChannel(mailer, PRODUCT, "https://x.example.com", b"k" * 32)
    sender = Sender(database, channel, PRODUCT)
    await sender.drain()
    await sender.settle()

asyncio.run(main())
"""


async def test_kill_around_a_send_repeats_it_once(
    sender: Sender, smtp: MailServer, plans: Plans, database_url: str
) -> None:
    told = await plans.tell(await plans.person())
    said, forever = smtp.handle_DATA, asyncio.Event()
    reached = asyncio.Event()

    async def hang(*arguments: Any) -> str:
        answer = await said(*arguments)
        reached.set()
        await forever.wait()
        return answer

    smtp.handle_DATA = hang  # type: ignore[method-assign]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database_url, smtp.url, env=os.environ
    )
    await asyncio.wait_for(reached.wait(), 30)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    forever.set()
    smtp.handle_DATA = said  # type: ignore[method-assign]
    # The mail is left to the dead worker while that might still live.
    await send(sender)
    assert len(smtp.mails) == 1 and await plans.attempts(told) == ["begun"]
    await plans.run("UPDATE deliveries SET claimed_until = now()")
    for _ in range(2):
        await send(sender)
    assert [mail["Message-ID"] for _, mail in smtp.mails] == [f"<n.{told}@example.com>"] * 2
    assert await plans.attempts(told) == ["begun", "begun", "sent"]


async def test_a_stop_lets_what_is_begun_end(sender: Sender, smtp: MailServer, plans: Plans) -> None:
    told = [await plans.tell(await plans.person()) for _ in range(6)]
    await sender.drain()
    await sender.close()
    assert {await plans.look(one) for one in told} == {("sent", None)}
    more = await plans.tell(await plans.person())
    assert await sender.drain() == 0
    assert await plans.look(more) == ("waiting", None)
