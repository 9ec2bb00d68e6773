"""What schemathesis loads for GraphQL: a check that knows a refusal from a fault."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.check
def not_broken(ctx: Any, response: Any, case: Any) -> None:
    """Every error says which status it would have over REST, and that is the caller's fault.

    The check of schemathesis takes every error of a field for one of the server, also that an id is unknown.
    """
    assert response.status_code < 500, f"answered with {response.status_code}"
    for error in response.json().get("errors") or []:
        status = error.get("extensions", {}).get("statusCode", 500)
        assert status < 500, f"a field failed with {status}: {error['message']}"
