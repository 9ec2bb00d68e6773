"""Documents hold the same as in yjs, and report exactly the part of an update that is new."""

from __future__ import annotations

import random
import secrets

import pytest
from pycrdt import Doc, Text

from nexcorp.collab import document as module
from nexcorp.collab.document import Document, TooLarge
from nexcorp.collab.encoding import BadUpdate
from nexcorp.collab.updates import EMPTY
from tests.collab.helpers import Editor
from tests.collab.yjs import recorded_cases, run_yjs


def replay(case):
    """Return the new parts of a case's updates, and the document; check every way to load it."""
    log = [bytes.fromhex(update) for update in case["log"]]
    half = len(log) // 2
    document = Document.load(None, [], "content")
    news = [new for update in log for new in document.apply(update)]
    snapshot = Document.load(None, log[:half])
    for found in (
        document,
        Document.load(None, log),
        Document.load(snapshot.encode(), log[half:]),
        Document.load(None, news),
        Document.load(document.encode(), log),
    ):
        assert found.read_text() == case["text"]
        assert found.known == document.known
    return news, document


def test_halves_of_emoji_are_what_yjs_makes_of_them():
    cases = recorded_cases()
    assert sum("\ufffd" in case["text"] for case in cases) > 3
    for case in cases:
        replay(case)


def test_yjs_and_documents_agree():
    # Edits differ in each run: a failure names its seed.
    seed = secrets.randbelow(10_000)
    cases = run_yjs("make", str(seed), "60")
    logs = []
    for case in cases:
        news, document = replay(case)
        document.replace_text(case["text"] + "!")
        logs += ([new.hex() for new in news], [document.encode().hex()])
    texts = run_yjs("read", given=logs)
    for number, case in enumerate(cases):
        assert texts[2 * number : 2 * number + 2] == [case["text"], case["text"] + "!"], f"seed {seed}"


def test_only_what_is_new_is_to_be_stored():
    ada = Editor()
    ada.insert(0, "one two")
    ada.delete(0, 4)
    document = Document.load(None, ada.updates)
    for update in (*ada.updates, ada.doc.get_update(), EMPTY):
        assert document.apply(update) == []
    known = document.encode_vector()
    more = ada.insert(0, "three ")
    ada.delete(6, 1)
    # A step 2 carries all deletions ever made.
    (new,) = document.apply(ada.doc.get_update(known))
    assert len(new) < len(ada.doc.get_update(known)) + len(more)
    other = Document.load(None, [*ada.updates[:2], new])
    assert other.read_text() == document.read_text() == "three wo"
    assert other.encode(known) == document.encode(known)
    with pytest.raises(BadUpdate):
        document.encode(b"\x05")


def test_the_text_is_where_the_first_update_says():
    for root in ("content", "quill"):
        editor = Editor(root=root)
        editor.insert(0, "text")
        document = Document.load(None, editor.updates)
        assert (document.root, document.read_text()) == (root, "text")
        editor.doc.get("content", type=Text).insert(0, "another ")
        document = Document.load(None, editor.updates)
        assert (document.root, "text" in document.read_text()) == (root, True)
        assert Document.load(document.encode(), [], root).read_text() == document.read_text()
    both = Doc()
    with both.transaction():
        both.get("quill", type=Text).insert(0, "a")
        both.get("content", type=Text).insert(0, "b")
    assert Document.load(None, [both.get_update()]).read_text() == "b"
    empty = Document.load(None, [])
    assert (empty.root, empty.read_text(), empty.read_content()) == (None, "", b"")
    assert empty.replace_text("") is None
    update = empty.replace_text("first")
    assert Document.load(None, [update]).read_text() == empty.read_text() == "first"
    assert Document.load(None, [Document.start("a\r\nb\0")]).read_content() == "a\nb\ufffd".encode()


def test_a_text_that_is_replaced_keeps_what_others_type_and_where_they_are():
    rnd = random.Random(5)
    signs = ["a", "wörd", " ", "\n", "😀", "한", "{"]
    for _ in range(150):
        old = "".join(rnd.choices(signs, k=rnd.randrange(40)))
        new = list(old)
        for _ in range(rnd.randrange(4)):
            at = rnd.randint(0, len(new))
            new[at : at + rnd.randrange(4)] = rnd.choices(signs, k=rnd.randrange(3))
        start = Document.start(old)
        document = Document.load(None, [start])
        update = document.replace_text("".join(new))
        assert document.read_text() == "".join(new)
        assert update is None or Document.load(None, [start, update]).read_text() == "".join(new)

    ada = Editor(Document.start("first line\nsecond line\nthird line\n"))
    # Her cursor is behind "second"; she types there while the whole text is replaced.
    cursor = ada.text.sticky_index(17)
    document = Document.load(None, [ada.doc.get_update()])
    put = document.replace_text("FIRST line\nnew line\nsecond line\nthird 😀 line\n")
    typed = ada.insert(17, " (typed)")
    ada.doc.apply_update(put)
    document.apply(typed)
    assert (
        str(ada.text) == document.read_text() == "FIRST line\nnew line\nsecond (typed) line\nthird 😀 line\n"
    )
    with ada.doc.transaction() as transaction:
        at = cursor.get_index(transaction)
    assert str(ada.text).encode()[:at].decode().endswith(("second", "second (typed)"))


def test_what_is_embedded_stays_where_it_is():
    editor = Editor()
    editor.insert(0, "one 😀 two three")
    editor.text.insert_embed(9, {"image": 1})
    editor.text.insert_embed(0, {"image": 2})
    editor.text.insert(len(editor.text), "!")
    document = Document.load(None, editor.updates)
    for new in ("one 😀 2 three!", "1 😀 2 3", "one two three", "", "again"):
        editor.doc.apply_update(document.replace_text(new))
        assert str(editor.text) == document.read_text() == new
        assert [piece for piece, _ in editor.text.diff() if not isinstance(piece, str)] == [
            {"image": 2.0},
            {"image": 1.0},
        ]


def test_a_document_has_limits(monkeypatch):
    monkeypatch.setattr(module, "MAX_TEXT_BYTES", 1_000)
    monkeypatch.setattr(module, "MAX_STATE_BYTES", 5_000)
    start = Document.start("é" * 400)
    with pytest.raises(TooLarge):
        Document.load(None, [start]).replace_text("é" * 501)
    editor = Editor(start)
    editor.insert(0, "x" * 300)
    with pytest.raises(TooLarge):
        Document.load(None, [start]).apply(editor.updates[-1])
    # A text above the limit may still become smaller.
    document = Document.load(None, [editor.doc.get_update()])
    assert document.apply(editor.delete(0, 50)) and document.text_bytes == 1_050
    with pytest.raises(TooLarge):
        for n in range(2_000):
            document.apply(editor.insert(n % 7, "y"))
            document.apply(editor.delete(0, 1))
