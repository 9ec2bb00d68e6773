"""Tasks in the browser: a board of two people, one task edited in place, a list with saved views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.api import API, create
from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe

MakeUser = Callable[..., Awaitable[User]]
TITLES = ("Write it down", "Read it again", "Send it away")


class Team:
    """Two people and their project."""

    def __init__(self, ada: User, grace: User, project_id: str, tasks: list[Any]) -> None:
        self.ada, self.grace, self.project_id, self.tasks = ada, grace, project_id, tasks
        self.board = f"/app/tasks?tab=board&project={project_id}"


@pytest_asyncio.fixture(loop_scope="session")
async def team(make_user: MakeUser) -> Team:
    """Ada owns a project with three tasks, Grace is an editor there."""
    ada, grace = [await make_user() for _ in range(2)]
    project = await create(ada, "/projects", name="A small project")
    answer = await ada.client.put(
        f"{API}/projects/{project['id']}/members/{grace.id}", json={"role": "editor"}
    )
    assert answer.status == 200, await answer.text()
    tasks = [
        await create(
            ada,
            "/tasks",
            title=title,
            projectId=project["id"],
            assigneeId=str(ada.id),
            dueDate="2020-01-31",
        )
        for title in TITLES
    ]
    return Team(ada, grace, project["id"], tasks)


def cards(page: Page, status: str) -> Locator:
    """The links to a column's tasks, each with the task's title."""
    return page.locator(f'[data-column="{status}"] .card-link')


async def test_the_board_of_many_projects(visit: Visitor, make_user: MakeUser) -> None:
    """The board of all tasks shows at once what others add in any of the user's projects."""
    ada, grace = [await make_user() for _ in range(2)]
    made = [await create(ada, "/projects", name=f"Project {number:02}") for number in range(22)]
    page = await visit("/app/tasks?tab=board", ada)
    await expect(page.locator('select:has(option:text("Project 21"))')).to_be_visible()
    await expect(page.locator(".live.live")).to_be_visible()
    for project in (made[0], made[-1]):
        answer = await ada.client.put(
            f"{API}/projects/{project['id']}/members/{grace.id}", json={"role": "editor"}
        )
        assert answer.status == 200, await answer.text()
        await create(grace, "/tasks", title=f"In {project['name']}", projectId=project["id"])
        await expect(cards(page, "todo").filter(has_text=f"In {project['name']}")).to_have_count(1)


async def test_two_people_move_cards(visit: Visitor, team: Team) -> None:
    """A card moved by mouse or keys moves for both at once; moves are undone, and none is overwritten."""
    visit.allow("status of 409 .*/api/v1/tasks/", "ERR_INTERNET_DISCONNECTED")
    ada, grace = await visit(team.board, team.ada), await visit(team.board, team.grace)
    for page in (ada, grace):
        await expect(cards(page, "todo")).to_have_text(list(TITLES))
        await expect(page.locator(".live.live")).to_be_visible()
    await expect(ada.locator(".due.late")).to_have_count(3)
    await check_axe(ada)

    # By the mouse: before a card of another column, and back with the toast's button.
    item = grace.locator(".kanban-item", has_text=TITLES[2])
    await item.drag_to(grace.locator('[data-column="review"] .kanban-cards'))
    for page in (grace, ada):
        await expect(cards(page, "review")).to_have_text([TITLES[2]])
    await grace.get_by_role("button", name="Undo").click()
    for page in (grace, ada):
        await expect(cards(page, "todo")).to_have_text(list(TITLES))

    # By the keyboard: down, then right twice quickly; the card keeps the focus.
    await cards(grace, "todo").first.focus()
    await grace.keyboard.press("Alt+ArrowDown")
    for page in (grace, ada):
        await expect(cards(page, "todo")).to_have_text([TITLES[1], TITLES[0], TITLES[2]])
    await expect(grace.get_by_role("link", name=TITLES[0])).to_be_focused()
    await grace.keyboard.press("Alt+ArrowRight")
    await expect(grace.get_by_role("link", name=TITLES[0])).to_be_focused()
    await grace.keyboard.press("Alt+ArrowRight")
    for page in (grace, ada):
        await expect(cards(page, "review")).to_have_text([TITLES[0]])
    await expect(grace.locator(".toast.error")).to_have_count(0)

    # Ada moves a card that Grace moved while Ada was offline: she is told, and sees the new place.
    await ada.context.set_offline(True)
    await cards(grace, "review").focus()
    await grace.keyboard.press("Alt+ArrowRight")
    await expect(cards(grace, "done")).to_have_text([TITLES[0]])
    await cards(ada, "review").focus()
    await ada.keyboard.press("Alt+ArrowLeft")
    await ada.context.set_offline(False)
    await expect(ada.locator(".toast.error")).to_contain_text("Somebody changed it meanwhile")
    await expect(cards(ada, "done")).to_have_text([TITLES[0]])

    # A new task by keyboard appears for both.
    await ada.locator("body").press("n")
    await ada.get_by_label("Title", exact=True).fill("A quick one")
    await ada.keyboard.press("Enter")
    for page in (ada, grace):
        await expect(cards(page, "todo").filter(has_text="A quick one")).to_be_visible()


async def test_a_task_is_changed_where_it_stands(visit: Visitor, team: Team) -> None:
    """Two people edit texts, steps, comments; the history shows it; the task is deleted and restored."""
    visit.allow("status of 409 .*/api/v1/tasks/")
    path = f"/app/tasks/{team.tasks[0]['id']}"
    ada, grace = await visit(path, team.ada), await visit(path, team.grace)
    await expect(grace.get_by_text("No description yet")).to_be_visible()
    await expect(ada.locator(".live.live")).to_be_visible()

    # Both edit the title: the second to save is shown the first one's title, after a reload, too.
    for page in (ada, grace):
        await page.get_by_role("button", name="Edit: Title").click()
    await grace.get_by_label("Title", exact=True).fill("Written by Grace")
    await ada.get_by_label("Title", exact=True).fill("Written by Ada")
    await ada.keyboard.press("Enter")
    await expect(ada.locator(".in-place.title")).to_have_text("Written by Ada")
    await grace.reload()
    await expect(grace.get_by_label("Title", exact=True)).to_have_value("Written by Grace")
    await grace.get_by_label("Title", exact=True).press("Enter")
    await expect(grace.get_by_role("alert")).to_contain_text("Written by Ada")
    await grace.get_by_role("button", name="Write mine over it").click()
    await expect(ada.locator(".in-place.title")).to_have_text("Written by Grace")

    await ada.get_by_label("Add a step").fill("one step")
    await ada.keyboard.press("Enter")
    await grace.get_by_role("checkbox", name="one step").check()
    await expect(ada.get_by_role("checkbox", name="one step")).to_be_checked()
    await ada.get_by_label("Add a subtask").fill("a smaller one")
    await ada.keyboard.press("Enter")
    await expect(grace.get_by_role("link", name="a smaller one")).to_be_visible()
    await ada.get_by_label("Status").select_option("review")
    await expect(grace.get_by_label("Status")).to_have_value("review")
    await grace.get_by_role("button", name="Assignee").click()
    await grace.get_by_role("combobox", name="Assignee").fill(team.grace.username)
    await grace.get_by_role("option").filter(has_text=team.grace.username).click()
    await expect(ada.get_by_role("button", name="Assignee")).to_contain_text(team.grace.username)
    await grace.get_by_label("New comment").fill("On it.")
    await grace.keyboard.press("Enter")
    await expect(ada.get_by_role("main").get_by_text("On it.")).to_be_visible()
    await ada.get_by_role("button", name="History").click()
    await expect(ada.locator(".history")).to_contain_text("To do → Review")
    await ada.locator(".history summary").first.click()
    await expect(ada.locator(".history")).to_contain_text("Written by Ada")
    await check_axe(ada)

    await ada.get_by_role("button", name="Delete the task").click()
    await expect(grace.get_by_text("The task is in the trash")).to_be_visible()
    await ada.goto("/app/tasks?tab=trash")
    restore = ada.get_by_role("button", name="Restore")
    await expect(restore).to_be_visible()
    await check_axe(ada)
    await restore.click()
    await expect(grace.locator(".in-place.title")).to_have_text("Written by Grace")


async def test_lists_are_filtered_and_kept(visit: Visitor, team: Team) -> None:
    """Filters stand in the address and are saved under a name; a click completes one's own task."""
    page = await visit("/app/tasks?tab=list", team.ada)
    await expect(page.locator(".task-row")).to_have_count(3)
    await page.get_by_label("Find by title").fill("again")
    await expect(page.locator(".task-row")).to_have_count(1)
    await page.get_by_label("Priority").select_option("high")
    await expect(page.get_by_text("No task is like this")).to_be_visible()
    await page.get_by_label("Priority").select_option("medium")
    await page.get_by_role("button", name="Save as a view").click()
    await page.get_by_label("Name").fill("Again and again")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator(".task-row")).to_have_count(3)
    await page.get_by_role("button", name="Again and again", exact=True).click()
    await expect(page.locator(".task-row")).to_have_count(1)
    await check_axe(page)

    await page.get_by_role("button", name="Mine").click()
    await expect(page.get_by_role("heading", name="Overdue")).to_be_visible()
    await page.get_by_role("checkbox", name=f"Done: {TITLES[0]}").check()
    await expect(page.get_by_role("heading", name="Done lately")).to_be_visible()
    await page.get_by_role("button", name="Statistics").click()
    await expect(page.locator(".figure").filter(has_text="Open")).to_contain_text("2")
    await check_axe(page)
    await page.set_viewport_size({"width": 390, "height": 844})
    for tab in ("Board", "List"):
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name=tab, exact=True).click()
        await expect(page.locator(".task-filters")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
