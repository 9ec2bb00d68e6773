"""Chats, questions and answers over REST."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, NOBODY, create, fetch_value, get_json, refused, walk
from tests.features.ai.helpers import ask, begin
from tests.modelserver import KEY, ModelServer, words

pytestmark = pytest.mark.shared


async def test_a_question_is_answered(make_user: Any, service: Any, model: ModelServer) -> None:
    ada = await make_user()
    chat = await begin(ada)
    answer = await ask(ada, chat, "say 20")
    assert answer["body"] == words(20) and answer["status"] == "done" and answer["reason"] is None
    assert answer["promptTokens"] == 11 and answer["completionTokens"] == 20
    assert answer["position"] == f"1.{len(words(20))}"
    second = await ask(ada, chat, "Say what you were told")
    assert second["body"].startswith("You are the assistant")
    sent = model.asked[-1]
    assert [one["role"] for one in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert sent["messages"][2]["content"] == words(20) and sent["model"] == "small"
    page = await get_json(ada.client, f"/ai/chats/{chat}/messages")
    assert [one["role"] for one in page["data"]] == ["user", "assistant"] * 2
    assert [one["parentId"] for one in page["data"]] == [None, *[one["id"] for one in page["data"][:3]]]
    shown = await get_json(ada.client, f"/ai/chats/{chat}")
    assert shown["title"] == "say 20" and shown["leafId"] == second["id"] and not shown["isAnswering"]
    pages = await walk(ada.client, f"/ai/chats/{chat}/messages", 3)
    assert [[one["role"] for one in part] for part in pages] == [["assistant", "user", "assistant"], ["user"]]
    used = "SELECT (answers, prompt_tokens, completion_tokens)::text FROM ai_usage WHERE user_id = $1"
    assert await fetch_value(service, used, ada.id) == f"(2,22,{20 + 20})"


async def test_branches(make_user: Any, model: ModelServer) -> None:
    ada = await make_user()
    chat = await begin(ada, title="Mine", model="large")
    first = await ask(ada, chat, "say 1")
    second = await ask(ada, chat, "say 2")
    assert model.asked[-1]["model"] == "large"
    edited = await ask(ada, chat, "say 3", parentId=first["id"])
    path = f"{API}/ai/chats/{chat}/messages/{edited['id']}/regenerate?wait=25"
    again = (await (await ada.client.post(path)).json())["answer"]
    assert again["body"] == words(3) and again["siblings"] == [edited["id"], again["id"]]
    branch = (await get_json(ada.client, f"/ai/chats/{chat}/messages"))["data"]
    assert [one["body"] for one in branch] == ["say 1", words(1), "say 3", words(3)]
    assert len(branch[2]["siblings"]) == 2
    old = (await get_json(ada.client, f"/ai/chats/{chat}/messages?leaf={second['id']}"))["data"]
    assert [one["body"] for one in old] == ["say 1", words(1), "say 2", words(2)]
    anew = await ask(ada, chat, "say 4", parentId=None)
    branch = (await get_json(ada.client, f"/ai/chats/{chat}/messages"))["data"]
    assert [one["id"] for one in branch][1:] == [anew["id"]] and len(branch[0]["siblings"]) == 2
    for parent in (branch[0]["id"], NOBODY):
        body = {"content": "say 1", "parentId": parent}
        await refused(ada.client.post(f"{API}/ai/chats/{chat}/messages", json=body), 422)
    await refused(ada.client.get(f"{API}/ai/chats/{chat}/messages?leaf={NOBODY}"), 422)


async def test_a_chat_is_its_owners_alone(make_user: Any, service: Any) -> None:
    ada, admin = await make_user(), await make_user(role="admin")
    chat = await begin(ada, title="Secret")
    answer = await ask(ada, chat, "say 1")
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/messages"),
        ("POST", "/messages"),
        ("POST", f"/messages/{answer['id']}/regenerate"),
        ("POST", f"/messages/{answer['id']}/cancel"),
        ("GET", f"/messages/{answer['id']}/stream"),
    ):
        body = {"title": "x"} if method == "PATCH" else {"content": "say 1"} if path == "/messages" else None
        for who, at in ((admin, chat), (ada, NOBODY)):
            call = who.client.call(
                method, f"{API}/ai/chats/{at}{path}", json=body if method != "GET" else None
            )
            await refused(call, 404)
    assert (await get_json(admin.client, "/ai/chats"))["data"] == []
    other = await begin(admin)
    await refused(admin.client.get(f"{API}/ai/chats/{other}/messages?leaf={answer['id']}"), 422)
    body = {"content": "say 1", "parentId": answer["id"]}
    await refused(admin.client.post(f"{API}/ai/chats/{other}/messages", json=body), 422)
    leaked = "SELECT count(*) FROM events WHERE payload::text LIKE '%Secret%' OR payload::text LIKE '%say 1%'"
    assert await fetch_value(service, leaked) == 0


async def test_chats_change_and_go(make_user: Any, service: Any, connect: Any) -> None:
    ada = await make_user()
    live = await connect(ada)
    chat = await create(ada, "/ai/chats")
    assert (await live.next("ai-chat:created"))["data"]["id"] == chat["id"]
    path = f"{API}/ai/chats/{chat['id']}"
    assert (await ada.client.patch(path, json={"title": "Plans", "version": 1})).status == 200
    await refused(ada.client.patch(path, json={"title": "Other", "version": 1}), 409, "stale_version")
    await refused(ada.client.patch(path, json={"model": "unknown"}), 422)
    await refused(ada.client.patch(path, json={"projectId": NOBODY}), 422)
    await refused(ada.client.delete(path, headers={"If-Match": '"1"'}), 412)
    key = {"Idempotency-Key": "once"}
    question = {"content": "say 2"}
    first = await ada.client.post(f"{path}/messages?wait=25", json=question, headers=key)
    again = await ada.client.post(f"{path}/messages?wait=25", json=question, headers=key)
    assert (await first.json())["answer"]["id"] == (await again.json())["answer"]["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await live.next("ai-answer:ended"))["data"]["status"] == "done"
    assert (await ada.client.delete(path)).status == 204
    assert (await live.next("ai-chat:deleted"))["data"] == {"id": chat["id"]}
    retry = ada.client.post(f"{path}/messages?wait=25", json=question, headers=key)
    await refused(retry, 404, "answer_gone")
    assert await fetch_value(service, "SELECT count(*) FROM ai_messages WHERE chat_id = $1", chat["id"]) == 0


async def test_one_question_at_a_time(make_user: Any, model: ModelServer) -> None:
    ada = await make_user()
    chat = await begin(ada)
    path = f"{API}/ai/chats/{chat}/messages"
    first = await (await ada.client.post(path, json={"content": "say 3000 100"})).json()
    calls = [ada.client.post(path, json={"content": "say 1"}) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert {one.status for one in answers} == {409}
    left = model.left
    cancelled = await ada.client.post(f"{path}/{first['answer']['id']}/cancel")
    assert cancelled.status == 202
    ended = await (await ada.client.get(f"{path}/{first['answer']['id']}/stream")).text()
    assert '"status":"cancelled"' in ended
    for _ in range(100):
        if model.left > left:
            break
        await asyncio.sleep(0.02)
    assert model.left == left + 1
    again = await ada.client.post(f"{path}/{first['answer']['id']}/cancel")
    assert (await again.json())["status"] == "cancelled"
    assert (await ask(ada, chat, "say 1"))["body"] == words(1)


@pytest.mark.parametrize(
    ("content", "status", "reason", "body"),
    [
        ("plain", "done", None, "all"),
        ("crlf 9", "done", None, words(9)),
        ("nodone 9", "done", None, words(9)),
        ("split", "done", None, "жё€😀 "),
        ("huge", "done", None, "x" * 200_000),
        ("length 9", "incomplete", "length", words(9)),
        ("busy 2 twice", "done", None, words(2)),
        ("refused", "failed", "provider_401: Incorrect API key provided: ***", ""),
    ],
)
async def test_what_providers_do(make_user: Any, content: str, status: str, reason: Any, body: str) -> None:
    ada = await make_user()
    answer = await ask(ada, await begin(ada), content)
    assert (answer["status"], answer["reason"], answer["body"]) == (status, reason, body)
    assert KEY not in str(answer)


async def test_tokens_are_counted_where_the_provider_does_not(make_user: Any, model: ModelServer) -> None:
    ada = await make_user()
    chat = await begin(ada)
    answer = await ask(ada, chat, "count 70")
    assert answer["completionTokens"] == round(len(words(70)) / 3.5) and answer["promptTokens"] > 20
