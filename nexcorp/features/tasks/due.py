"""Due dates of tasks: fields of requests, and columns of the table."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
YEARS = range(1970, 3000)


def check_year(found: date) -> None:
    """Raise ValidationError for a year out of range; PostgreSQL would read the greatest date as infinity."""
    if found.year not in YEARS:
        raise ValidationError(f"Must lie between {YEARS[0]} and {YEARS[-1]}.")


class Day(fields.Date):
    """A day such as 2026-01-31; ISO week dates, which marshmallow would take, are refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> date:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **more)


class Due(fields.Field[Any]):
    """A day, or a time with its zone, which is converted to UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        wrong = ValidationError("Not a day (2026-01-31), nor a time with its zone (2026-01-31T10:00:00Z).")
        if not isinstance(value, str) or len(value) > 40:
            raise wrong
        try:
            found = (
                date.fromisoformat(value)
                if DAY.fullmatch(value)
                else fields.AwareDateTime(format="iso").deserialize(value).astimezone(UTC)
            )
        except (ValidationError, ValueError, OverflowError):
            raise wrong from None
        check_year(found)
        return found


def due_date(**more: Any) -> Due:
    """Make the field of a task's due date."""
    return Due(
        allow_none=True,
        metadata={
            "type": "string",
            "description": "A day (`2026-01-31`), which ends by the clock of the assignee, else of the "
            "creator, or a time with its zone.",
        },
        **more,
    )


def split_due(due: date | datetime | None) -> dict[str, Any]:
    """Split a due date into the columns `due_at`, a time, and `due_on`, a day; the other one is None."""
    moment = due if isinstance(due, datetime) else None
    return {"due_at": moment, "due_on": due if moment is None else None}


def same_due(task: Any, due: date | datetime | None) -> bool:
    """Return whether a task has this due date already."""
    wanted = split_due(due)
    if wanted["due_on"] is not None or task["_dueOn"] is not None:
        return bool(wanted["due_on"] == task["_dueOn"])
    return bool(wanted["due_at"] == task["dueAt"])
