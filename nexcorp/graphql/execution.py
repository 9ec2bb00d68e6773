"""Execution of documents, from their text to their answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from aiohttp import web
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    execute,
    get_operation_ast,
    specified_rules,
    subscribe,
    validate,
)
from strawberry.execution.is_awaitable import optimized_is_awaitable

from nexcorp.graphql.context import Context
from nexcorp.graphql.errors import GraphqlInvalid, Refused, refuse, show_error
from nexcorp.graphql.limits import check_limits, read_document
from nexcorp.graphql.schema import Schema

MAX_ERRORS = 10
# Clients repeat the same few documents. A parsed one takes up to 300 KB.
KEPT_DOCUMENTS = 64
KEPT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document, with its variables."""

    document: DocumentNode
    name: str | None
    type: OperationType
    variables: dict[str, Any]


class Engine:
    """Executes documents on one schema. `open_schema`: allow introspection, and suggest names in errors."""

    def __init__(self, schema: Schema, *, open_schema: bool) -> None:
        self.schema = schema
        # strawberry's own methods validate differently, and log each error as if it were a bug.
        self._core = schema._schema
        self._hide = not open_schema
        self._rules = [*specified_rules]
        if not open_schema:
            self._rules.append(NoSchemaIntrospectionCustomRule)
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()

    def prepare(self, text: str, variables: Mapping[str, Any] | None, name: str | None) -> Operation:
        """Return the named operation of a document, or its only one; raises Refused."""
        # Some clients send an empty name instead of null.
        name = name or None
        document = self._read(text)
        operation = get_operation_ast(document, name)
        if operation is None:
            what = "Name one of its operations." if name is None else "There is no operation of this name."
            raise refuse(GraphqlInvalid(message=what))
        return Operation(document, name, operation.operation, dict(variables or {}))

    def knows(self, text: str) -> bool:
        """Whether a document was prepared lately, so that preparing it again is cheap."""
        return text in self._kept

    def _read(self, text: str) -> DocumentNode:
        kept = self._kept.get(text)
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        document = read_document(text)
        check_limits(document)
        errors = validate(
            self._core, document, self._rules, max_errors=MAX_ERRORS, hide_suggestions=self._hide
        )
        if errors:
            raise Refused(*blame_client(errors))
        if len(text) <= KEPT_CHARS:
            self._kept[text] = document
            if len(self._kept) > KEPT_DOCUMENTS:
                self._kept.popitem(last=False)
        return document

    async def run(self, operation: Operation, context: Context) -> dict[str, Any]:
        """Return the answer to a query or a mutation; raises Refused if it does not start."""
        running = execute(
            self._core,
            operation.document,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
            hide_suggestions=self._hide,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
        )
        result = await running if isawaitable(running) else running
        check_begun(result)
        return show_result(result, context)

    async def stream(self, operation: Operation, context: Context) -> AsyncGenerator[dict[str, Any], None]:
        """Yield a subscription's answers, one for each event; raises Refused if it cannot start or go on."""
        running = subscribe(
            self._core,
            operation.document,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
            hide_suggestions=self._hide,
        )
        results = await running if isawaitable(running) else running
        if isinstance(results, ExecutionResult):
            check_begun(results)
            raise Refused(*(results.errors or ()))
        try:
            async for result in results:
                yield show_result(result, context)
        except Exception as error:
            raise Refused(GraphQLError(str(error), original_error=error)) from error
        finally:
            await results.aclose()  # type: ignore[attr-defined]


def check_begun(result: ExecutionResult) -> None:
    """Raises Refused if nothing was executed because variables do not fit."""
    errors = result.errors or ()
    if result.data is None and errors and all(error.path is None for error in errors):
        raise Refused(*blame_client(errors))


def blame_client(errors: Sequence[GraphQLError]) -> Sequence[GraphQLError]:
    """Return the errors as errors of the document, without the exceptions of scalars behind them."""
    for error in errors:
        error.original_error = None
    return errors


def show_result(result: ExecutionResult, context: Context) -> dict[str, Any]:
    """Return an answer for JSON."""
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [show_error(error, context.request_id) for error in result.errors[:MAX_ERRORS]]
    if context.position is not None:
        shown["extensions"] = {"position": context.position}
    return shown


def show_refusal(refused: Refused, request_id: str) -> list[dict[str, Any]]:
    """Return the errors of a document that is not executed."""
    return [show_error(error, request_id) for error in refused.errors[:MAX_ERRORS]]


ENGINE = web.AppKey("graphql", Engine)
