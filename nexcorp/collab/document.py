"""A text as it is edited together: pycrdt's Doc, guarded. Whatever it is given is read in Python before."""

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

# The shared type that holds the text, unless the first update names another one alone.
ROOT = "content"
MAX_TEXT_BYTES = 2 * 1024 * 1024
MAX_STATE_BYTES = 8 * 1024 * 1024
# Shared types inside of others: they are deleted by recursion, and 50,000 in each other overflow the stack.
MAX_TYPES = 2_000
TYPES_REFUSED = "It has too many shared types inside of others."


class TooLarge(BadUpdate):
    """With this update the text or its state would be larger than a document may be."""


@contextmanager
def panics_refused() -> Iterator[None]:
    """Where yrs gives up, with an exception that is no Exception: BadUpdate. The Doc is half changed."""
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
    """The shared type that an update says the text is in; None where it names none."""
    if not facts.roots:
        return None
    return next(iter(facts.roots)) if len(facts.roots) == 1 else ROOT


class Document:
    """A text with all that was ever done to it.

    It is never made of a text anew: an editor that was away would add its own copy. After an error of apply()
    or replace_text() it is half changed and has to be dropped; set your reference to None yourself, as cycles
    would keep it. `known`: client -> the clock behind its last item. `root`: the shared type that holds the
    text, None before the first update. All methods block; long ones belong into a thread.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root: str | None = None
        self.known: dict[int, int] = {}
        # The size of all updates together; encode() may be smaller.
        self._bytes = 0
        self._types = 0
        self._doc: Doc[Text] = Doc()
        self._halves: set[Place] = set()
        self._text: Text
        if root is not None:
            self._set_root(root)

    @classmethod
    def load(cls, state: bytes | None, updates: Sequence[bytes], root: str | None = None) -> Document:
        """A document out of a snapshot and the updates behind it, as yjs has it.

        `root`: as it is kept in file_docs; None is that of the first of `updates` if there is no `state`.
        Raises BadUpdate where one of them is broken or missing.
        """
        if root is None and state is not None:
            root = ROOT
        document = cls(root)
        parts = list(updates)
        read = [read_update(part) for part in parts]
        if state is not None:
            # Encoded here, so it may be trusted; to read it takes five times as long as to apply it.
            parts.insert(0, state)
            read.insert(0, read_update(state) if may_be_wide(state) else Facts())
        for part, facts in zip(parts, read, strict=True):
            document._halves |= list_halves(part, facts)
        if document._halves:
            # All at once: cut is cut, whenever it was, and each mending costs a walk through the snapshot.
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
        """The first update of a new text."""
        return Document(ROOT).replace_text(text) or EMPTY

    def apply(self, update: bytes, facts: Facts | None = None) -> list[bytes]:
        """Add an update; returns what of it is new, to be stored and relayed, most often one update or none.

        `facts`: what read_update() said of it, where you have asked already. Raises Gap where it rests upon
        what is not here, TooLarge, BadUpdate.
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
        """All that is behind a state vector, as one update; raises BadUpdate where the vector is none."""
        read_vector(vector)
        with panics_refused():
            return self._doc.get_update(vector)

    def encode_vector(self) -> bytes:
        """The state vector of all that is here."""
        return self._doc.get_state()

    def read_text(self) -> str:
        """The text, without what is embedded in it."""
        return str(self._text) if self.root is not None else ""

    def read_content(self) -> bytes:
        """The text as versions keep it: UTF-8, lines that end with LF, without NUL."""
        return self.read_text().replace("\r\n", "\n").replace("\0", "\ufffd").encode()

    def replace_text(self, text: str) -> bytes | None:
        """Make the text another one by the least change; returns that as an update, None where it is equal.

        Cursors stay, and what others type meanwhile. Raises TooLarge.
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
        """The size of the text in UTF-8."""
        return len(self._text) if self.root is not None else 0

    def _restore(self, state: bytes) -> None:
        """Begin with a snapshot."""
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
        """Keep what has to be known of all updates."""
        note_clocks(facts, self.known)
        self._bytes += len(update)
        self._types += facts.types

    def _observe(self, act: Callable[[], None]) -> list[bytes]:
        """What `act` changes, as updates."""
        news: list[bytes] = []
        subscription = self._doc.observe(lambda event: news.append(event.update))
        try:
            act()
        finally:
            self._doc.unobserve(subscription)
        return [update for update in news if update != EMPTY]

    def _rebuild(self, split: set[Place]) -> None:
        """Have U+FFFD in place of characters that are cut."""
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
        """Raises TooLarge. `before`: the size of the text before; what is too large may become smaller."""
        if before < self.text_bytes > MAX_TEXT_BYTES:
            raise TooLarge("The text is larger than 2 MB.")
        if self._bytes > MAX_STATE_BYTES:
            self._bytes = len(self.encode())
            if self._bytes > MAX_STATE_BYTES:
                raise TooLarge("What was ever typed is larger than 8 MB.")
        if self._types > MAX_TYPES:
            # What came twice, or is deleted, was counted as well.
            self._types = read_update(self.encode()).types
            if self._types > MAX_TYPES:
                raise TooLarge(TYPES_REFUSED)

    def _change(self, changes: Sequence[Change]) -> None:
        """Do it from the end on, so that places before stay where they are."""
        edits = self._place(changes)
        with panics_refused(), self._doc.transaction():
            for at, size, text in reversed(edits):
                if size:
                    del self._text[at : at + size]
                if text:
                    self._text.insert(at, text)

    def _place(self, changes: Sequence[Change]) -> list[tuple[int, int, str]]:
        """Changes as (where, how much to delete, what to insert): yrs counts bytes, and 1 for an embed.

        A change that goes across something embedded leaves it there.
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
