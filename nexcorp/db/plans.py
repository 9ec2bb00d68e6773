"""How PostgreSQL is to plan and run our statements.

`nexcorp migrate up` sets it for the database: a setting of each session would not come through a pooler.
"""

from __future__ import annotations

from typing import Final

SETTINGS: Final = {
    # Statements are short and keyed: compiling them costs more than it saves.
    "jit": "off",
    # One plan a statement, the one that tests/sql/test_plans.py looks at. PostgreSQL would plan lists anew
    # each time, as it takes an unknown LIMIT for a tenth of the table: three quarters of what they cost.
    "plan_cache_mode": "force_generic_plan",
}
