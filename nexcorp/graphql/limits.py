"""What a document may ask for. It is measured before it is validated, which takes longer the larger it is."""

from __future__ import annotations

from dataclasses import dataclass

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
# Of the whole document, a fragment's as often as it is spread. Validation compares namesakes in pairs.
MAX_FIELDS = 200
MAX_DIRECTIVES = 30
INTROSPECTION = ("__schema", "__type")


@dataclass(slots=True)
class Measure:
    """What a document comes to with its fragments put in, of all its operations together."""

    aliases: int = 0
    fields: int = 0
    directives: int = 0

    def check(self) -> None:
        """Raises Refused over a limit."""
        for name, most in (("aliases", MAX_ALIASES), ("fields", MAX_FIELDS), ("directives", MAX_DIRECTIVES)):
            if getattr(self, name) > most:
                raise too_complex(f"more than {most} {name}")


def too_complex(what: str) -> Refused:
    """Why a document is refused."""
    return refuse(GraphqlTooComplex(message=f"The GraphQL document has {what}."))


def read_document(text: str) -> DocumentNode:
    """The document of a text; raises Refused for what is too long or no GraphQL."""
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
    """Raises Refused where an operation of the document asks for too much, or a fragment spreads itself."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    measure = Measure()
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            measure.directives += len(node.directives or ())
            roots = Walk(fragments, measure).count(node.selection_set, 1)
            if roots > MAX_ROOT_FIELDS:
                raise too_complex(f"more than {MAX_ROOT_FIELDS} fields at its root")
        elif isinstance(node, FragmentDefinitionNode):
            # Also those that no operation spreads: they are validated as well.
            Walk(fragments, measure, (node.name.value,)).count(node.selection_set, 1)


class Walk:
    """Goes through the selections of one operation, or of one fragment."""

    def __init__(
        self,
        fragments: dict[str, FragmentDefinitionNode],
        measure: Measure,
        within: tuple[str, ...] = (),
    ) -> None:
        self.fragments, self.measure, self.within = fragments, measure, within

    def count(self, selections: SelectionSetNode | None, depth: int) -> int:
        """Measure a selection set whose fields stand at `depth`; returns how many these are."""
        if selections is None:
            return 0
        if depth > MAX_DEPTH and selections.selections:
            raise too_complex(f"a depth of more than {MAX_DEPTH}")
        found, measure = 0, self.measure
        for node in selections.selections:
            measure.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                found += 1
                measure.fields += 1
                measure.aliases += node.alias is not None
                measure.check()
                # Introspection is of the schema's making: deep, small, and off in production.
                if node.name.value not in INTROSPECTION:
                    self.count(node.selection_set, depth + 1)
            elif isinstance(node, FragmentSpreadNode):
                found += self.spread(node.name.value, depth)
            elif isinstance(node, InlineFragmentNode):
                found += self.count(node.selection_set, depth)
        measure.check()
        return found

    def spread(self, name: str, depth: int) -> int:
        """Measure a fragment where it is spread."""
        if name in self.within:
            raise refuse(GraphqlInvalid(message=f'The fragment "{name[:100]}" spreads itself.'))
        fragment = self.fragments.get(name)
        # One that is missing is found when the document is validated.
        if fragment is None:
            return 0
        # A spread costs something, even one of a fragment that has no fields.
        self.measure.fields += 1
        self.measure.check()
        self.within += (name,)
        try:
            return self.count(fragment.selection_set, depth)
        finally:
            self.within = self.within[:-1]
