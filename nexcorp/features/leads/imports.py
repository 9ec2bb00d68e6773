"""CSV files of leads over REST: imported by a job, exported as a stream."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from marshmallow import fields, validate

from nexcorp.db.encoding import decode
from nexcorp.domain.tables import MAX_ROWS
from nexcorp.errors import TooManyImports, UnsupportedMediaType
from nexcorp.features.leads.importing import COLUMNS, CREATE, MODES, UPDATE, read_file
from nexcorp.features.leads.lists import find_list
from nexcorp.features.leads.schemas import LeadFilters
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller
from nexcorp.web.forms import File
from nexcorp.web.parsing import read_query
from nexcorp.web.routing import get, post
from nexcorp.web.tables import TABLE, CsvResponse, Import, ImportQuery, begin_import, read_table, write_parts
from nexcorp.web.transactions import transaction

TAG = "Leads"


class LeadImportQuery(ImportQuery):
    """Query of an import: what to do with rows whose lead exists, and whether only to check."""

    mode = fields.String(
        load_default="skip",
        validate=validate.OneOf(MODES),
        metadata={
            "description": "How to treat a row whose lead exists already: `skip` it, `update` that lead, "
            "which needs `lead:update`, or `create` one more."
        },
    )


async def import_leads(
    request: web.Request, query: dict[str, Any] | None = None, files: list[File] | None = None
) -> web.Response:
    if query is None:
        query = read_query(request, QUERY)
    who = caller(request)
    if query["mode"] == "update":
        who.require(UPDATE)
    body = await read_table(request, files, read_file)
    async with transaction(request) as tx:
        return await begin_import(tx, who.id, "leads", query, files, body)


def show_cells(lead: Any) -> list[Any]:
    """Return the cells of a lead, in the order of COLUMNS."""
    cells = {
        name: decode(lead[name])["username"] for name in ("owner", "createdBy") if lead[name] is not None
    }
    times = ("lastInteractionAt", "createdAt", "updatedAt")
    cells |= {name: lead[name].isoformat() for name in times if lead[name] is not None}
    return [cells.get(name, lead[name]) for name in COLUMNS]


async def export_leads(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    cursor, statement, filters = find_list(query, caller(request))

    async def read(conn: Any, place: Any, most: int) -> list[Any]:
        behind = dict(zip(cursor.arguments, place, strict=True))
        return await statement(conn, **filters, **behind, most=most)

    return CsvResponse(request, "leads.csv", write_parts(request, COLUMNS, cursor, read, show_cells))


QUERY = LeadImportQuery()
ROUTES = [
    post(
        "/leads/import",
        import_leads,
        "Import leads from a CSV file",
        Import(),
        202,
        form=TABLE,
        query=QUERY,
        raw="text/csv",
        errors=(UnsupportedMediaType, TooManyImports),
        access=allow(CREATE, whose="`mode=update` needs lead:update, too"),
        tag=TAG,
        description=f"Up to {MAX_ROWS} rows and 5 MB of UTF-8, as a body of `text/csv` or as the part "
        f"`file` of a form. The first line names columns: {', '.join(COLUMNS)}. A row belongs to the "
        "lead with its `id`, else with its e-mail address, else with its phone number, however these "
        "are written: importing a file again makes no second lead, except with `create`, and with "
        "`update` changes nothing. An empty cell changes nothing. `owner` is the username or the id of a "
        "user who may read leads. `GET /imports/{id}` shows the result.",
    ),
    get(
        "/leads/export",
        export_leads,
        "Leads as a CSV file",
        None,
        query=LeadFilters(),
        access=allow("lead:read"),
        content_type="text/csv",
        head=False,
        stale=True,
        tag=TAG,
        description="Has the filters and the order of the list. A cell that a spreadsheet would take for "
        "a formula, such as a phone number, begins with `'`, which `POST /leads/import` removes.",
    ),
]
