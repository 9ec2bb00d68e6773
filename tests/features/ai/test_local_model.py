"""The small language model of `make run AI=1`, where it is installed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import aiohttp
import pytest

from nexcorp.embedded.home import choose_port
from nexcorp.embedded.model import find_model
from nexcorp.integrations.ai import End, Model

needs_model = pytest.mark.skipif(find_model() is None, reason="it is installed by `make run AI=1` alone")


@needs_model
async def test_it_answers(tmp_path: Any) -> None:
    port = choose_port(tmp_path / "port")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nexcorp.embedded.model", str(port)),
        env={**os.environ, "AI_API_KEY": "a key"},
    )
    model = Model(f"http://127.0.0.1:{port}/v1", "a key", "small")
    stranger = Model(f"http://127.0.0.1:{port}/v1", "another", "small")
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        asked = [{"role": "user", "content": "Say hello."}]
        parts = [part async for part in model.ask(asked, model=None, most_tokens=30)]
        assert "".join(part for part in parts if isinstance(part, str)).strip()
        assert isinstance(parts[-1], End) and parts[-1].completion_tokens
        with pytest.raises(Exception, match="provider_401"):
            [part async for part in stranger.ask(asked, model=None, most_tokens=30)]
    finally:
        process.kill()
        await process.wait()
        await model.close()
        await stranger.close()


def test_it_is_not_looked_for_in_vain() -> None:
    path = find_model()
    assert path is None or path.suffix == ".gguf"
