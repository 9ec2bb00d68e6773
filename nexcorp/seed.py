"""Create accounts and demo data from the command line, through the same services as over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.domain.demo import DEMO_PASSWORD, PEOPLE
from nexcorp.domain.fields import load
from nexcorp.errors import Conflict
from nexcorp.features import PRODUCT
from nexcorp.features.auth.admin import create_admin as insert_admin
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.sessions.schemas import RegisterBody
from nexcorp.features.auth.sessions.service import register_user
from nexcorp.integrations.storage.local import LocalStore
from nexcorp.manifest import Demo, Product
from nexcorp.security.access import Rights
from nexcorp.security.caller import Caller
from nexcorp.security.tokens import Principal


@asynccontextmanager
async def open_database(config: Config, **options: Any) -> AsyncIterator[Database]:
    """Open the database for a block, with the pool's options."""
    database = Database(config, application="nexcorp command", **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def create_admin(config: Config, email: str, password: str, username: str | None) -> Any:
    """Create an administrator with checked values; returns the account. Raises Invalid or Conflict."""
    data = {"email": email, "password": password, **({"username": username} if username else {})}
    checked = load(RegisterBody(), data)
    hashed = await hash_password(password)
    async with open_database(config) as database, database.transaction(wait=5.0) as conn:
        return await insert_admin(conn, checked["email"], hashed, checked.get("username"))


async def seed(config: Config, product: Product = PRODUCT) -> None:
    """Insert the demo company: ten people and a week of their activity. Do nothing if one of them exists.

    Pictures go into the local store, even if others are configured.
    """
    hashed = await hash_password(DEMO_PASSWORD)
    store = LocalStore(config)
    try:
        async with open_database(config) as database, database.transaction(wait=5.0) as conn:
            await insert_demo(conn, hashed, product, store)
    except Conflict:
        return
    finally:
        store.close()


async def insert_demo(conn: Any, password_hash: str, product: Product, store: LocalStore) -> None:
    """Insert the demo data; raises Conflict if one of its people exists."""
    rights = Rights()
    rights.load(await sql.roles.list_role_permissions(conn))
    demo = Demo([], store=store)
    for person in PEOPLE:
        account = await register_user(
            conn,
            email=person.email,
            password_hash=password_hash,
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            role=person.role,
            profile={"jobTitle": person.job_title, "department": person.department, "bio": person.bio},
        )
        await sql.auth.trust_email(conn, user_id=account["id"])
        demo.people.append(account["id"])
        # The command has no session; no service called here needs one.
        who = Principal(account["id"], account["id"], person.role, 1, "cli", 0.0)
        demo.callers.append(Caller(who, rights))
    await product.seed(conn, demo)
