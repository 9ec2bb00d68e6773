"""What can be searched. A further kind: a table of documents, a statement of the same shape, a line here."""

from __future__ import annotations

from nexcorp.db import sql
from nexcorp.web.paging import Statement

KINDS: dict[str, Statement] = {
    "post": sql.search.search_posts,
    "person": sql.search.search_people,
    "comment": sql.search.search_comments,
}
