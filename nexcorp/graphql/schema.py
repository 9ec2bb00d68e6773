"""The schema, built from the parts of all features."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from nexcorp.graphql.parts import ACCESS, ROOTS, Part
from nexcorp.graphql.shapes import NAMES, SCALARS, maybe, read_member

# The enum value for a name that this schema does not know, from an older or newer release.
OTHER = "OTHER"


class NamedField(StrawberryField):
    """A field with an enum of names as its type; an unknown name is shown as OTHER."""

    known: frozenset[str] = frozenset()

    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
        """Return the name, OTHER, or None."""
        name = super().get_result(source, info, args, kwargs)
        return name if name is None or name in self.known else OTHER


def make_enum(title: str, known: Mapping[str, str]) -> Any:
    """Return a GraphQL enum of these values by name."""
    made: Any = enum.Enum(title, known)  # type: ignore[misc]
    return strawberry.enum(made, name=title)


def name_of(added: StrawberryField) -> str:
    """Return the name of a field in Python."""
    return added.python_name or ""


class Schema(strawberry.Schema):
    """One product's schema.

    The classes of object types are shared by all products; fields that other features add to them, and enums
    of this product's names, are put in here.
    """

    def __init__(self, parts: Iterable[Part], names: Mapping[str, Sequence[str]]) -> None:
        """Raises ValueError if two parts have the same field, a root field has no access, or a type that
        fields are added to does not exist."""
        self.added: dict[str, dict[str, StrawberryField]] = {}
        self.names = names
        self._enums: dict[str, Any] = {}
        for part in parts:
            for kind, fields in part.fields.items():
                for one in fields:
                    self._add(kind, one)
        query, mutation, subscription = (
            strawberry.type(type(name, (), {}), name=name) if name in self.added else None for name in ROOTS
        )
        if query is None:
            raise ValueError("no feature brings a GraphQL query")
        super().__init__(
            query,
            mutation,
            subscription,
            config=StrawberryConfig(default_resolver=read_member, scalar_map=SCALARS),
        )
        for kind in self.added:
            if kind not in self._schema.type_map:
                raise ValueError(f"fields are added to the GraphQL type {kind}, which no feature shows")

    def _add(self, kind: str, one: StrawberryField) -> None:
        added = self.added.setdefault(kind, {})
        if name_of(one) in added:
            raise ValueError(f"features bring the GraphQL field {kind}.{name_of(one)} twice")
        if kind in ROOTS and ACCESS not in one.metadata:
            raise ValueError(f"the GraphQL field {kind}.{name_of(one)} says not who may call it")
        added[name_of(one)] = one

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """Return the fields of an object type in this schema; called by strawberry for each type."""
        name = type_definition.name
        own = [self._take(name, one) for one in type_definition.fields]
        return [*own, *self.added.get(name, {}).values()]

    def _take(self, kind: str, one: StrawberryField) -> StrawberryField:
        group = one.metadata.get(NAMES)
        if group is None:
            return one
        values = self._enums.get(group)
        if values is None:
            known = {name.upper(): name for name in (*self.names.get(group, ()), OTHER)}
            title = f"{kind}{name_of(one).capitalize()}"
            values = self._enums[group] = make_enum(title, known)
        nullable = type(None) in getattr(one.type_annotation.raw_annotation, "__args__", ())  # type: ignore[union-attr]
        found = NamedField(
            python_name=one.python_name,
            graphql_name=one.graphql_name,
            type_annotation=StrawberryAnnotation(maybe(values) if nullable else values),
            description=one.description,
        )
        found.known = frozenset(self.names.get(group, ()))
        return found

    def list_access(self) -> dict[str, Any]:
        """Return the Access of each root field by its name, as `Query.getUnreadCount`."""
        convert = self.config.name_converter.get_graphql_name
        return {
            f"{kind}.{convert(one)}": one.metadata[ACCESS]
            for kind in ROOTS
            for one in self.added.get(kind, {}).values()
        }
