"""The words of the console: what views ask for is there, and German lacks nothing."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from nexcorp.features.console.files import STATIC

DENO = Path(sys.executable).with_name("deno")
ASKED = re.compile(r"""\bt\(\s*"([a-zA-Z.]+)"\s*[,)]""")
FLATTEN = """
const flat = (tree, path = "") => Object.entries(tree).flatMap(([name, one]) =>
  typeof one === "object" && !("other" in one) ? flat(one, `${path}${name}.`) : [path + name]);
const read = async (name) => flat((await import(`./words/${name}.js`)).default);
console.log(JSON.stringify({ en: [...await read("en"), ...await read("en-views")], de: await read("de") }));
"""


async def read_keys() -> dict[str, list[str]]:
    """The keys of all texts, by language."""
    process = await asyncio.create_subprocess_exec(
        DENO,
        *("run", "--quiet", "--no-remote", "--no-npm", "--no-lock", "--allow-read=.", "-"),
        cwd=STATIC,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )
    printed, _ = await process.communicate(FLATTEN.encode())
    assert process.returncode == 0
    found: dict[str, list[str]] = json.loads(printed)
    return found


async def test_views_find_their_words_in_both_languages() -> None:
    keys = await read_keys()
    english, german = set(keys["en"]), set(keys["de"])
    assert german - english == set(), "English lacks these"
    assert english - german == {"app.name"}, "German lacks these"
    files = [path for part in ("lib", "views") for path in (STATIC / part).glob("*.js")]
    asked = {key for path in (*files, STATIC / "main.js") for key in ASKED.findall(path.read_text())}
    assert len(asked) > 200
    assert {key for key in asked if key not in english and key.rpartition(".")[0] not in english} == set()
