"""A service with a media folder for one test, and the context of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.integrations.storage import make_stores


@pytest.fixture
def media(config: Config, tmp_path: Path) -> Path:
    """The folder MEDIA_ROOT."""
    return config.media_path


@pytest.fixture
def config(config: Config, tmp_path: Path) -> Config:
    """The settings of the service, with a media folder for this test alone."""
    return replace(config, media_root=str(tmp_path / "media"))


@pytest.fixture
def job_context(config: Config, service: Any) -> Iterator[dict[str, Any]]:
    """The context that jobs are called with."""
    stores = make_stores(config)
    yield {"config": config, "database": service.db, "stores": stores}
    for store in stores.values():
        store.close()


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the service's worker from making thumbnails and removing files by itself."""
    monkeypatch.setattr("workers.settings.list_crons", lambda product: [])
    monkeypatch.setattr("nexcorp.delivery.wake.Waker.perform", lambda waker, effect: None)
