"""A text under collaborative editing: pycrdt's Doc, guarded. All input is parsed in Python before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from pycrdt import Doc, Text

from nexcorp.collab.differences import Change, find_changes
from nexcorp.collab.encoding import BadUpdate, read_vector
from nexcorp.collab.halves import list_halves, may_be_wide, mend
from nexcorp.collab.updates import EMPTY, Facts, Gap, Place, has_gap, note_clocks, read_update

# The shared type that holds the text, unless the first update names a single other one.
ROOT = "content"
MAX_TEXT_BYTES = 2 * 1024 * 1024
MAX_STATE_BYTES = 8 * 1024 * 1024
# Limit on nested shared types: deletion recurses, and 50,000 nested ones overflow the stack.
MAX_TYPES = 2_000
TYPES_REFUSED = "It has too many shared types inside of others."


class TooLarge(BadUpdate):
    """The update would make the text or its state larger than a document may be."""


@contextmanager
def panics_refused() -> Iterator[None]:
    """Raise BadUpdate if yrs panics, with an exception that is no Exception. The Doc is half changed then."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, BadUpdate):
            raise
        # pyo3 does not export its class.
        if isinstance(error, ValueError | RuntimeError) or type(error).__name__ == "PanicException":
            raise BadUpdate("It cannot be applied.") from error
        raise


def choose_root(facts: Facts) -> str | None:
    """Return the shared type that holds the text by this update; None if the update names none."""
    if not facts.roots:
        return None
    return next(iter(facts.roots)) if len(facts.roots) == 1 else ROOT


class Document:
    """A text with its whole history of edits.

    Never build it from a text: an editor that was away would add its own copy. After an error of apply() or
    replace_text() the document is half changed: drop it, and set your reference to None, as cycles would keep
    it alive. `known`: client -> the clock behind its last item. `root`: the shared type that holds the text,
    None before the first update. All methods block; long ones belong into a thread.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root: str | None = None
        self.known: dict[int, int] = {}
        # The sum of the sizes of all updates; encode() may be smaller.
        self._bytes = 0
        self._types = 0
        self._doc: Doc[Text] = Doc()
        self._halves: set[Place] = set()
        self._text: Text
        if root is not None:
            self._set_root(root)

    @classmethod
    def load(cls, state: bytes | None, updates: Sequence[bytes], root: str | None = None) -> Document:
        """Return a document made of a snapshot and the updates behind it, as yjs would have it.

        `root`: as kept in file_docs; if it is None and there is no `state`, the first of `updates` names it.
        Raises BadUpdate if an update is broken, and Gap if one is missing.
        """
        if root is None and state is not None:
            root = ROOT
        document = cls(root)
        parts = list(updates)
        read = [read_update(part) for part in parts]
        if state is not None:
            # Encoded here, so it is trusted; reading it takes five times as long as applying it.
            parts.insert(0, state)
            read.insert(0, read_update(state) if may_be_wide(state) else Facts())
        for part, facts in zip(parts, read, strict=True):
            document._halves |= list_halves(part, facts)
        if document._halves:
            # All at once: cut characters stay cut, and each mending walks through the snapshot.
            split = {place for part in parts for place in read_update(part, document._halves).split}
            parts = [mend(part, facts, split) for part, facts in zip(parts, read, strict=True)]
            document._halves -= split
        if state is not None:
            document._restore(parts.pop(0))
            del read[0]
        for part, facts in zip(parts, read, strict=True):
            if has_gap(facts, document.known):
                raise Gap("An update is missing.")
            document._settle_root(facts)
            document._merge(part, facts)
        return document

    @staticmethod
    def start(text: str) -> bytes:
        """Return the first update of a new text."""
        return Document(ROOT).replace_text(text) or EMPTY

    def apply(self, update: bytes, facts: Facts | None = None) -> list[bytes]:
        """Add an update; return its new parts, to be stored and relayed: mostly one update or none.

        `facts`: the result of read_update(), if you have it. Raises Gap if the update rests upon items that
        are not here, TooLarge, BadUpdate.
        """
        facts = facts or read_update(update)
        if has_gap(facts, self.known):
            raise Gap("It rests upon something that is not here.")
        if facts.types > MAX_TYPES:
            raise TooLarge(TYPES_REFUSED)
        halves = self._halves | list_halves(update, facts) if facts.wide else self._halves
        split = read_update(update, halves).split if halves else set()
        if split:
            update = mend(update, facts, split)
            if split & self._halves:
                self._rebuild(split)
        self._halves = halves - split
        self._settle_root(facts)
        before = self.text_bytes
        news = self._observe(lambda: self._merge(update, facts))
        self._check_size(before)
        return news

    def encode(self, vector: bytes = b"\x00") -> bytes:
        """Return everything behind a state vector as one update; raises BadUpdate for a malformed vector."""
        read_vector(vector)
        with panics_refused():
            return self._doc.get_update(vector)

    def encode_vector(self) -> bytes:
        """Return the state vector of the document."""
        return self._doc.get_state()

    def read_text(self) -> str:
        """Return the text, without embedded objects."""
        return str(self._text) if self.root is not None else ""

    def read_content(self) -> bytes:
        """Return the text as versions keep it: UTF-8, with LF for CRLF and U+FFFD for NUL."""
        return self.read_text().replace("\r\n", "\n").replace("\0", "\ufffd").encode()

    def replace_text(self, text: str) -> bytes | None:
        """Replace the text by the smallest change; return that as an update, or None if the texts are equal.

        Cursors and concurrent edits survive. Raises TooLarge.
        """
        if len(text.encode()) > MAX_TEXT_BYTES:
            raise TooLarge("The text is larger than 2 MB.")
        changes = find_changes(self.read_text(), text)
        if not changes:
            return None
        if self.root is None:
            self._set_root(ROOT)
        before = self.text_bytes
        (update,) = self._observe(lambda: self._change(changes))
        facts = read_update(update)
        self._halves |= list_halves(update, facts)
        self._note(update, facts)
        self._check_size(before)
        return update

    @property
    def text_bytes(self) -> int:
        """The size of the text in UTF-8, in bytes."""
        return len(self._text) if self.root is not None else 0

    def _restore(self, state: bytes) -> None:
        """Start from a snapshot."""
        self._merge(state, Facts())
        self.known = read_vector(self._doc.get_state())
        plain = set(self._doc.keys()) <= {self.root} and all(
            isinstance(piece, str) for piece, _ in self._text.diff()
        )
        self._types = 0 if plain else read_update(state).types

    def _merge(self, update: bytes, facts: Facts) -> None:
        with panics_refused():
            self._doc.apply_update(update)
        self._note(update, facts)

    def _note(self, update: bytes, facts: Facts) -> None:
        """Add an update to the running totals."""
        note_clocks(facts, self.known)
        self._bytes += len(update)
        self._types += facts.types

    def _observe(self, act: Callable[[], None]) -> list[bytes]:
        """Run `act`, and return its changes as updates."""
        news: list[bytes] = []
        subscription = self._doc.observe(lambda event: news.append(event.update))
        try:
            act()
        finally:
            self._doc.unobserve(subscription)
        return [update for update in news if update != EMPTY]

    def _rebuild(self, split: set[Place]) -> None:
        """Replace characters that are cut in `split` by U+FFFD."""
        state = self.encode()
        facts = read_update(state)
        self._doc, self._bytes = Doc(), 0
        if self.root is not None:
            self._set_root(self.root)
        self._restore(mend(state, facts, split))

    def _settle_root(self, facts: Facts) -> None:
        root = choose_root(facts)
        if self.root is None and root is not None:
            self._set_root(root)

    def _set_root(self, root: str) -> None:
        self.root, self._text = root, self._doc.get(root, type=Text)

    def _check_size(self, before: int) -> None:
        """Raises TooLarge, unless the text shrank from `before` bytes."""
        if before < self.text_bytes > MAX_TEXT_BYTES:
            raise TooLarge("The text is larger than 2 MB.")
        if self._bytes > MAX_STATE_BYTES:
            self._bytes = len(self.encode())
            if self._bytes > MAX_STATE_BYTES:
                raise TooLarge("What was ever typed is larger than 8 MB.")
        if self._types > MAX_TYPES:
            # Repeated and deleted types were counted as well.
            self._types = read_update(self.encode()).types
            if self._types > MAX_TYPES:
                raise TooLarge(TYPES_REFUSED)

    def _change(self, changes: Sequence[Change]) -> None:
        """Apply the changes from the end, so that earlier places stay valid."""
        edits = self._place(changes)
        with panics_refused(), self._doc.transaction():
            for at, size, text in reversed(edits):
                if size:
                    del self._text[at : at + size]
                if text:
                    self._text.insert(at, text)

    def _place(self, changes: Sequence[Change]) -> list[tuple[int, int, str]]:
        """Return changes as (place, length to delete, text to insert): yrs counts bytes, and 1 for an embed.

        A change across an embedded object leaves it there.
        """
        embeds: list[int] = []
        pieces: list[str] = []
        for piece, _ in self._text.diff():
            if isinstance(piece, str):
                pieces.append(piece)
            else:
                embeds.append(sum(map(len, pieces)))
        old = "".join(pieces)
        edits = []
        at = done = 0
        for start, end, text in changes:
            inside = embeds[bisect_right(embeds, start) : bisect_left(embeds, end)]
            for begin, stop in pairwise((start, *inside, end)):
                at += len(old[done:begin].encode())
                size = len(old[begin:stop].encode())
                edits.append((at + bisect_right(embeds, begin), size, text if begin == start else ""))
                at += size
                done = stop
        return edits
