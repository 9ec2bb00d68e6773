"""CSV files: what went out comes in again as it was, and no spreadsheet computes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema, ValidationError

from nexcorp.domain.fields import flatten
from nexcorp.errors import Invalid

MAX_ROWS = 5000
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_ERRORS = 100
# A spreadsheet takes a cell for a formula that begins so. What begins with quotes before that gets one more,
# so that taking off one is always right.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(slots=True)
class Outcome:
    """How many rows came to what, and the errors."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def first_errors(self) -> list[dict[str, Any]]:
        """As many as are kept."""
        return self.errors[:MAX_ERRORS]

    @property
    def counts(self) -> dict[str, int]:
        """As the API shows them."""
        return {
            "created": self.created,
            "updated": self.updated,
            "skipped": self.unchanged,
            "failed": self.failed,
        }


@dataclass(slots=True, eq=False)
class Line:
    """A row, as a spreadsheet numbers it (the first line is 1), and what becomes of it."""

    number: int
    data: dict[str, Any]
    error: dict[str, Any] | None = None

    def refuse(self, name: str | None, code: str, message: str) -> None:
        """Leave the row out, for the first reason there is."""
        if self.error is None:
            self.error = {"row": self.number, "field": name, "code": code, "message": message}


def load_line(
    schema: Schema, number: int, row: dict[str, str], taken: Iterable[str], cleared: Collection[str] = ()
) -> Line:
    """A row checked by itself. Empty cells of the columns `cleared` are None, of others they say nothing."""
    data: dict[str, Any] = {}
    for name in taken:
        if row.get(name, "").strip():
            data[name] = row[name]
        elif name in row and name in cleared:
            data[name] = None
    try:
        return Line(number, schema.load(data))
    except ValidationError as error:
        line = Line(number, {})
        name, messages = next(iter(flatten(error.messages).items()))
        line.refuse(name, "validation_failed", messages[0])
        return line


def guard(text: str) -> str:
    """A cell that no spreadsheet computes."""
    return "'" + text if FORMULA.match(text) else text


def unguard(text: str) -> str:
    """What guard() was given."""
    return text[1:] if GUARDED.match(text) else text


def write_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Lines of a CSV file in UTF-8; None is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([["" if cell is None else guard(str(cell)) for cell in row] for row in rows])
    return out.getvalue().encode()


def write_names(names: Iterable[str]) -> str:
    """Several names in one cell: a line of CSV, as a name may have any character."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(list(names))
    return out.getvalue()


def read_names(cell: str) -> list[str]:
    """What write_names() was given; spaces around a name do not count."""
    if not cell.strip():
        return []
    return [name.strip() for name in next(csv.reader([cell], skipinitialspace=True)) if name.strip()]


def refuse(reason: str) -> Invalid:
    """The error for a file that cannot be taken at all."""
    return Invalid(errors={"file": [reason]})


def read_rows(data: bytes, known: Collection[str], required: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their numbers, by the names of its first line; empty lines are left out.

    A spreadsheet shows the same numbers: the first line is 1, empty ones count, and a row with line breaks in
    a cell is one.

    Raises Invalid for a file that is no UTF-8, no CSV, empty, or too long, names a column that is not `known`
    or one twice, or has no column `required`.
    """
    if len(data) > MAX_FILE_BYTES:
        raise refuse(f"Is over {MAX_FILE_BYTES} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refuse("Is not UTF-8.") from None
    if "\0" in text:
        raise refuse("Has a NUL character.")
    rows: list[tuple[int, dict[str, str]]] = []
    names: list[str] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if not any(cells):
                continue
            if not names:
                names = [name.strip() for name in cells]
                check_names(names, known, required)
                continue
            if len(cells) > len(names):
                raise refuse(f"Line {reader.line_num} has more cells than the first line.")
            if len(rows) == MAX_ROWS:
                raise refuse(f"Has more than {MAX_ROWS} rows.")
            rows.append((number, dict(zip(names, map(unguard, cells), strict=False))))
    except csv.Error as error:
        raise refuse(f"Line {reader.line_num} is not CSV: {error}.") from None
    if not rows:
        raise refuse("Has no rows.")
    return rows


def check_names(names: Sequence[str], known: Collection[str], required: str) -> None:
    """Raises Invalid for names of columns that read_rows() does not take."""
    unknown = [name[:50] for name in names if name not in known]
    if unknown:
        raise refuse(f"Unknown columns: {', '.join(unknown[:10])}. There are: {', '.join(known)}.")
    if len(set(names)) < len(names):
        raise refuse("Names a column twice.")
    if required not in names:
        raise refuse(f"Has no column {required}.")
