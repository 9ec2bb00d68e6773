"""The reader of updates agrees with yrs, and rejects every update that would end the process."""

from __future__ import annotations

import secrets
import subprocess
import sys

import pycrdt
import pytest

from nexcorp.collab.document import Document, TooLarge
from nexcorp.collab.encoding import BadUpdate, read_number, read_vector, write_number
from nexcorp.collab.updates import Gap, has_gap, note_clocks, read_update
from nexcorp.config import REPOSITORY
from tests.collab.helpers import Editor
from tests.collab.hostile import HOSTILE, agrees, nest
from tests.collab.yjs import recorded_cases


def test_hostile_updates_are_refused_before_pycrdt_sees_them():
    for name, update in HOSTILE.items():
        with pytest.raises(BadUpdate):
            read_update(update)
            pytest.fail(f"{name} is taken")
    for vector in (
        b"",
        b"\x01",
        b"\x01\x07",
        b"\x00\x00",
        write_number(2**40),
        b"\x01\x07" + write_number(2**32),
    ):
        with pytest.raises(BadUpdate):
            read_vector(vector)
    # The reader accepts deeply nested shared types, but a document takes only a limited number.
    assert read_update(nest(3_000)).types == 3_000
    more = nest(600).replace(b"\x07\x00", b"\x08\x00", 1)
    nested = Document.load(None, [nest(1_500)])
    for document in (nested, Document.load(nested.encode(), [])):
        with pytest.raises(TooLarge):
            document.apply(more)
    document = Document.load(None, [nest(1_500)])
    for _ in range(3):
        # An update that comes again counts once.
        assert document.apply(nest(1_500)) == []
    document.apply(b"\x00\x01\x07\x01\x00\x01")
    assert document.apply(more)


def test_what_the_reader_says_of_updates_of_yjs_is_what_yrs_says():
    for case in recorded_cases():
        known: dict[int, int] = {}
        doc = pycrdt.Doc()
        for update in map(bytes.fromhex, case["log"]):
            facts = read_update(update)
            assert agrees(facts, update) and not facts.empty and not has_gap(facts, known)
            assert not facts.adds or has_gap(facts, {}) or min(first for first, _ in facts.adds.values()) == 0
            doc.apply_update(update)
            note_clocks(facts, known)
            assert known == read_vector(doc.get_state())
    whole = read_update(doc.get_update())
    assert whole.roots == {"content"} and not whole.foreign
    first = recorded_cases()[0]["log"]
    # The update holds a map, nested types, XML, bytes, and a document.
    kinds = read_update(Document.load(None, [bytes.fromhex(update) for update in first]).encode())
    assert kinds.foreign and kinds.types > 5 and {"content", "meta", "list", "xml"} <= kinds.roots


def test_what_is_missing_is_noticed():
    ada = Editor()
    one, two, gone = ada.insert(0, "one"), ada.insert(3, "two"), ada.delete(0, 1)
    bob = Editor(one)
    beside = bob.insert(1, "x")
    known: dict[int, int] = {}
    for update in (two, gone, beside):
        assert has_gap(read_update(update), known)
    note_clocks(read_update(one), known)
    for update in (two, gone, beside):
        assert not has_gap(read_update(update), known)
    merged = pycrdt.merge_updates(one, pycrdt.get_update(ada.doc.get_update(), pycrdt.get_state(one)))
    assert not has_gap(read_update(merged), {})
    three = ada.insert(0, "3")
    skipping = pycrdt.merge_updates(one, three)
    assert read_update(skipping).skips and has_gap(read_update(skipping), known)
    document = Document.load(None, [one])
    with pytest.raises(Gap):
        document.apply(three)
    with pytest.raises(Gap):
        Document.load(None, [one, three])


def test_numbers_come_back_as_they_went():
    for number in (0, 1, 127, 128, 300, 2**31, 2**53 - 1, 2**63 - 1):
        data = write_number(number)
        assert read_number(b"\xff" + data, 1) == (number, 1 + len(data))


def test_mutants_that_can_be_read_end_no_process():
    # Mutants differ in each run: a failure names its seed.
    seed = secrets.randbelow(1_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "tests.collab.hostile", str(seed), "300"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}: {done.returncode}\n{done.stderr[-2000:]}"
    assert int(done.stdout) > 10
