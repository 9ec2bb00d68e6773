"""Generated files are up to date with their sources, and bundles are unchanged."""

from __future__ import annotations

import hashlib
import json

from nexcorp.app import make_documents
from nexcorp.documents.typescript import TYPES, write_types

VENDOR = TYPES.parent.parent / "vendor"
WRITTEN_BY_HAND = ".d.ts"


def test_types_are_those_of_the_document() -> None:
    """After a change of a route or a schema, `make types` writes them again."""
    assert TYPES.read_text() == write_types(json.loads(make_documents().openapi.body))


def test_libraries_are_as_they_were_bundled() -> None:
    """No bundle was edited: VENDOR.md lists every bundle with its checksum."""
    rows = [line.split(" | ") for line in (VENDOR / "VENDOR.md").read_text().splitlines()]
    sums = {row[0].removeprefix("| "): row[2] for row in rows if len(row) == 4 and len(row[2]) == 64}
    files = {path.name: path for path in VENDOR.iterdir() if path.name not in ("VENDOR.md", "LICENSES.txt")}
    bundles = {name for name in files if not name.endswith(WRITTEN_BY_HAND)}
    assert bundles == set(sums)
    for name in bundles:
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == sums[name], name
        if name.endswith(".js"):
            assert name.replace(".js", WRITTEN_BY_HAND) in files
