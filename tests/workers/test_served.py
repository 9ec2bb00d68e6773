"""The worker's own metrics."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.chaos.cluster import choose_ports
from workers.served import serve_metrics


@pytest.mark.parametrize(
    ("settings", "header", "status"),
    [
        ({}, "", 200),
        ({"env": "production"}, "", 401),
        ({"env": "production", "metrics_open": True}, "", 200),
        ({"metrics_token": "hush"}, "Bearer hus", 401),
        ({"metrics_token": "hush"}, "Basic hush", 401),
        ({"metrics_token": "hush"}, "bearer hush", 200),
    ],
)
async def test_a_worker_shows_its_metrics_to_whom_it_should(
    own_config: Any, settings: dict[str, Any], header: str, status: int
) -> None:
    config = replace(own_config, worker_metrics_port=choose_ports(1)[0], **settings)
    runner = await serve_metrics(config)
    assert runner is not None
    url = f"http://127.0.0.1:{config.worker_metrics_port}/metrics"
    try:
        headers = {"Authorization": header}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            assert answer.status == status
            assert (b"nexcorp_outbox_delivered_total" in await answer.read()) is (status == 200)
    finally:
        await runner.cleanup()


async def test_a_taken_port_does_not_keep_a_worker_from_its_work(own_config: Any) -> None:
    assert await serve_metrics(own_config) is None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        runner = await serve_metrics(replace(own_config, worker_metrics_port=taken.getsockname()[1]))
        assert runner is not None
        await runner.cleanup()
