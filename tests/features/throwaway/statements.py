"""The feature's SQL statements, loaded like those in sql/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexcorp.db.statements import parse_file

FOLDER = Path(__file__).parent
sql: Any = parse_file(FOLDER / "badges.sql")
