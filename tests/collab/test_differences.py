"""Differences of texts: applying them gives the new text, and unchanged parts stay untouched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nexcorp.collab.differences import MAX_CHANGES, find_changes

TEXTS = st.lists(
    st.sampled_from(["a", "b", " ", "\n", "\r\n", "word", "😀", "é", "한", "{", "\x0c"]), max_size=40
).map("".join)


def change(old, changes):
    """Return `old` with the changes applied."""
    parts, done = [], 0
    for start, end, text in changes:
        # Changes ascend, do not touch each other, and are never empty.
        assert done <= start <= end and (end > start or text)
        parts += (old[done:start], text)
        done = end
    return "".join((*parts, old[done:]))


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_changes_make_the_new_text(before, old, new, behind):
    old, new = before + old + behind, before + new + behind
    assert change(old, find_changes(old, new)) == new
    assert find_changes(new, new) == []


def test_scattered_changes_stay_small():
    lines = [f"line {n} has some words\n" for n in range(20_000)]
    old = "".join(lines)
    for n in range(0, 20_000, 1000):
        lines[n] = lines[n].replace("some", "other")
    lines.insert(5_500, "a new line\n")
    del lines[9_500]
    new = "".join(lines)
    changes = find_changes(old, new)
    assert change(old, changes) == new
    assert 20 < len(changes) < 50
    assert sum(end - start + len(text) for start, end, text in changes) < 400


def test_whatever_the_texts_are_it_ends():
    lines = [f"{n}\n" for n in range(5_000)]
    old = "".join(lines)
    for new in (
        "".join(reversed(lines)),
        "".join("  " + line for line in lines),
        "".join(line * 2 for line in lines),
        old.replace("\n", " "),
        "ab" * 20_000,
        "",
    ):
        for one, other in ((old, new), (new, old)):
            changes = find_changes(one, other)
            assert change(one, changes) == other
            assert len(changes) <= MAX_CHANGES
