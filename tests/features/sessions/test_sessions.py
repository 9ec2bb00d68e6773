"""Sessions: holding, joining, leaving and ending one, what others see of it, and who has which file open."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from tests.api import API, create, fetch, fetch_value, get_json, outbox_empty, refused
from tests.conftest import wait_until
from tests.features.projects.helpers import found, remove
from tests.features.tasks.test_live import read_all
from tests.leaving import leave
from tests.realtime.helpers import subscribe
from workers.jobs.sessions import tidy_sessions

pytestmark = pytest.mark.shared


async def hold(person: Any, project: str, **more: Any) -> str:
    """Hold a session; return its id."""
    made: str = (await create(person, f"/projects/{project}/sessions", title="Pairing", **more))["id"]
    return made


async def call(person: Any, session: str, what: str) -> int:
    """Join or leave a session; return the answer's status."""
    status: int = (await person.client.post(f"{API}/sessions/{session}/{what}")).status
    return status


async def age(service: Any, session: str, seconds: int) -> None:
    """Make all times of a session `seconds` older."""
    await fetch(
        service,
        """WITH aged AS (
            UPDATE session_participants
            SET seen_at = seen_at - $2 * interval '1 second',
                left_at = left_at - $2 * interval '1 second'
            WHERE session_id = $1
        )
        UPDATE collab_sessions SET created_at = created_at - $2 * interval '1 second' WHERE id = $1""",
        UUID(session),
        seconds,
    )


async def add_file(service: Any, project: str, path: str) -> Any:
    """Add an empty file; return its id."""
    statement = """INSERT INTO files (project_id, path, kind, type) VALUES ($1, $2, 'text', 'text/plain')
        RETURNING id"""
    return await fetch_value(service, statement, UUID(project), path)


async def list_here(person: Any, session: str) -> set[str]:
    """The ids of the users who are in the session now."""
    rows = (await get_json(person.client, f"/sessions/{session}/participants?here=true"))["data"]
    return {row["user"]["id"] for row in rows}


def tell(frames: list[Any]) -> list[tuple[str, str | None, int]]:
    """(event, user id, participants now) of each frame of a session."""
    return [
        (frame["event"], frame["data"].get("userId"), frame["data"]["participantCount"]) for frame in frames
    ]


async def test_people_come_to_a_session_and_go(make_user: Any, service: Any, connect: Any) -> None:
    ada, bob, cyd, eve = [await make_user() for _ in range(4)]
    project = await found(ada, "internal", editor=bob, viewer=cyd)
    file_id = await add_file(service, project, "a.txt")
    live = await connect(cyd)
    await subscribe(live, f"project:{project}")
    path = f"{API}/projects/{project}/sessions"
    await refused(cyd.client.post(path, json={"title": "No"}), 403, "not_your_project")
    await refused(eve.client.get(path), 403, "not_your_project")
    other = await found(ada)
    for body in ({}, {"title": " "}, {"title": "x" * 201}, {"title": "a", "fileId": str(ada.id)}):
        await refused(bob.client.post(path, json=body), 422)
    await refused(
        ada.client.post(f"{API}/projects/{other}/sessions", json={"title": "a", "fileId": str(file_id)}), 422
    )

    session = await hold(bob, project, fileId=str(file_id))
    await refused(eve.client.post(f"{API}/sessions/{session}/join"), 403, "not_your_project")
    assert [await call(cyd, session, "join") for _ in range(2)] == [200, 200]
    shown = await get_json(cyd.client, f"/sessions/{session}")
    assert (shown["joined"], shown["participantCount"], shown["endedAt"]) == (True, 2, None)
    assert shown["file"] == {"id": str(file_id), "path": "a.txt"} and shown["host"]["id"] == str(bob.id)
    assert await list_here(ada, session) == {str(bob.id), str(cyd.id)}
    assert [await call(cyd, session, "leave") for _ in range(2)] == [204, 204]
    [row] = (await get_json(ada.client, f"/sessions/{session}/participants?here=false"))["data"]
    assert row["user"]["id"] == str(cyd.id) and row["leftAt"] and not row["here"]

    await refused(cyd.client.delete(f"{API}/sessions/{session}"), 403, "not_your_project")
    assert [(await bob.client.delete(f"{API}/sessions/{session}")).status for _ in range(2)] == [204, 204]
    await refused(cyd.client.post(f"{API}/sessions/{session}/join"), 409, "collab_session_ended")
    assert await call(bob, session, "leave") == 204
    # A frame shows the session as it is when it is pushed.
    frames = [frame for frame in await read_all(live, service) if frame["event"].startswith("session:")]
    assert [(event, user) for event, user, _ in tell(frames)] == [
        ("session:started", None),
        ("session:joined", str(bob.id)),
        ("session:joined", str(cyd.id)),
        ("session:left", str(cyd.id)),
        ("session:ended", None),
    ]
    assert {frame["data"]["sessionId"] for frame in frames} == {session}
    assert frames[0]["data"]["title"] == "Pairing"

    second = await hold(ada, project)
    assert [
        row["id"] for row in (await get_json(cyd.client, "/projects/" + project + "/sessions"))["data"]
    ] == [
        second,
        session,
    ]
    assert [
        row["id"] for row in (await get_json(cyd.client, f"/projects/{project}/sessions?live=true"))["data"]
    ] == [second]
    # The project's owner may end another member's session.
    third = await hold(bob, project)
    assert (await ada.client.delete(f"{API}/sessions/{third}")).status == 204
    rows = (await get_json(cyd.client, f"/projects/{project}/activity?limit=100"))["data"]
    assert {row["entityName"] for row in rows if row["entityType"] == "collab_session"} == {"Pairing"}


async def test_unseen_for_a_minute_is_gone_and_empty_for_a_day_is_over(
    make_user: Any, service: Any, connect: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    project = await found(ada, editor=bob)
    session, young = await hold(ada, project), await hold(ada, project)
    assert await call(bob, session, "join") == 200
    await age(service, session, 50)
    assert await call(bob, session, "join") == 200
    await age(service, session, 12)
    assert await list_here(ada, session) == {str(bob.id)}
    await wait_until(lambda: outbox_empty(service))
    live = await connect(bob)
    await subscribe(live, f"project:{project}")
    await tidy_sessions({"database": service.db})
    await tidy_sessions({"database": service.db})
    assert tell(await read_all(live, service)) == [("session:left", str(ada.id), 1)]
    left = """SELECT left_at - seen_at = interval '60 seconds' FROM session_participants
        WHERE session_id = $1 AND user_id = $2"""
    assert await fetch_value(service, left, UUID(session), ada.id)

    # A participant was there; then nobody, but not long enough for the session to end.
    await age(service, session, 86_400 - 10)
    assert await call(bob, session, "join") == 200
    await tidy_sessions({"database": service.db})
    assert await call(bob, session, "leave") == 204
    await age(service, session, 86_400 - 10)
    await tidy_sessions({"database": service.db})
    assert (await get_json(bob.client, f"/sessions/{session}"))["endedAt"] is None
    await age(service, session, 20)
    await tidy_sessions({"database": service.db})
    assert (await get_json(bob.client, f"/sessions/{session}"))["endedAt"] is not None
    assert (await get_json(bob.client, f"/sessions/{young}"))["endedAt"] is None
    assert tell(await read_all(live, service))[-1] == ("session:ended", None, 0)


async def test_who_is_no_member_any_more_is_in_no_session(make_user: Any, service: Any, connect: Any) -> None:
    ada, bob, cyd = [await make_user() for _ in range(3)]
    project = await found(ada, editor=bob, viewer=cyd)
    session = await hold(bob, project)
    assert await call(cyd, session, "join") == 200
    live = await connect(ada)
    await subscribe(live, f"project:{project}")
    await read_all(live, service)
    assert (await remove(ada, project, cyd)).status == 204
    assert await list_here(ada, session) == {str(bob.id)}
    for what in ("join", "leave"):
        await refused(cyd.client.post(f"{API}/sessions/{session}/{what}"), 404, "collab_session_not_found")
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, bob.id)
    await wait_until(lambda: outbox_empty(service))
    shown = await get_json(ada.client, f"/sessions/{session}")
    assert (shown["host"], shown["participantCount"]) == (None, 0)
    assert (
        await fetch_value(service, "SELECT count(*) FROM session_participants WHERE user_id = $1", bob.id)
        == 0
    )
    frames = [frame for frame in await read_all(live, service) if frame["event"] == "session:left"]
    assert [frame["data"]["userId"] for frame in frames] == [str(cyd.id), str(bob.id)]
    assert (await ada.client.delete(f"{API}/sessions/{session}")).status == 204


async def test_at_the_same_time(make_user: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    project = await found(ada, editor=bob)

    async def count(session: str, event: str) -> int:
        number: int = await fetch_value(
            service,
            """SELECT count(*) FROM events
            WHERE entity_id = $1 AND type = 'collab_session.' || $2 AND payload ->> 'userId' = $3""",
            UUID(session),
            event,
            str(bob.id),
        )
        return number

    for _ in range(6):
        session = await hold(ada, project)
        # Eight tabs join at once: one event.
        assert {*await asyncio.gather(*(call(bob, session, "join") for _ in range(8)))} == {200}
        assert await count(session, "joined") == 1
        assert {*await asyncio.gather(*(call(bob, session, "leave") for _ in range(4)))} == {204}
        assert await count(session, "left") == 1
        # Joins race with the end: whatever they are answered, nobody is in the session after its end.
        end = ada.client.delete(f"{API}/sessions/{session}")
        statuses = await asyncio.gather(call(bob, session, "join"), end, call(bob, session, "join"))
        assert statuses[0] in (200, 409) and statuses[1].status == 204 and statuses[2] in (200, 409)
        assert await list_here(ada, session) == set()
        assert await call(bob, session, "join") == 409

    # A member removed meanwhile is not in the session.
    for _ in range(4):
        session = await hold(ada, project)
        await asyncio.gather(call(bob, session, "join"), remove(ada, project, bob))
        assert str(bob.id) not in await list_here(ada, session)
        assert (
            await ada.client.put(f"{API}/projects/{project}/members/{bob.id}", json={"role": "editor"})
        ).status == 200


async def test_who_has_which_file_open(make_user: Any, service: Any) -> None:
    ada, bob, cyd = [await make_user() for _ in range(3)]
    project = await found(ada, "internal", editor=bob)
    files = [await add_file(service, project, path) for path in ("b.txt", "A.txt", "unopened.txt")]
    session = await hold(bob, project)
    await age(service, session, 50)
    # Two nodes, one with two tabs of the same file; and a third node that was killed.
    for node, pairs in ((1, [(files[0], ada), (files[0], bob)]), (2, [(files[1], bob), (files[0], bob)])):
        async with service.db.transaction(wait=5) as conn:
            ids = {"file_ids": [one for one, _ in pairs], "user_ids": [person.id for _, person in pairs]}
            await sql.collab.write_editors(conn, node=node, **ids)
            await sql.sessions.touch_editors(conn, **ids)
    await fetch(
        service,
        """INSERT INTO file_editors (file_id, user_id, node, seen_at)
        VALUES ($1, $2, 3, now() - interval '16 seconds')""",
        files[2],
        ada.id,
    )
    rows = (await get_json(ada.client, f"/projects/{project}/presence"))["data"]
    assert [(row["path"], [user["id"] for user in row["users"]]) for row in rows] == [
        ("A.txt", [str(bob.id)]),
        ("b.txt", [str(ada.id), str(bob.id)]),
    ]
    await refused(cyd.client.get(f"{API}/projects/{project}/presence"), 403, "not_your_project")
    # Editing a file keeps its editor in a session that they joined, and joins nobody to another one.
    await age(service, session, 30)
    assert await list_here(ada, session) == {str(bob.id)}
