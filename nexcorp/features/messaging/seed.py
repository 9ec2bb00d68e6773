"""What the people of the demo company write to each other."""

from __future__ import annotations

from typing import Any

from nexcorp.features.messaging.service import create_group, mark, open_direct
from nexcorp.features.messaging.texts import add_reaction, send_message
from nexcorp.manifest import Demo


def make_message(body: str, **more: Any) -> dict[str, Any]:
    """A message as SendMessage makes it."""
    return {"body": body, "replyToId": None, "uploadIds": [], **more}


async def insert_demo_messages(conn: Any, demo: Demo) -> None:
    """Two people talk, and all three are in a group."""
    ada, grace, linus = demo.people[:3]
    direct, _ = await open_direct(conn, ada, grace)
    hello, _ = await send_message(conn, ada, direct["id"], make_message("Have you seen the new idea?"))
    answer = make_message("Yes, let us talk about it at lunch.", replyToId=hello["id"])
    await send_message(conn, grace, direct["id"], answer)
    group = await create_group(conn, grace, "Lunch", [ada, linus])
    question, _ = await send_message(conn, grace, group["id"], make_message("Who comes along today? @linus?"))
    await add_reaction(conn, ada, question["id"], "\N{FORK AND KNIFE}")
    await mark(conn, ada, group["id"], question["n"], read=True)
