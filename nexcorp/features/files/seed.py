"""Files of the demo company's project; the first has two versions, by two people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.collab.versions import cut_version
from nexcorp.db import sql
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID
from nexcorp.domain.demo import ADA, GRACE
from nexcorp.features.files.contents import load_document
from nexcorp.features.files.saving import append, insert_file
from nexcorp.features.files.service import tell
from nexcorp.manifest import Demo

GRAMMAR = """\
# The grammar

    program   = { statement }
    statement = name "=" sum
    sum       = product { ("+" | "-") product }
    product   = value { ("*" | "/") value }
"""
VALUES = """\
    value     = number | name | "(" sum ")"

Blanks mean nothing, and a line is a statement.
"""
LEXER = """\
import re

TOKEN = re.compile(r"\\s*(?:(\\d+)|([a-z_]+)|(.))")


def read_tokens(text):
    for number, name, sign in TOKEN.findall(text):
        yield int(number) if number else name or sign
"""
NOTES = "One afternoon, three people. Linus only wants to look on, and brings coffee.\n"


async def insert_demo_files(conn: Any, demo: Demo) -> None:
    """Insert the demo files; the API documents use the first one as an example."""
    ada, grace = demo.people[ADA], demo.people[GRACE]
    grammar = await make_file(conn, EXAMPLE_ID, "docs/grammar.md", GRAMMAR, grace)
    await go_on(conn, grammar, GRAMMAR + VALUES, ada)
    await make_file(conn, None, "src/lexer.py", LEXER, ada)
    await make_file(conn, None, "notes.md", NOTES, grace)


async def make_file(conn: Any, file_id: UUID | None, path: str, text: str, author_id: UUID) -> UUID:
    """Create a file of the project; returns its id."""
    made = await insert_file(conn, file_id, PROJECT_ID, path, text.encode(), None, author_id)
    await tell(conn, "file.created", author_id, {"id": made, "projectId": PROJECT_ID}, version=1)
    return made


async def go_on(conn: Any, file_id: UUID, text: str, author_id: UUID) -> None:
    """Save a new text of a file."""
    await sql.file_versions.lock_file(conn, file_id=file_id)
    _, document = await load_document(conn, file_id)
    update = document.replace_text(text)
    if update is None:
        return
    seq = await append(conn, file_id, update, author_id) + 1
    number = await cut_version(conn, file_id, text.encode(), cause="put", author_ids=[author_id], seq=seq)
    file = {"id": file_id, "projectId": PROJECT_ID}
    await tell(conn, "file.saved", author_id, file, version=number, seq=seq, authorIds=[author_id])
