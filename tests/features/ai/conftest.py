"""Fixtures of a service with a language model, shared by a module or own to a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from nexcorp.config import Config
from tests.clients import Service, run_service
from tests.conftest import make_config, name_database
from tests.modelserver import KEY, ModelServer, serve_model


def with_model(config: Config, model: ModelServer, **settings: Any) -> Config:
    """Return the settings with the tests' language model added."""
    return replace(config, ai_base_url=model.url, ai_api_key=KEY, ai_model="small", **settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_model() -> AsyncIterator[ModelServer]:
    """The language model that all tests of a module share."""
    async with serve_model() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service(
    postgres: Any, valkey: Any, databases: Any, tmp_path_factory: Any, shared_model: ModelServer
) -> AsyncIterator[Service]:
    """A service that asks the shared model."""
    name = databases.take()
    config = make_config(
        name_database(postgres.url, name), f"{valkey.url}/1", tmp_path_factory.mktemp("home")
    )
    async with run_service(with_model(config, shared_model, ai_models=("large",))) as found:
        yield found
    databases.drop(name)


@pytest.fixture
async def own_model() -> AsyncIterator[ModelServer]:
    """A language model for one test alone."""
    async with serve_model() as found:
        yield found


@pytest.fixture
def model(request: pytest.FixtureRequest) -> ModelServer:
    """The language model that the service under test asks."""
    shared = request.node.get_closest_marker("shared") is not None
    found: ModelServer = request.getfixturevalue("shared_model" if shared else "own_model")
    return found


@pytest.fixture
def own_config(own_config: Config, own_model: ModelServer) -> Config:
    """Settings with a database and a model for one test alone."""
    return with_model(own_config, own_model)
