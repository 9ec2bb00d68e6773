"""Limits of a document. They are checked before validation, whose time grows with the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from nexcorp.graphql.errors import GraphqlInvalid, GraphqlTooComplex, Refused, refuse

MAX_CHARS = 20_000
MAX_TOKENS = 1000
MAX_DEPTH = 8
MAX_ALIASES = 15
MAX_ROOT_FIELDS = 16
# Fields of the whole document; a fragment counts each time it is spread. Introspection tools need some 250.
MAX_FIELDS = 300
# Pairs of fields with one name at one place of the answer: validation compares them, and all below.
MAX_PAIRS = 500
MAX_DIRECTIVES = 30
# Introspection queries are deep by nature; in production they are not allowed.
MAX_INTROSPECTION_DEPTH = 20
INTROSPECTION = ("__schema", "__type")


def too_complex(what: str) -> Refused:
    """Return the refusal of a document that has `what`."""
    return refuse(GraphqlTooComplex(message=f"The GraphQL document has {what}."))


def read_document(text: str) -> DocumentNode:
    """Return the document of a text; raises Refused if it is too long or not GraphQL."""
    if len(text) > MAX_CHARS:
        raise too_complex(f"more than {MAX_CHARS} characters")
    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        if f"more than {MAX_TOKENS} tokens" in error.message:
            raise too_complex(f"more than {MAX_TOKENS} tokens") from None
        raise Refused(error) from None
    except RecursionError:
        raise too_complex("too deep a nesting") from None


def check_limits(document: DocumentNode) -> None:
    """Raises Refused if an operation of the document is over a limit, or a fragment spreads itself."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    walk = Walk(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            walk.directives += len(node.directives or ())
            if walk.measure(node.selection_set) > MAX_ROOT_FIELDS:
                raise too_complex(f"more than {MAX_ROOT_FIELDS} fields at its root")
    # Fragments that no operation spreads are measured, too: validation would still walk through them.
    for name in fragments.keys() - walk.reached:
        walk.measure(fragments[name].selection_set)


class Walk:
    """Walks through the selections of a document, its fragments expanded, and adds up their fields."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.aliases = self.fields = self.directives = self.pairs = 0
        self.reached: set[str] = set()
        # The fragments around the current selection, and how often each place of the answer was selected.
        self._within: tuple[str, ...] = ()
        self._seen: Counter[tuple[str, ...]] = Counter()

    def measure(self, selections: SelectionSetNode) -> int:
        """Add one operation; return the number of fields at its root. Raises Refused over a limit."""
        self._seen.clear()
        return self._count(selections, (), MAX_DEPTH)

    def _check(self) -> None:
        for name, most in (("aliases", MAX_ALIASES), ("fields", MAX_FIELDS), ("directives", MAX_DIRECTIVES)):
            if getattr(self, name) > most:
                raise too_complex(f"more than {most} {name}")
        if self.pairs > MAX_PAIRS:
            raise too_complex("the same field again and again")

    def _count(self, selections: SelectionSetNode | None, place: tuple[str, ...], deepest: int) -> int:
        """Add a selection set at a place of the answer; return the number of its fields."""
        if selections is None:
            return 0
        if len(place) >= deepest and selections.selections:
            raise too_complex(f"a depth of more than {deepest}")
        found = 0
        for node in selections.selections:
            self.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                found += 1
                self._count_field(node, place, deepest)
            elif isinstance(node, FragmentSpreadNode):
                found += self._spread(node.name.value, place, deepest)
            elif isinstance(node, InlineFragmentNode):
                found += self._count(node.selection_set, place, deepest)
        self._check()
        return found

    def _count_field(self, node: FieldNode, place: tuple[str, ...], deepest: int) -> None:
        self.fields += 1
        self.aliases += node.alias is not None
        place = (*place, (node.alias or node.name).value)
        self.pairs += self._seen[place]
        self._seen[place] += 1
        self._check()
        if node.name.value in INTROSPECTION:
            deepest = MAX_INTROSPECTION_DEPTH
        self._count(node.selection_set, place, deepest)

    def _spread(self, name: str, place: tuple[str, ...], deepest: int) -> int:
        """Add a fragment at a spread; return the number of its fields."""
        if name in self._within:
            raise refuse(GraphqlInvalid(message=f'The fragment "{name[:100]}" spreads itself.'))
        fragment = self.fragments.get(name)
        # Validation reports a missing fragment.
        if fragment is None:
            return 0
        self.reached.add(name)
        # Each spread costs something, even one of a fragment without fields.
        self.fields += 1
        self._check()
        self._within += (name,)
        try:
            return self._count(fragment.selection_set, place, deepest)
        finally:
            self._within = self._within[:-1]
