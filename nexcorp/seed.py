"""Accounts and demo data made from the command line, through the same services as over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.domain.demo import DEMO_PASSWORD
from nexcorp.domain.fields import load
from nexcorp.errors import Conflict
from nexcorp.features import PRODUCT
from nexcorp.features.auth.admin import create_admin as insert_admin
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.sessions.schemas import RegisterBody
from nexcorp.features.auth.sessions.service import register_user
from nexcorp.manifest import Product

PEOPLE = [
    ("ada@example.com", "ada", "Ada", "Lovelace", "admin"),
    ("grace@example.com", "grace", "Grace", "Hopper", "manager"),
    ("linus@example.com", "linus", "Linus", "Pauling", "member"),
]


@asynccontextmanager
async def open_database(config: Config, **options: Any) -> AsyncIterator[Database]:
    """The database for the length of a command."""
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
    """Three people who follow each other, post, like and comment. Changes nothing where they exist."""
    hashed = await hash_password(DEMO_PASSWORD)
    async with open_database(config) as database:
        try:
            async with database.transaction(wait=5.0) as conn:
                await insert_demo(conn, hashed, product)
        except Conflict:
            return


async def insert_demo(conn: Any, password_hash: str, product: Product) -> None:
    """The demo data; raises Conflict where its people exist."""
    people: list[UUID] = []
    for email, username, first, last, role in PEOPLE:
        account = await register_user(
            conn,
            email=email,
            password_hash=password_hash,
            username=username,
            first_name=first,
            last_name=last,
            role=role,
        )
        await sql.auth.trust_email(conn, user_id=account["id"])
        people.append(account["id"])
    await product.seed(conn, people)
