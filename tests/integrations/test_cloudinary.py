"""The Cloudinary store against a server that checks its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from nexcorp.config import Config
from nexcorp.errors import ConfigError, StorageUnavailable
from nexcorp.integrations.storage import Contents, cloud, make_stores
from nexcorp.integrations.storage.cloud import CloudStore
from tests.features.uploads.files import picture
from tests.integrations.cloudinary_server import Cloudinary, start_cloudinary

IMAGE = Contents("image/png", ".png", 9, 40, 30)
FILE = Contents("application/pdf", ".pdf", 9)


@pytest.fixture
async def server() -> AsyncIterator[Cloudinary]:
    runner, server = await start_cloudinary()
    yield server
    await runner.cleanup()


@pytest.fixture
async def store(server: Cloudinary, tmp_path) -> AsyncIterator[CloudStore]:
    stores = make_stores(Config(cloudinary_url=server.setting, media_root=str(tmp_path)))
    assert list(stores) == ["cloudinary", "local"]
    yield stores["cloudinary"]
    for item in stores.values():
        item.close()


async def test_an_image_is_put_and_removed(server, store, tmp_path):
    path = tmp_path / "incoming"
    path.write_bytes(picture())
    key = store.make_key(IMAGE)
    placed = await store.put(path, key, IMAGE)
    assert server.files == {key: picture()}
    assert placed.url == f"https://res.cloudinary.com/demo/image/upload/v{server.version}/{key}.png"
    assert "/c_limit,h_400,w_400/" in placed.thumbnail_url and placed.thumbnail_url.endswith(".webp")
    await store.remove(key, "image/png")
    assert server.files == {}
    await store.remove(key, "image/png")


async def test_a_file_keeps_its_extension(server, store, tmp_path):
    path = tmp_path / "incoming"
    path.write_bytes(b"%PDF-1.7")
    key = store.make_key(FILE)
    placed = await store.put(path, key, FILE)
    assert placed.url.endswith(".pdf") and placed.thumbnail_url is None
    assert server.calls == [("raw", "upload")]
    await store.remove(key, "application/pdf")
    assert server.calls[-1] == ("raw", "destroy") and not server.files


async def test_a_large_file_goes_in_parts(server, store, tmp_path):
    path = tmp_path / "incoming"
    path.write_bytes(b"%PDF-1.7" + b"a" * 25_000_000)
    key = store.make_key(FILE)
    await store.put(path, key, FILE)
    assert len(server.files[key]) == 25_000_008
    # The package holds one part in memory at a time.
    assert server.largest_part <= cloud.PART_BYTES
    assert len(server.calls) == 5


@pytest.mark.parametrize("mode", ["fail", "vague", "garbage", "list", "stall", "lie"])
async def test_whatever_goes_wrong_there_the_store_is_down(server, tmp_path, monkeypatch, mode):
    monkeypatch.setattr(cloud, "SILENCE_SECONDS", 1.0)
    store = CloudStore(Config(cloudinary_url=server.setting, media_root=str(tmp_path)))
    path = tmp_path / "incoming"
    path.write_bytes(picture())
    server.mode = mode
    with pytest.raises(StorageUnavailable):
        await store.put(path, store.make_key(IMAGE), IMAGE)
    with pytest.raises(StorageUnavailable):
        await store.find("nexcorp/none") if mode != "lie" else await store.put(path, "nexcorp/x", IMAGE)
    if mode != "lie":
        with pytest.raises(StorageUnavailable):
            await store.remove("nexcorp/none", "image/png")
    server.mode = "ok"
    placed = await store.put(path, store.make_key(IMAGE), IMAGE)
    assert placed.url.startswith("https://")
    store.close()


async def test_nobody_listening_is_down_as_well(tmp_path):
    store = CloudStore(Config(cloudinary_url="cloudinary://k:s@demo?upload_prefix=http://127.0.0.1:9"))
    path = tmp_path / "incoming"
    path.write_bytes(picture())
    with pytest.raises(StorageUnavailable):
        await store.put(path, store.make_key(IMAGE), IMAGE)
    store.close()


async def test_a_wrong_secret_is_refused_there(server, tmp_path):
    setting = server.setting.replace("cloud-secret", "another")
    store = CloudStore(Config(cloudinary_url=setting, media_root=str(tmp_path)))
    path = tmp_path / "incoming"
    path.write_bytes(picture())
    with pytest.raises(StorageUnavailable):
        await store.put(path, store.make_key(IMAGE), IMAGE)
    assert server.files == {}
    store.close()


@pytest.mark.parametrize("text", ["http://k:s@demo", "cloudinary://demo", "cloudinary://k@demo", "x"])
def test_a_broken_setting_is_named(text):
    with pytest.raises(ConfigError, match="CLOUDINARY_URL"):
        Config.from_env({"CLOUDINARY_URL": text})


@pytest.mark.parametrize("name", ["CLOUDINARY_URL", "SMTP_URL"])
def test_what_is_no_address_at_all_is_not_quoted(name):
    for text in ("cloudinary://key:hush\u2100@cloud", "smtp://key:hush@[cloud"):
        with pytest.raises(ConfigError, match=f"{name}: wants") as caught:
            Config.from_env({name: text})
        assert "hush" not in str(caught.value)
