"""Which @names in a text count as mentions."""

from __future__ import annotations

import pytest

from nexcorp.domain.mentions import MAX_MENTIONS, find_mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see https://social.example/@jane/posts/1", []),
        ("https://video.example/@jane", []),
        ("https://a.example/?user=@jane", []),
        ("HTTPS://A.EXAMPLE/#@jane and ftp://a.example/@jane", []),
        ("social.example/@jane, www.video.example/@jane and a.example:8080/@jane", []),
        ("localhost:8080/@jane and 10.0.0.1/@jane, at 3.5/@ann", ["ann"]),
        ("見てhttps://social.example/@janeさん", []),
        ("[her page](https://social.example/@jane)", []),
        ("for @jane: https://a.example/x", ["jane"]),
        ("https://a.example/x @jane", ["jane"]),
        ("<https://a.example/x>@jane", ["jane"]),
        ("https://a.example/x。@jane", ["jane"]),
        ("@ann/@jane and (@bob)", ["ann", "jane", "bob"]),
        ("e.g. @jane", ["jane"]),
        ("@jane@social.example", []),
        ("ask @jane@bücher.example or @ann", ["ann"]),
        ("@jane\uff20social.example", []),
        ("@jane. Thanks", ["jane"]),
        ("\uff20jane お願いします", ["jane"]),
        ("担当は\uff20janeさん", ["jane"]),
        ("\ufe6bjane", ["jane"]),
        ("write to jane\uff20example.com", []),
        ("`@jane` is a decorator", []),
        ("``a ` @jane`` and `@ann", ["ann"]),
        ("`code`, @jane, `code`", ["jane"]),
        ("one ` here\n\n@jane and ` there", ["jane"]),
        ("```python\n@jane\n\ndef f(): ...\n```\n@ann", ["ann"]),
        ("~~~~\n```\n@jane\n~~~\n~~~~\n@ann", ["ann"]),
        ("```\n@jane", []),
    ],
)
def test_what_is_a_mention(text: str, names: list[str]) -> None:
    assert find_mentions(text) == names


def test_the_first_names_count_each_once() -> None:
    text = " ".join(f"@name{number} @NAME{number}" for number in range(MAX_MENTIONS + 5))
    assert find_mentions(text) == [f"name{number}" for number in range(MAX_MENTIONS)]
