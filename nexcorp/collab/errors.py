"""Errors of opening a file for collaborative editing."""

from __future__ import annotations

from nexcorp.errors import Conflict, TooManyRequests, Unavailable


class NotText(Conflict):
    """The file is binary, and can only be replaced as a whole."""

    code, message = "not_text", "Only text files are edited together."
    meaning = "The file is binary; only text files are edited together."


class TooManyEditors(TooManyRequests):
    """The file has as many sockets as allowed."""

    code, message = "too_many_editors", "Too many people have this file open; try again later."
    meaning = "The file has 100 sockets on this node already."

    def __init__(self) -> None:
        super().__init__(retry_after=10)


class DocumentIncomplete(Unavailable):
    """Rows of the document's log are missing: do not show less than was stored."""

    code, message = "document_incomplete", "This document cannot be opened right now."
    meaning = "Stored changes of the file are missing: it is not shown, as it would be incomplete."
