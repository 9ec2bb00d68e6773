"""`nexcorp lively`: demo people act on a running service, over HTTP, one of them every 20 s.

`nexcorp dev --lively` starts it, so that the console shows some activity.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from nexcorp.domain.demo import DEMO_PASSWORD, PEOPLE

SECONDS = 20.0
# Short, so that a restart of the service does not block the command, and it ends soon when told to.
TIMEOUT = aiohttp.ClientTimeout(total=10)
POSTS = (
    "The meeting room on the first floor is free all afternoon.",
    "Found a pair of glasses by the printer.",
    "The draft is ready; I would be glad of another pair of eyes.",
    "Who wants to walk around the block at three?",
    "The tests are green again.",
    "There is cake in the kitchen.",
)
COMMENTS = (
    "Good to know.",
    "I was about to write the same.",
    "Count me in.",
    "Thank you!",
    "Can we talk about it tomorrow?",
    "That went faster than I thought.",
)
MESSAGES = (
    "Do you have a minute?",
    "I am on my way.",
    "Done, have a look.",
    "Let us do it after lunch.",
    "Sounds good.",
)
# A done task goes back to todo, so that there is always a task to move.
NEXT = {"todo": "in_progress", "in_progress": "review", "review": "done", "done": "todo"}


class Actor:
    """One demo person, who signs in with the first call."""

    def __init__(self, http: aiohttp.ClientSession, address: str, email: str) -> None:
        self.id = ""
        self._http, self._api, self._email = http, f"{address.rstrip('/')}/api/v1", email
        self._access = self._refresh = ""

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """Call a route of the API; return the answer's JSON, or None if the answer has no JSON.

        Raises aiohttp.ClientError; for an error of the API its child ClientResponseError.
        """
        if not self._access:
            await self._sign_in()
        try:
            return await self._send(method, path, body)
        except aiohttp.ClientResponseError as error:
            if error.status != 401:
                raise
        self._access = ""
        await self._sign_in()
        return await self._send(method, path, body)

    async def list(self, path: str) -> list[Any]:
        """Return the first page of a list."""
        rows: list[Any] = (await self.call("GET", path))["data"]
        return rows

    async def sign_out(self) -> None:
        """End the session, so that the sessions of many runs do not push out the person's own."""
        if self._refresh:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await self._send("POST", "/auth/logout", {"refreshToken": self._refresh})

    async def _sign_in(self) -> None:
        """Refresh the session, or begin one if there is none."""
        answer = None
        if self._refresh:
            try:
                answer = await self._send("POST", "/auth/refresh", {"refreshToken": self._refresh})
            except aiohttp.ClientResponseError as error:
                if error.status != 401:
                    raise
                self._refresh = ""
        if answer is None:
            body = {"email": self._email, "password": DEMO_PASSWORD, "platform": "cli", "device": "lively"}
            answer = await self._send("POST", "/auth/login", body)
        self._access, self._refresh = answer["accessToken"], answer["refreshToken"]
        self.id = answer["user"]["id"]

    async def _send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self._access}"} if self._access else {}
        async with self._http.request(
            method, self._api + path, json=body or None, headers=headers, raise_for_status=True
        ) as answer:
            return await answer.json() if answer.content_type == "application/json" else None


async def like(actor: Actor) -> str | None:
    """Like a post of another person."""
    posts = [
        post for post in await actor.list("/posts") if not post["liked"] and post["author"]["id"] != actor.id
    ]
    if not posts:
        return None
    await actor.call("PUT", f"/posts/{choose(posts)['id']}/like")
    return "likes a post"


async def comment(actor: Actor) -> str | None:
    """Comment on one of the newest posts."""
    posts = await actor.list("/posts")
    if not posts:
        return None
    await actor.call("POST", "/comments", postId=choose(posts)["id"], body=choose(COMMENTS))
    return "comments on a post"


async def publish(actor: Actor) -> str | None:
    """Write a post."""
    await actor.call("POST", "/posts", body=choose(POSTS))
    return "writes a post"


async def move(actor: Actor) -> str | None:
    """Move a task of the actor's to its next status."""
    tasks = [task for task in await actor.list("/tasks?assignee=me") if task["status"] in NEXT]
    if not tasks:
        return None
    task = choose(tasks)
    await actor.call("PATCH", f"/tasks/{task['id']}", status=NEXT[task["status"]])
    return "moves a task"


async def write(actor: Actor) -> str | None:
    """Write in one of the actor's conversations."""
    conversations = await actor.list("/conversations")
    if not conversations:
        return None
    await actor.call("POST", f"/conversations/{choose(conversations)['id']}/messages", body=choose(MESSAGES))
    return "writes a message"


async def follow(actor: Actor) -> str | None:
    """Follow a person whom the actor does not follow yet."""
    people = [one for one in await actor.list("/users") if not one["followed"] and one["id"] != actor.id]
    if not people:
        return None
    await actor.call("PUT", f"/users/{choose(people)['id']}/follow")
    return "follows a person"


Act = Callable[[Actor], Awaitable[str | None]]
# An act that is listed more often is chosen more often.
ACTS: tuple[Act, ...] = (like, like, like, comment, comment, publish, move, move, write, write, follow)


def choose(things: Any) -> Any:
    """Return a random item."""
    return random.choice(things)  # noqa: S311 - no secret


async def act(actor: Actor) -> str:
    """Do one random thing and return it in words. With nothing to like, move or follow, write a post."""
    done = await choose(ACTS)(actor)
    return done or await publish(actor) or ""


async def find_people(http: aiohttp.ClientSession, address: str) -> list[tuple[str, Actor]]:
    """Return the demo people on this service with their first names, without the first: the user plays her.

    Raises aiohttp.ClientError if the service does not answer.
    """
    async with http.get(f"{address}/app/demo.json") as answer:
        # Only a service in development has this page.
        shown = (await answer.json())["data"] if answer.status == 200 else []
    known = {person["username"] for person in shown}
    found: list[tuple[str, Actor]] = []
    for person in PEOPLE[1:]:
        # A failed sign-in delays the next one: somebody signed in checks that the others exist.
        if person.username not in known and (not found or not await exists(found[0][1], person.username)):
            continue
        found.append((person.first_name, Actor(http, address, person.email)))
    return found


async def exists(actor: Actor, username: str) -> bool:
    """Return whether a user has this username."""
    try:
        await actor.call("GET", f"/users/by-username/{username}")
    except aiohttp.ClientResponseError as error:
        if error.status != 404:
            raise
        return False
    return True


async def go_on(address: str, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Have one person act every SECONDS until `stop`; retry while the service does not answer."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
        people: list[tuple[str, Actor]] = []
        told = False
        while not stop.is_set():
            try:
                people = people or await find_people(http, address)
                if people:
                    name, actor = choose(people)
                    say(f"{name} {await act(actor)}")
                elif not told:
                    told = True
                    say("there are no demo people here: nobody acts")
                wait = SECONDS
            except aiohttp.ClientResponseError as error:
                say(f"that was answered with {error.status}")
                wait = SECONDS
            except (aiohttp.ClientError, TimeoutError):
                wait = 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        for _, actor in people:
            await actor.sign_out()


async def run_lively(address: str) -> None:
    """Act on the service at `address`, http://host:port, until SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await go_on(address.rstrip("/"), stop, lambda line: print(line, flush=True))
