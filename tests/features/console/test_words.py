"""The console's texts: every key in use exists, and German lacks no key."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from nexcorp.features.console.files import STATIC

DENO = Path(sys.executable).with_name("deno")
ASKED = re.compile(r"""\bt\(\s*"([a-zA-Z.]+)"\s*[,)]""")
FLATTEN = """
const flat = (tree, path = "") => Object.entries(tree).flatMap(([name, one]) =>
  typeof one === "object" && !("other" in one) ? flat(one, `${path}${name}.`) : [path + name]);
const read = async (name) => flat((await import(`./words/${name}.js`)).default);
console.log(JSON.stringify({ en: [...await read("en"), ...await read("en-views")], de: await read("de") }));
"""


SAY = """
globalThis.document = { documentElement: {} };
const { choose, t } = await import("./lib/words.js");
const counts = [0, 1, 1200].map((count) => t("post.likes", { count }));
const english = [...counts, t("feed.hint", { keys: "n" }), t("no.such.text"), t("commands.find", {})];
await choose("de", false);
console.log(JSON.stringify([english, [t("app.cancel"), t("app.name"), t("post.likes", { count: 1200 })]]));
"""


async def run(text: str) -> Any:
    """Run a script that imports files of the console; return the JSON it prints."""
    process = await asyncio.create_subprocess_exec(
        DENO,
        *("run", "--quiet", "--no-remote", "--no-npm", "--no-lock", "--allow-read=.", "-"),
        cwd=STATIC,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )
    printed, _ = await process.communicate(text.encode())
    assert process.returncode == 0
    return json.loads(printed)


async def test_views_find_their_words_in_both_languages() -> None:
    keys: dict[str, list[str]] = await run(FLATTEN)
    english, german = set(keys["en"]), set(keys["de"])
    assert german - english == set(), "English lacks these"
    assert english - german == {"app.name"}, "German lacks these"
    files = [path for part in ("lib", "views") for path in (STATIC / part).glob("*.js")]
    asked = {key for path in (*files, STATIC / "main.js") for key in ASKED.findall(path.read_text())}
    assert len(asked) > 200
    assert {key for key in asked if key not in english and key.rpartition(".")[0] not in english} == set()


async def test_texts_take_values_and_plural_forms() -> None:
    """In the shown language; a text that German lacks is in English, an unknown key is shown as such."""
    english, german = await run(SAY)
    assert english == [
        *("0 likes", "1 like", "1,200 likes"),
        *("write, n post", "no.such.text", "Search for “{text}”"),
    ]
    assert german == ["Abbrechen", "NexCorp", "1.200 Gefällt mir"]
