"""The smallest change from one text to another, in bounded time, for a PUT to a text that is being edited.

Equal parts at both ends are left out. Lines are compared by Myers' algorithm within a budget of steps, or,
once it is spent, by lines that occur once in both texts (patience). Changed lines are compared by words. A
change begins and ends between characters, so it never splits a pair of UTF-16 units.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# The cost of one comparison, in steps of Myers' algorithm; each takes about a microsecond.
BUDGET = 250_000
MAX_EDITS, MAX_EDITS_BELOW = 300, 100
MAX_WORDS = 400_000
# Each change costs a walk through the shared text.
MAX_CHANGES, MAX_CHANGES_UNSURE = 2_000, 200
MAX_DEPTH_MYERS, MAX_DEPTH = 3, 20


class Change(NamedTuple):
    """Replace the characters from `start` to `end` of the old text by `text`."""

    start: int
    end: int
    text: str


class Block(NamedTuple):
    """A difference between two sequences: a[a1:a2] became b[b1:b2]."""

    a1: int
    a2: int
    b1: int
    b2: int

    def shift(self, a: int, b: int) -> Block:
        """Return the block for sequences with `a` and `b` elements more in front."""
        return Block(self.a1 + a, self.a2 + a, self.b1 + b, self.b2 + b)


@dataclass(slots=True)
class Budget:
    """The steps that are left."""

    left: int = BUDGET


def find_changes(old: str, new: str) -> list[Change]:
    """Return the changes that turn `old` into `new`, in ascending order; empty if they are equal."""
    budget = Budget()
    whole = trim_change(old, new)
    if whole is None:
        return []
    lines_a = old[whole.start : whole.end].splitlines(keepends=True)
    lines_b = whole.text.splitlines(keepends=True)
    changes: list[Change] = []
    at, line = whole.start, 0
    blocks = find_blocks(lines_a, lines_b, budget)
    if len(blocks) > MAX_CHANGES:
        return [whole]
    for block in blocks:
        at += sum(map(len, lines_a[line : block.a1]))
        part = "".join(lines_a[block.a1 : block.a2])
        changes += _compare_words(at, part, "".join(lines_b[block.b1 : block.b2]), budget)
        at, line = at + len(part), block.a2
    if len(changes) > (MAX_CHANGES if budget.left > 0 else MAX_CHANGES_UNSURE):
        return [whole]
    return changes


def trim_change(old: str, new: str, at: int = 0) -> Change | None:
    """Return one change without the common beginning and end; None for equal texts. `at`: place of `old`."""
    begin = count_common(old, new)
    if begin == len(old) == len(new):
        return None
    end = count_common_end(old[begin:], new[begin:])
    return Change(at + begin, at + len(old) - end, new[begin : len(new) - end])


def _compare_words(at: int, old: str, new: str, budget: Budget) -> list[Change]:
    """Return the changes by words that turn `old`, which stands at `at`, into `new`."""
    words_a, words_b = WORDS.findall(old), WORDS.findall(new)
    if not old or not new or budget.left <= 0 or len(words_a) + len(words_b) > MAX_WORDS:
        change = trim_change(old, new, at)
        return [change] if change is not None else []
    changes = []
    word = 0
    for block in find_blocks(words_a, words_b, budget):
        at += sum(map(len, words_a[word : block.a1]))
        part = "".join(words_a[block.a1 : block.a2])
        change = trim_change(part, "".join(words_b[block.b1 : block.b2]), at)
        if change is not None:
            changes.append(change)
        at, word = at + len(part), block.a2
    return changes


def count_common(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Count equal elements at the beginning. Halving compares slices: a loop is slow in long texts."""
    most = min(len(a), len(b))
    if a[:most] == b[:most]:
        return most
    least = 0
    while least < most - 1:
        middle = (least + most) // 2
        if a[least:middle] == b[least:middle]:
            least = middle
        else:
            most = middle
    return least


def count_common_end(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Count equal elements at the end."""
    most = min(len(a), len(b))
    if a[len(a) - most :] == b[len(b) - most :]:
        return most
    least = 0
    while least < most - 1:
        middle = (least + most) // 2
        if a[len(a) - middle : len(a) - least] == b[len(b) - middle : len(b) - least]:
            least = middle
        else:
            most = middle
    return least


def find_blocks(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[Block]:
    """Return the differences between two lists of lines or words, in ascending order."""
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(text, len(numbers)) for text in old]
    b = [numbers.setdefault(text, len(numbers)) for text in new]
    waiting = [(Block(0, len(a), 0, len(b)), 0)]
    blocks = []
    while waiting:
        (a1, a2, b1, b2), depth = waiting.pop()
        common = count_common(a[a1:a2], b[b1:b2])
        a1, b1 = a1 + common, b1 + common
        common = count_common_end(a[a1:a2], b[b1:b2])
        a2, b2 = a2 - common, b2 - common
        if a1 == a2 or b1 == b2:
            if a1 != a2 or b1 != b2:
                blocks.append(Block(a1, a2, b1, b2))
            continue
        if depth < MAX_DEPTH_MYERS and budget.left > 0:
            found = _compare(a[a1:a2], b[b1:b2], MAX_EDITS_BELOW if depth else MAX_EDITS, budget)
            if found is not None:
                blocks += [block.shift(a1, b1) for block in found]
                continue
        anchors = _find_anchors(a[a1:a2], b[b1:b2]) if depth < MAX_DEPTH else []
        if anchors:
            last = (a1, b1)
            for x, y in (*anchors, (a2 - a1, b2 - b1)):
                waiting.append((Block(last[0], a1 + x, last[1], b1 + y), depth + 1))
                last = (a1 + x + 1, b1 + y + 1)
        elif a2 - a1 == b2 - b1:
            # As many as before and hardly any equal, as if all were indented: pair them one by one.
            pairs = zip(range(a1, a2), range(b1, b2), strict=True)
            blocks += [Block(x, x + 1, y, y + 1) for x, y in pairs if a[x] != b[y]]
        else:
            blocks.append(Block(a1, a2, b1, b2))
    return sorted(blocks)


def _compare(a: Sequence[int], b: Sequence[int], most: int, budget: Budget) -> list[Block] | None:
    """Return the differences by Myers' greedy algorithm; None if there are more than `most` edits."""
    ends = {1: 0}
    trace = []
    for edits in range(most + 1):
        budget.left -= edits + 1
        if budget.left < 0:
            return None
        trace.append(ends.copy())
        for k in range(-edits, edits + 1, 2):
            x = ends[k + 1] if _goes_down(ends, k, edits) else ends[k - 1] + 1
            y = x - k
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x += 1
                y += 1
            ends[k] = x
            if x >= len(a) and y >= len(b):
                return _walk_back(trace, x, y)
    return None


def _goes_down(ends: dict[int, int], k: int, edits: int) -> bool:
    """Whether the farthest way to diagonal `k` inserts, rather than deletes, at its last edit."""
    return k == -edits or (k != edits and ends[k - 1] < ends[k + 1])


def _walk_back(trace: Sequence[dict[int, int]], x: int, y: int) -> list[Block]:
    """Return the edits on the way to (x, y), adjacent edits merged."""
    blocks: list[Block] = []
    for edits in range(len(trace) - 1, 0, -1):
        ends, k = trace[edits], x - y
        down = _goes_down(ends, k, edits)
        before = k + 1 if down else k - 1
        from_x = ends[before]
        from_y = from_x - before
        # After the edit both sequences were equal; the edit inserted or deleted one element.
        block = Block(from_x, from_x + (not down), from_y, from_y + down)
        if blocks and blocks[-1].a1 == block.a2 and blocks[-1].b1 == block.b2:
            block = Block(block.a1, blocks[-1].a2, block.b1, blocks.pop().b2)
        blocks.append(block)
        x, y = from_x, from_y
    return blocks[::-1]


def _find_anchors(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return the elements that occur once in both, as pairs of places, in the longest common order."""
    places: dict[int, list[list[int]]] = {}
    for side, elements in enumerate((a, b)):
        for place, element in enumerate(elements):
            places.setdefault(element, [[], []])[side].append(place)
    pairs = sorted((x[0], y[0]) for x, y in places.values() if len(x) == len(y) == 1)
    # Longest ascending sequence: the last pair of the best one of each length, and each pair's predecessor.
    lasts: list[int] = []
    best: list[int] = []
    before = []
    for number, (_, y) in enumerate(pairs):
        length = bisect.bisect_left(lasts, y)
        lasts[length : length + 1] = [y]
        best[length : length + 1] = [number]
        before.append(best[length - 1] if length else -1)
    anchors = []
    number = best[-1] if best else -1
    while number >= 0:
        anchors.append(pairs[number])
        number = before[number]
    return anchors[::-1]
