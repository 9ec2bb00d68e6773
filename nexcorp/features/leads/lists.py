"""Orders of lists of leads, and the statement that reads each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.fields import ME
from nexcorp.security.caller import Caller
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, Statement

NEWEST: Cursor[tuple[UUID]] = Cursor("leads", tuple[UUID], (LAST_ID,), before="id")
LAST_CHANGED: Cursor[tuple[datetime, UUID]] = Cursor(
    "leads-changed", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before="updatedAt", before_id="id"
)
# They start above every score, and above every value in hundredths.
BEST: Cursor[tuple[int, UUID]] = Cursor(
    "leads-best", tuple[int, UUID], (101, LAST_ID), before="score", before_id="id"
)
DEAREST: Cursor[tuple[int, UUID]] = Cursor(
    "leads-dearest", tuple[int, UUID], (10**15, LAST_ID), before="_worth", before_id="id"
)
ORDERS: dict[str, tuple[Cursor[Any], Statement]] = {
    "created": (NEWEST, sql.leads.list_leads),
    "updated": (LAST_CHANGED, sql.leads.list_leads_by_change),
    "score": (BEST, sql.leads.list_leads_by_score),
    "value": (DEAREST, sql.leads.list_leads_by_value),
}


def find_list(query: Mapping[str, Any], who: Caller) -> tuple[Cursor[Any], Statement, dict[str, Any]]:
    """Return the cursor, the statement and the filters of a list, for the parameters of LeadFilters."""
    cursor, statement = ORDERS[query["sort"]]
    if query["sort"] == "created":
        # Each of these statements has an index.
        if "owner" in query:
            statement = sql.leads.list_leads_of_owner
        elif "stage" in query:
            statement = sql.leads.list_leads_of_stage
    filters = {
        "stage": query.get("stage"),
        "owner_id": who.id if query.get("owner") == ME else query.get("owner"),
        "source": query.get("source"),
        "text": query.get("q"),
        "min_score": query.get("minScore"),
    }
    return cursor, statement, filters
