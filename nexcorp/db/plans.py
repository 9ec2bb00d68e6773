"""Planner settings for our statements.

`nexcorp migrate up` sets them for the database: settings of a session would not pass a pooler.
"""

from __future__ import annotations

from typing import Final

SETTINGS: Final = {
    # Statements are short and use keys: compiling them costs more than it saves.
    "jit": "off",
    # One plan per statement, the plan that tests/sql/test_plans.py checks. Otherwise PostgreSQL would plan
    # lists anew each time, as it estimates an unknown LIMIT as a tenth of the table: three quarters of their
    # cost.
    "plan_cache_mode": "force_generic_plan",
}
