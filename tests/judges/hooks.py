"""Checks that schemathesis loads for GraphQL."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.check
def not_broken(ctx: Any, response: Any, case: Any) -> None:
    """Fail for an error with a status of 500 or above, or without one.

    schemathesis' own check also takes errors of the caller, such as an unknown id, for faults of the server.
    """
    assert response.status_code < 500, f"answered with {response.status_code}"
    for error in response.json().get("errors") or []:
        status = error.get("extensions", {}).get("statusCode", 500)
        assert status < 500, f"a field failed with {status}: {error['message']}"
