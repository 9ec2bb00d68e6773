"""Figures, their medians, and the table that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Figure:
    """One row: a measured value, the floor to compare it with, and the aim.

    `ratio` is the result relative to the floor, higher is better. `aim` is the least ratio, or, with
    `aim_is_value`, the largest value.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    floor: str = ""
    aim: float | None = None
    aim_is_value: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None without an aim."""
        if self.aim is None:
            return None
        if self.aim_is_value:
            return self.value <= self.aim
        return self.ratio is not None and self.ratio >= self.aim

    def as_dict(self) -> dict[str, Any]:
        """The figure as a JSON object."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "unit": self.unit,
            "ratio": ratio,
            "floor": self.floor,
            "aim": self.aim,
            "met": self.met,
            **self.detail,
        }


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def median_ratio(values: Sequence[float], floors: Sequence[float]) -> float:
    """The median of the ratios per round: a disturbance affects both halves of its round."""
    return median([value / floor for value, floor in zip(values, floors, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which the share `share` of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def show_aim(figure: Figure) -> str:
    """The text of the aim column."""
    if figure.aim is None:
        return ""
    wanted = f"<= {figure.aim:g}" if figure.aim_is_value else f">= {figure.aim:.0%}"
    return f"{wanted} {'met' if figure.met else 'MISSED'}"


def format_table(sections: dict[str, list[Figure]]) -> str:
    """The table as text for a terminal."""
    rows = [("", "measured", "", "of floor", "floor", "aim")]
    for name, figures in sections.items():
        rows.append((name.upper(), "", "", "", "", ""))
        for figure in figures:
            value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:,.2f}"
            ratio = "" if figure.ratio is None else f"{figure.ratio:.0%}"
            rows.append((f"  {figure.name}", value, figure.unit, ratio, figure.floor, show_aim(figure)))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in (1, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
