"""Describe a migrated database from its catalogues: docs/schema.sql, and the triggers in sql/README.md.

The schema's text is the same under every PostgreSQL from 15 on, in whatever order objects were made. It can
be run: an empty database becomes like the described one, without rows and monthly partitions of the trail.
"""

from __future__ import annotations

from pathlib import Path

from nexcorp.config import REPOSITORY
from nexcorp.db.catalog import sql
from nexcorp.db.pool import Connection
from nexcorp.db.schema_files import SCHEMA, read_definitions

TARGET = REPOSITORY / "docs" / "schema.sql"
README = REPOSITORY / "sql" / "README.md"
EFFECTS = "<!-- effects -->\n", "<!-- end of effects -->\n"

HEAD = """\
-- The schema as migrations/ and sql/schema/ leave it. Written by `make schema`; a test compares it with a
-- migrated database. Months of the trail are left out. uuidv7() is PostgreSQL's own from 18 on; before that
-- sql/schema/00_ids.sql makes it.
SET check_function_bodies = off;
"""
# The migrators' own tables, and the monthly partitions.
FOREIGN = r"^(_yoyo.*|yoyo_.*|migration_checksums|schema_files|applied_schema|events_\d{4}_\d{2})$"


def list_views(folder: Path) -> dict[str, str]:
    """Return every view of sql/schema with its comment, by name."""
    things, comments = read_definitions(path.read_text() for path in sorted(folder.glob("*.sql")))
    told = {text.split()[3]: text for text in comments if text.startswith("COMMENT ON VIEW ")}
    return {
        thing.name: f"{text}\n{told[thing.name]}" for thing, text in things.items() if thing.kind == "VIEW"
    }


async def read_views(conn: Connection, folder: Path) -> list[str]:
    """Return the views as sql/schema defines them: PostgreSQL's text of a view differs by version.

    Raises LookupError if the database has other views.
    """
    views = list_views(folder)
    found = {row["name"] for row in await sql.catalogue.list_views(conn)}
    if found != views.keys():
        raise LookupError(f"views of the database and of sql/schema differ: {sorted(found ^ views.keys())}")
    return list(views.values())


async def dump_schema(conn: Connection, folder: Path = SCHEMA) -> str:
    """Return the text of docs/schema.sql."""
    queries = sql.catalogue
    blocks = [HEAD.rstrip(), "\n".join([row["text"] for row in await queries.list_extensions(conn)])]
    blocks += [row["text"] for row in await queries.list_dictionaries(conn)]
    blocks += [row["text"] for row in await queries.list_searches(conn)]
    blocks += [row["text"] for row in await queries.list_functions(conn, needed=True)]
    blocks += [row["text"] for row in await queries.list_tables(conn, foreign=FOREIGN)]
    blocks.append("\n".join([row["text"] for row in await queries.list_foreign_keys(conn)]))
    blocks += [row["text"] for row in await queries.list_functions(conn, needed=False)]
    blocks += [row["text"] for row in await queries.list_aggregates(conn)]
    blocks += await read_views(conn, folder)
    blocks += [row["text"] for row in await queries.list_triggers(conn, foreign=FOREIGN)]
    return "\n\n".join(blocks) + "\n"


async def list_effects(conn: Connection) -> str:
    """Return a Markdown table of the triggers, and what each does on a change of rows."""
    rows = ["| Table | Change | Trigger | What it does |", "| --- | --- | --- | --- |"]
    for row in await sql.catalogue.list_effects(conn, foreign=FOREIGN):
        rows.append(f"| `{row['table']}` | {row['change']} | `{row['trigger']}` | {row['effect']} |")
    return "\n".join(rows) + "\n"


def insert_effects(page: str, table: str) -> str:
    """Return `page` with `table` between its two marks."""
    before, _, rest = page.partition(EFFECTS[0])
    _, _, after = rest.partition(EFFECTS[1])
    return f"{before}{EFFECTS[0]}{table}{EFFECTS[1]}{after}"
