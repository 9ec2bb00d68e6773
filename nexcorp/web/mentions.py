"""@username in a text."""

from __future__ import annotations

import re

# A name behind an @ that does not continue a word, so that an e-mail address mentions nobody.
MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_]{3,30})(?!\w)")
MAX_MENTIONS = 20


def find_mentions(text: str) -> list[str]:
    """The usernames a text mentions, lower case, each once, at most MAX_MENTIONS."""
    return list(dict.fromkeys(name.lower() for name in MENTION.findall(text)))[:MAX_MENTIONS]
