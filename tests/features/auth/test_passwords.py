"""Passwords: refused ones, verification, and many sign-ins at once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import UUID

import bcrypt
import pytest

from nexcorp.context import RequestContext, current
from nexcorp.errors import Overloaded, TooManyRequests, Unavailable
from nexcorp.features.auth import passwords


async def test_argon2id_with_the_parameters_of_the_contract() -> None:
    stored = await passwords.hash_password("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_password(stored, "correct horse battery")
    assert not await passwords.verify_password(stored, "correct horse batterY")
    assert not passwords.needs_upgrade(stored)


async def test_bcrypt_verifies_and_wants_an_upgrade() -> None:
    stored = bcrypt.hashpw(b"an old password", bcrypt.gensalt(4)).decode()
    assert await passwords.verify_password(stored, "an old password")
    assert not await passwords.verify_password(stored, "another password")
    assert passwords.needs_upgrade(stored)


async def test_bcrypt_ignores_what_is_behind_72_bytes() -> None:
    stored = bcrypt.hashpw(b"p" * 72, bcrypt.gensalt(4)).decode()
    assert await passwords.verify_password(stored, "p" * 100)


@pytest.mark.parametrize("stored", ["", "plain", "$2b$12$short", "$argon2id$broken", "$2b$"])
async def test_a_broken_hash_opens_nothing(stored: str) -> None:
    assert not await passwords.verify_password(stored, "whatever it is")


async def test_nobody_signs_in_without_an_account() -> None:
    assert not await passwords.verify_password(None, "whatever it is")
    assert not passwords.needs_upgrade(passwords.DUMMY_HASH)


@pytest.mark.parametrize("common", ["password", "PASSWORD", "12345678", "qwertyuiop", "iloveyou", "Passw0rd"])
def test_common_passwords(common: str) -> None:
    assert passwords.is_common(common)


def test_the_list_holds_only_what_the_length_lets_through() -> None:
    listed = passwords.common_passwords()
    assert 300 <= len(listed) <= 3000
    assert all(len(one) >= passwords.MIN_CHARS and one == one.casefold() for one in listed)
    assert not passwords.is_common("nobody has thought of this")


async def test_a_full_queue_says_so_at_once_and_recovers() -> None:
    pool, gate = passwords.HashingPool(workers=1, waiting=1), threading.Event()
    first = asyncio.ensure_future(pool.run(gate.wait))
    second = asyncio.ensure_future(pool.run(gate.wait))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await pool.run(gate.wait)
    assert refused.value.code == "overloaded"
    gate.set()
    assert [await first, await second] == [True, True]
    assert await pool.run(lambda: 1) == 1


async def test_clients_that_leave_give_their_place_back() -> None:
    pool, gate = passwords.HashingPool(workers=1, waiting=1), threading.Event()
    running = asyncio.ensure_future(pool.run(gate.wait))
    for _ in range(5):
        waiting = asyncio.ensure_future(pool.run(gate.wait))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
    gate.set()
    assert await running


async def test_networks_are_served_in_turn_and_an_account_has_two_places() -> None:
    pool, gate, done = passwords.HashingPool(workers=1, waiting=4), threading.Event(), []

    def ask(who: str, ip: str, account: UUID | None = None) -> asyncio.Task[Any]:
        current.set(RequestContext("r", ip, user_id=account))
        return asyncio.create_task(pool.run(lambda: gate.wait() and done.append(who)))

    busy = [ask(f"busy{n}", "198.51.100.1") for n in range(5)]
    await asyncio.sleep(0.05)
    other = ask("other", "198.51.100.2")
    last = await asyncio.gather(busy[-1], return_exceptions=True)
    assert isinstance(last[0], Overloaded)
    with pytest.raises(Overloaded):
        await ask("too much", "198.51.100.1")
    gate.set()
    await asyncio.gather(*busy[:-1], other)
    assert done == ["busy0", "busy1", "other", "busy2", "busy3"]

    gate.clear()
    mine = [ask("mine", f"203.0.113.{n}", UUID(int=1)) for n in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(TooManyRequests):
        await ask("mine", "203.0.113.9", UUID(int=1))
    gate.set()
    await asyncio.gather(*mine, ask("mine", "203.0.113.9", UUID(int=2)))


TYPED = ("Gr\u00fc\u00dfe-\u00e9t\u00e9 1", "Gru\u0308\u00dfe-e\u0301te\u0301 1")
WIDE = ("\uff30\uff41\uff53\uff53phrase 7", "Passphrase 7")


@pytest.mark.parametrize("forms", [TYPED, WIDE])
async def test_one_password_from_every_keyboard(forms: tuple[str, str]) -> None:
    for typed in forms:
        hashed = await passwords.hash_password(typed)
        for again in forms:
            assert await passwords.verify_password(hashed, again)
    assert not await passwords.verify_password(hashed, "Grusse-ete 1")


@pytest.mark.parametrize("old", [*TYPED, WIDE[0]])
async def test_hashes_from_before_hold_for_the_form_they_were_made_of(old: str) -> None:
    hashed = passwords.HASHER.hash(old.encode())
    assert await passwords.verify_password(hashed, old)
    crypted = bcrypt.hashpw(old.encode(), bcrypt.gensalt(4)).decode()
    assert await passwords.verify_password(crypted, old)
    if old in TYPED:
        for again in TYPED:
            assert await passwords.verify_password(hashed, again)


def test_common_ones_are_common_in_wide_letters() -> None:
    assert passwords.is_common("\uff50\uff41\uff53\uff53word1") == passwords.is_common("password1") is True
