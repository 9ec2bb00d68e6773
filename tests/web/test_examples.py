"""The examples in the documents work on the demo data, and change nothing that later examples need."""

from __future__ import annotations

from typing import Any

from nexcorp.seed import seed
from tests.api import API, get_json
from tests.contract import document


def find_example(method: str, path: str) -> Any:
    """Return the example body of an operation, or None if it has none."""
    operation = document()["paths"][f"{API}{path}"][method]
    return (
        operation["requestBody"]["content"]["application/json"]["example"]
        if "requestBody" in operation
        else None
    )


async def test_examples_work_on_the_demo_data(service: Any, client: Any) -> None:
    await seed(service.config)
    answer = await client.post(f"{API}/auth/login", json=find_example("post", "/auth/login"))
    assert answer.status == 200
    client.headers["Authorization"] = f"Bearer {(await answer.json())['accessToken']}"
    work = await get_json(client, "/tasks?page=1")
    overdue = await get_json(client, "/tasks?due=overdue")
    assert (work["total"], len(overdue["data"])) == (14, 2)
    for method, path, status in (
        ("post", "/auth/register", 201),
        ("post", "/auth/password/forgot", 202),
        ("post", "/auth/ticket", 201),
        ("post", "/auth/api-keys", 201),
        ("post", "/auth/email", 202),
        ("post", "/admin/invitations", 201),
        ("patch", "/users/me", 200),
        ("post", "/posts", 201),
        ("post", "/comments", 201),
        ("patch", "/posts/{id}", 200),
        ("put", "/posts/{id}/like", 200),
        ("put", "/posts/{id}/interest", 200),
        ("put", "/posts/{id}/status", 200),
        ("get", "/posts/{id}/status-log", 200),
        ("get", "/users/by-username/{name}", 200),
        ("put", "/notifications/preferences", 200),
        ("put", "/notifications/types/{type}", 200),
        ("post", "/push-subscriptions", 201),
        ("delete", "/push-subscriptions", 204),
        ("get", "/tasks/{id}", 200),
        ("patch", "/tasks/{id}", 200),
        ("post", "/tasks", 201),
        ("post", "/tasks/{id}/checklist", 201),
        ("post", "/labels", 201),
        ("get", "/projects/{id}/board", 200),
        ("post", "/projects/{id}/files", 201),
        ("get", "/files/{id}", 200),
        ("patch", "/files/{id}", 200),
        ("get", "/files/{id}/versions/{n}", 200),
        ("post", "/files/{id}/versions/{n}/restore", 200),
        ("patch", "/projects/{id}/folders", 200),
        ("post", "/auth/password", 204),
    ):
        operation = document()["paths"][f"{API}{path}"][method]
        address = API + path
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                address = address.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        answer = await client.call(method.upper(), address, json=find_example(method, path))
        assert answer.status == status, (path, await answer.text())
    # Ada still has the password of the documents.
    assert (await client.post(f"{API}/auth/login", json=find_example("post", "/auth/login"))).status == 200
