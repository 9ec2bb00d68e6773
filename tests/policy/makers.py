"""Makers: each creates the rows that a rule needs, as their owner, and returns names for path and body."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

from aiohttp import FormData
from PIL import Image

from nexcorp.db import sql
from nexcorp.features.auth.sessions.refresh import make_token
from nexcorp.security.app_keys import DATABASE, SECRETS
from tests.api import NOBODY, create, propose, publish, say
from tests.policy.rules import Made
from tests.policy.world import Person, World, names
from tests.pushserver import Browser


async def a_page(world: World, owner: Person) -> Made:
    """A file of the documentation."""
    return {"name": "swagger-ui.css"}


async def a_console_page(world: World, owner: Person) -> Made:
    """A path of the console."""
    return {"path": "tasks"}


async def a_console_file(world: World, owner: Person) -> Made:
    """A file of the console, of whatever release."""
    return {"version": "0", "name": "main.js"}


async def an_explorer_file(world: World, owner: Person) -> Made:
    """A file of the explorer of GraphQL."""
    return {"name": "start.js"}


async def another_person(world: World, owner: Person) -> Made:
    """Create another person."""
    return {"id": (await world.person()).id}


async def another_admin(world: World, owner: Person) -> Made:
    """Create a second admin, so that one of them can leave."""
    return {"id": (await world.person("admin")).id}


async def a_provider(world: World, owner: Person) -> Made:
    """A sign-in provider that the service knows."""
    return {"provider": "github"}


async def a_dead_letter(world: World, owner: Person) -> Made:
    """Create an event whose delivery has been given up."""
    post = await publish(owner, "Never delivered")
    [row] = await world.fetch(
        "SELECT o.lane, o.id FROM outbox AS o JOIN events AS e ON e.id = o.event_id WHERE e.entity_id = $1",
        UUID(post["id"]),
    )
    async with world.app[DATABASE].connection(wait=5) as conn:
        await sql.events.bury_outbox(conn, lane=row["lane"], row_id=row["id"], last_error="broken")
    return {"id": row["id"]}


async def a_role(world: World, owner: Person) -> Made:
    """A role with its present permissions."""
    rows = await world.fetch("SELECT permission FROM role_permissions WHERE role = 'manager'")
    return {"role": "manager", "permissions": [row["permission"] for row in rows]}


async def new_password(world: World, owner: Person) -> Made:
    """A change of the password; `currentPassword` is right."""
    return {"currentPassword": owner.password, "newPassword": f"correct horse {next(names)}"}


async def new_address(world: World, owner: Person) -> Made:
    """A change of the e-mail address; `currentPassword` is right."""
    return {"currentPassword": owner.password, "email": f"new{next(names)}@example.com"}


async def own_password(world: World, owner: Person) -> Made:
    """The owner's right password."""
    return {"currentPassword": owner.password}


async def an_invitation(world: World, owner: Person) -> Made:
    """An open invitation."""
    [row] = await world.fetch(
        "INSERT INTO invitations (email, invited_by) VALUES ($1, $2) RETURNING id",
        f"new{next(names)}@example.com",
        owner.id,
    )
    return {"id": row["id"]}


async def an_address(world: World, owner: Person) -> Made:
    """An e-mail address without an account."""
    return {"email": f"new{next(names)}@example.com"}


async def an_account(world: World, owner: Person) -> Made:
    """The owner's credentials."""
    return {"email": owner.email, "password": owner.password, "platform": "cli"}


async def a_refresh_token(world: World, owner: Person) -> Made:
    """The owner's refresh token."""
    return {"refreshToken": make_token(world.app[SECRETS], owner.session_id, 1)}


async def a_session(world: World, owner: Person) -> Made:
    """A session of the owner."""
    return {"id": owner.session_id}


async def an_api_key(world: World, owner: Person) -> Made:
    """An API key of the owner."""
    key = await create(owner, "/auth/api-keys", name="robot", scopes=["post:read"])
    return {"id": key["id"]}


async def a_post(world: World, owner: Person) -> Made:
    """A post of the owner."""
    return {"id": (await publish(owner))["id"]}


async def a_project(world: World, owner: Person) -> Made:
    """A project post of the owner."""
    return {"id": (await propose(owner))["id"]}


async def a_comment(world: World, owner: Person) -> Made:
    """Create a comment of the owner on another person's post."""
    post = await publish(await world.person())
    return {"id": (await say(owner, post["id"]))["id"]}


async def a_text_file(world: World, owner: Person) -> Made:
    """No file: a request without a handshake is refused before it is looked up."""
    return {"fileId": NOBODY}


async def a_lead(world: World, owner: Person) -> Made:
    """Create a lead with a note of the owner, who need not have a permission for it."""
    [row] = await world.fetch(
        """
        WITH made AS (INSERT INTO leads (name) VALUES ('A lead') RETURNING id)
        INSERT INTO lead_interactions (lead_id, kind, author_id, text)
        SELECT id, 'note', $1, 'Hello.' FROM made
        RETURNING lead_id, id
        """,
        owner.id,
    )
    return {"id": row["lead_id"], "interactionId": row["id"]}


async def a_table_of_leads(world: World, owner: Person) -> Made:
    """A small CSV file."""
    return {"file": b"name,phone\nFrom a file,+49 30 12345\n"}


async def two_leads(world: World, owner: Person) -> Made:
    """A lead, and another one to merge into it."""
    return {**await a_lead(world, owner), "fromId": (await a_lead(world, owner))["id"]}


async def a_notification(world: World, owner: Person) -> Made:
    """Create an unread notification of the owner."""
    [row] = await world.fetch(
        """
        WITH counted AS (INSERT INTO notification_counters (user_id, unread) VALUES ($1, 1))
        INSERT INTO notifications (receiver_id, event_id, type)
        VALUES ($1, gen_random_uuid(), 'like')
        RETURNING id
        """,
        owner.id,
    )
    return {"id": row["id"]}


async def a_browser(world: World, owner: Person) -> Made:
    """The body in which a browser sends its subscription."""
    return Browser(f"https://push.example.com/send/{next(names)}").to_json()


async def a_push_subscription(world: World, owner: Person) -> Made:
    """A push subscription of the owner."""
    made = await create(owner, "/push-subscriptions", **await a_browser(world, owner))
    return {"id": made["id"]}


async def a_notification_group(world: World, owner: Person) -> Made:
    """An empty group of the owner."""
    [row] = await world.fetch(
        """
        INSERT INTO notification_groups (receiver_id, key, position)
        VALUES ($1, gen_random_uuid()::text, uuidv7())
        RETURNING id
        """,
        owner.id,
    )
    return {"id": row["id"]}


async def something_to_mute(world: World, owner: Person) -> Made:
    """Create a post of the owner; return its entity type and id."""
    return {"entityType": "post", **await a_post(world, owner)}


async def a_notification_type(world: World, owner: Person) -> Made:
    """A type of notification."""
    return {"type": "like"}


async def a_file(world: World, owner: Person) -> Made:
    """A small image."""
    image = BytesIO()
    Image.new("RGB", (2, 2)).save(image, "PNG")
    return {"file": image.getvalue()}


def as_form(made: Made) -> FormData:
    """The file as a form sends it."""
    form = FormData()
    form.add_field("file", made["file"], filename="dot.png", content_type="image/png")
    return form


async def an_upload(world: World, owner: Person) -> Made:
    """An upload of the owner, on no post."""
    made = await a_file(world, owner)
    answer = await owner.client.post("/api/v1/uploads", data=as_form(made))
    assert answer.status == 201, await answer.text()
    upload = await answer.json()
    return {"id": upload["id"], "url": upload["url"]}


async def a_media_key(world: World, owner: Person) -> Made:
    """Upload a file; return its name in the store."""
    return {"key": (await an_upload(world, owner))["url"].rpartition("/")[2]}


async def own_profile(world: World, owner: Person) -> Made:
    """The owner's id."""
    return {"id": owner.id}


async def own_name(world: World, owner: Person) -> Made:
    """The owner's username."""
    return {"name": owner.username}


def as_made(made: Made) -> Made:
    """Return the maker's result as the body."""
    return made


async def post_id(world: World, owner: Person) -> Any:
    """The id of a post."""
    return (await a_post(world, owner))["id"]


async def own_id(world: World, owner: Person) -> Any:
    """The owner's id."""
    return owner.id
