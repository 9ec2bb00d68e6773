"""The console's files over HTTP: caching, the content policy, and the pages left out in production."""

from __future__ import annotations

import re
from typing import Any

import aiohttp

from nexcorp.features.console.files import load_files, read_times

PAGES = ["/app/", "/app/tasks", "/app/people/ada", "/app/no/such/page"]


async def test_every_path_is_the_page_with_a_nonce_of_its_own(service: Any) -> None:
    nonces = set()
    async with aiohttp.ClientSession() as outside:
        async with outside.get(f"{service.url}/app", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/app/")
        for path in PAGES:
            async with outside.get(service.url + path) as answer:
                assert answer.status == 200 and answer.content_type == "text/html"
                assert answer.headers["Cache-Control"] == "no-store"
                policy, text = answer.headers["Content-Security-Policy"], await answer.text()
                nonce = re.search(r"'nonce-([\w-]+)'", policy)
                assert nonce and f'content="{nonce[1]}"' in text and "{" not in policy
                assert "script-src 'self';" in policy and "require-trusted-types-for 'script'" in policy
                nonces.add(nonce[1])
    assert len(nonces) == len(PAGES)


async def test_files_are_kept_for_ever_under_the_version_of_the_page(service: Any) -> None:
    version = load_files(read_times()).version
    async with aiohttp.ClientSession(auto_decompress=False) as outside:
        for name, kept in (
            (version, "public, max-age=31536000, immutable"),
            ("of-another-release", "no-store"),
        ):
            url, packed = f"{service.url}/app/-/{name}/main.js", {"Accept-Encoding": "gzip"}
            async with outside.get(url, headers=packed) as answer:
                assert (answer.status, answer.headers["Cache-Control"]) == (200, kept)
                assert answer.headers["Content-Encoding"] == "gzip"
                assert answer.content_type == "text/javascript"
        async with outside.get(f"{service.url}/app/sw.js") as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
        for name in ("no.js", "index.html", "lib", "..%2Ffiles.py", "vendor/LICENSES.txt", "lib/types.d.ts"):
            async with outside.get(f"{service.url}/app/-/{version}/{name}") as answer:
                assert answer.status == 404, name


async def test_production_offers_no_demo_people(web_only: Any) -> None:
    runner, _, url = await web_only(env="production")
    async with aiohttp.ClientSession() as outside, outside.get(f"{url}/app/demo.json") as answer:
        assert answer.status == 404
    await runner.cleanup()
