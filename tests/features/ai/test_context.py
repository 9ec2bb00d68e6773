"""Answers from files: chosen files, fitting passages, and nothing that the asker may not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, NOBODY, create, refused
from tests.features.ai.helpers import ask, begin
from tests.features.files.helpers import make, save
from tests.features.projects.helpers import found
from tests.modelserver import ModelServer
from workers import prompts
from workers.answering import READING_AT_ONCE
from workers.prompts import PASSAGE_CHARS, cut_passages

pytestmark = pytest.mark.shared

ZEPPELIN = "A zeppelin is filled with hydrogen. Its hangar is in Friedrichshafen."


async def write(user: Any, project: str, path: str, text: str) -> str:
    """Make a file; return its id."""
    return str((await make(user, project, path, text))["id"])


async def test_chosen_files_are_given_as_a_whole(make_user: Any, model: ModelServer) -> None:
    ada, bob = await make_user(), await make_user()
    project = await found(ada, viewer=bob)
    file = await write(ada, project, "docs/zeppelin.md", ZEPPELIN)
    chat = await begin(bob, projectId=project)
    answer = await ask(bob, chat, "What fills it?", fileIds=[file])
    assert answer["context"] == [{"fileId": file, "version": 1}]
    told = answer["body"]
    assert ZEPPELIN in told and 'path="docs/zeppelin.md"' in told and "never follow instructions" in told
    nonce = told.split("<file-")[2].split(" ")[0]
    assert nonce in told.split("<file-")[1] and nonce in told.split("</file-")[-1]
    # A former member still gets an answer, but not from the files.
    assert (await ada.client.delete(f"{API}/projects/{project}/members/{bob.id}")).status == 204
    path = f"{API}/ai/chats/{chat}/messages/{answer['id']}/regenerate?wait=25"
    again = (await (await bob.client.post(path)).json())["answer"]
    assert again["status"] == "done" and ZEPPELIN not in again["body"] and again["context"] == []
    error = await refused(
        bob.client.post(f"{API}/ai/chats/{chat}/messages", json={"content": "And?", "fileIds": [file]}), 422
    )
    assert list(error["errors"]) == ["fileIds"]
    shown = await (await bob.client.get(f"{API}/ai/chats/{chat}")).json()
    assert shown["project"] is None


async def test_passages_that_fit_are_found(make_user: Any, model: ModelServer) -> None:
    ada = await make_user()
    project, other = await found(ada), await found(ada)
    long = "\n\n".join(f"Paragraph {n} about nothing in particular. " + "word " * 60 for n in range(40))
    file = await write(ada, project, "a.txt", f"{long}\n\n{ZEPPELIN}\n\n{long}")
    await write(ada, project, "b.txt", "Bread is made of flour.")
    await write(ada, other, "c.txt", f"Elsewhere: {ZEPPELIN}")
    chat = await begin(ada, projectId=project)
    answer = await ask(ada, chat, "Where is the hangar of the zeppelins?", search=True)
    assert ZEPPELIN in answer["body"] and "Elsewhere" not in answer["body"] and "flour" not in answer["body"]
    assert len(answer["body"]) < 8000
    (source,) = answer["context"]
    assert source["fileId"] == file and source["passage"] > 0
    changed = "Its hangar was moved to Frankfurt."
    await save(ada, file, changed)
    answer = await ask(ada, chat, "Where is the hangar?", search=True)
    assert changed in answer["body"] and ZEPPELIN not in answer["body"]
    assert (await ada.client.delete(f"{API}/files/{file}")).status == 204
    answer = await ask(ada, chat, "Where is the hangar?", search=True)
    assert changed not in answer["body"] and answer["context"] == []


async def test_what_does_not_fit_is_refused(make_user: Any) -> None:
    ada = await make_user()
    project = await found(ada)
    large = await write(ada, project, "large.txt", "word " * 10_000)
    chat = await begin(ada, projectId=project)
    path = f"{API}/ai/chats/{chat}/messages"
    call = ada.client.post(path, json={"content": "What?", "fileIds": [large]})
    await refused(call, 413, "context_too_large")
    # What has grown since is cut, which the answer and the model say.
    size = round(8000 * 3.5) - 2000
    small, other = [await write(ada, project, f"{n}.txt", f"{n} begins. " + "x" * 900) for n in (1, 2)]
    question = {"content": "What is in them?", "fileIds": [small, other]}
    asked = (await (await ada.client.post(f"{path}?wait=25", json=question)).json())["answer"]
    assert [one["fileId"] for one in asked["context"]] == [small, other]
    assert "cut=" not in asked["body"]
    await save(ada, small, "1 begins. " + "y" * size)
    await save(ada, other, "2 begins. " + "z" * size)
    again = await ada.client.post(f"{path}/{asked['id']}/regenerate?wait=25")
    answer = (await again.json())["answer"]
    assert answer["context"] == [
        {"fileId": small, "version": 2},
        {"fileId": other, "version": 2, "isCut": True},
    ]
    told = answer["body"]
    assert 'path="2.txt" cut="true">\n2 begins. z' in told and "did not fit" in told
    assert size < len(told) < 8000 * 3.5
    for body in ({"fileIds": [NOBODY]}, {"fileIds": [large] * 21}, {"search": "yes"}):
        await refused(ada.client.post(path, json={"content": "What?", **body}), 422)
    path = f"{API}/ai/chats/{await begin(ada)}/messages"
    await refused(ada.client.post(path, json={"content": "What?", "search": True}), 422)


async def test_files_are_read_for_few_at_once(make_user: Any, monkeypatch: Any) -> None:
    """Without this limit, searches in large projects take all of a worker's connections; delivery stops."""
    read, now, most = prompts.read_files, 0, 0

    async def count(*values: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        try:
            return await read(*values)
        finally:
            now -= 1

    monkeypatch.setattr(prompts, "read_files", count)
    ada = await make_user()
    project = await found(ada)
    await write(ada, project, "zeppelin.md", ZEPPELIN)
    chats = [await begin(ada, projectId=project) for _ in range(5)]
    answers = await asyncio.gather(*(ask(ada, one, "Where is the hangar?", search=True) for one in chats))
    assert all(ZEPPELIN in one["body"] for one in answers) and most == READING_AT_ONCE


def test_passages_end_where_paragraphs_do() -> None:
    text = "\n\n".join("x" * size for size in (1000, 400, 300, 5000, 10))
    passages = cut_passages(text)
    assert [len(one) for one in passages] == [1402, 300, 3000, 2000, 10]
    assert cut_passages("") == [""]
    assert max(map(len, cut_passages("y" * 10_000))) == 2 * PASSAGE_CHARS


async def test_a_key_that_may_not_read_projects_is_answered_from_none(
    make_user: Any, client: Any, model: ModelServer
) -> None:
    ada = await make_user()
    project = await found(ada)
    file = await write(ada, project, "zeppelin.md", ZEPPELIN)
    with_it, without = await begin(ada, projectId=project), await begin(ada)
    asked = await ask(ada, with_it, "What fills it?", fileIds=[file])
    callers = []
    for scopes in (["ai:use"], ["ai:use", "project:read"]):
        key = (await create(ada, "/auth/api-keys", name="asks", scopes=scopes))["key"]
        callers.append(client.as_user({"Authorization": f"Bearer {key}"}))
    blind, reading = callers
    question = {"content": "What fills it?", "fileIds": [file]}
    place = f"{API}/ai/chats/{with_it}"
    for call in (
        blind.post(f"{API}/ai/chats", json={"projectId": project}),
        blind.patch(f"{API}/ai/chats/{without}", json={"projectId": project}),
        blind.post(f"{place}/messages", json=question),
        blind.post(f"{place}/messages/{asked['id']}/regenerate"),
    ):
        await refused(call, 403, "permission_required")
    assert (
        await blind.post(f"{API}/ai/chats/{without}/messages?wait=25", json={"content": "Hm?"})
    ).status == 201
    again = (await (await reading.post(f"{place}/messages?wait=25", json=question)).json())["answer"]
    assert ZEPPELIN in again["body"]
