"""CSV files: an exported file can be imported unchanged, and no spreadsheet runs its cells as formulas."""

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
# A spreadsheet takes a cell that begins like this for a formula. A cell with quotes before such a beginning
# gets one more, so that removing one quote is always right.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(slots=True)
class Outcome:
    """The number of rows by outcome, and the errors."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def first_errors(self) -> list[dict[str, Any]]:
        """The first MAX_ERRORS errors, which are stored."""
        return self.errors[:MAX_ERRORS]

    @property
    def counts(self) -> dict[str, int]:
        """The counts as the API shows them."""
        return {
            "created": self.created,
            "updated": self.updated,
            "skipped": self.unchanged,
            "failed": self.failed,
        }


@dataclass(slots=True, eq=False)
class Line:
    """A row with its number in a spreadsheet (the first line is 1), and its error, if any."""

    number: int
    data: dict[str, Any]
    error: dict[str, Any] | None = None

    def refuse(self, name: str | None, code: str, message: str) -> None:
        """Leave the row out; keeps only the first reason."""
        if self.error is None:
            self.error = {"row": self.number, "field": name, "code": code, "message": message}


def load_line(
    schema: Schema, number: int, row: dict[str, str], taken: Iterable[str], cleared: Collection[str] = ()
) -> Line:
    """Check one row. Empty cells in the columns `cleared` become None; in other columns they are ignored."""
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
    """Return a cell that no spreadsheet takes for a formula."""
    return "'" + text if FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Undo guard()."""
    return text[1:] if GUARDED.match(text) else text


def write_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return lines of a CSV file in UTF-8; None is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([["" if cell is None else guard(str(cell)) for cell in row] for row in rows])
    return out.getvalue().encode()


def write_names(names: Iterable[str]) -> str:
    """Write several names into one cell: as a line of CSV, as a name may hold any character."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(list(names))
    return out.getvalue()


def read_names(cell: str) -> list[str]:
    """Undo write_names(); spaces around a name are dropped."""
    if not cell.strip():
        return []
    return [name.strip() for name in next(csv.reader([cell], skipinitialspace=True)) if name.strip()]


def refuse(reason: str) -> Invalid:
    """Return the error for a file that cannot be imported at all."""
    return Invalid(errors={"file": [reason]})


def read_rows(data: bytes, known: Collection[str], required: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file with their numbers, by the names in its first line, without empty lines.

    The numbers are those of a spreadsheet: the first line is 1, empty lines count, and a row with line breaks
    in a cell is one.

    Raises Invalid for a file that is not UTF-8, not CSV, empty or too long, that names a column that is not
    `known` or a column twice, or that has no column `required`.
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
                raise refuse(f"Row {number} has more cells than the first.")
            if len(rows) == MAX_ROWS:
                raise refuse(f"Has more than {MAX_ROWS} rows.")
            rows.append((number, dict(zip(names, map(unguard, cells), strict=False))))
    except csv.Error as error:
        raise refuse(f"Line {reader.line_num} is not CSV: {error}.") from None
    if not rows:
        raise refuse("Has no rows.")
    return rows


def check_names(names: Sequence[str], known: Collection[str], required: str) -> None:
    """Raise Invalid for column names that read_rows() does not accept."""
    unknown = [name[:50] for name in names if name not in known]
    if unknown:
        raise refuse(f"Unknown columns: {', '.join(unknown[:10])}. There are: {', '.join(known)}.")
    if len(set(names)) < len(names):
        raise refuse("Names a column twice.")
    if required not in names:
        raise refuse(f"Has no column {required}.")
