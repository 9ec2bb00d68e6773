"""Every view has one heading and a title, fits on a phone, and is accessible in both colour schemes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.api import API, create, propose, publish, say
from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live, fits

MakeUser = Callable[..., Awaitable[User]]
VIEWS = {
    "/": "Feed",
    "/explore": "Explore",
    "/people": "People",
    "/people/{grace}": "{grace}",
    "/posts/{post}": "Post · {grace}",
    "/search?q=lunch": "Search for “lunch”",
    "/notifications": "Notifications",
    "/messages": "Messages",
    "/messages/{conversation}": "Messages",
    "/assistant": "Assistant",
    "/settings": "Settings",
    "/settings/account": "Settings",
    "/settings/keys": "Settings",
    "/settings/notifications": "Settings",
    "/no/such/page": "Nothing is here",
    "/tasks": "Tasks",
    "/tasks/{task}": "Wash up",
    "/projects": "Projects",
    "/projects/{project}": "A small kitchen",
    "/leads": "Leads",
    "/leads/{lead}": "A hungry office",
    "/webhooks": "Webhooks",
    "/webhooks/{webhook}": "To the shop",
    "/admin": "Overview",
    "/admin/people": "People and roles",
    "/admin/people?tab=roles": "People and roles",
    "/admin/people?tab=invitations": "People and roles",
    "/admin/audit": "Audit trail",
    "/admin/dead-letters": "Dead letters",
}


async def make_company(ada: User, grace: User) -> dict[str, str]:
    """Make content for every page; return the ids that paths are made of, by name."""
    post = await publish(grace, "Lunch on Friday with @" + ada.username + ", see https://example.com/menu")
    mine = await propose(ada, title="A better lunch", body="Who cooks?")
    await say(grace, mine["id"], "I do")
    await grace.client.put(f"{API}/posts/{mine['id']}/like")
    await ada.client.put(f"{API}/users/{grace.id}/follow")
    conversation = await create(grace, "/conversations", userId=str(ada.id))
    await create(grace, f"/conversations/{conversation['id']}/messages", body="Shall we?")
    project = await create(ada, "/projects", name="A small kitchen")
    task = await create(ada, "/tasks", title="Wash up", projectId=project["id"])
    lead = await create(ada, "/leads", name="A hungry office")
    hook = await create(
        ada, "/webhooks", url="https://hooks.example.com/", scope="own", description="To the shop"
    )
    return {
        "grace": grace.username,
        "post": post["id"],
        "conversation": conversation["id"],
        "project": project["id"],
        "task": task["id"],
        "lead": lead["id"],
        "webhook": hook["id"],
    }


@pytest.mark.long(30)
async def test_every_view(visit: Visitor, make_user: MakeUser) -> None:
    """Open each view by its address."""
    ada, grace = await make_user(role="admin"), await make_user()
    words = await make_company(ada, grace)
    page = await visit("/app/", ada)
    await expect_live(page)
    for path, title in VIEWS.items():
        await page.goto("/app" + path.format(**words))
        await expect(page.get_by_role("heading", level=1)).to_have_text(title.format(**words))
        await expect(page).to_have_title(re.compile(title.format(**words).replace("?", ".")))
        await expect(page.locator(".skeletons")).to_have_count(0)
        await check_axe(page)
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await fits(page), path
        await page.set_viewport_size({"width": 1280, "height": 800})
