"""Entity tags as clients and the proxies between send them back."""

from __future__ import annotations

import re

# Proxies that compress mark a tag as weak, or put the coding behind it: "3-0f1e-gzip".
TAG = re.compile(r'(?:W/)?"([^"]*?)(?:-{1,2}(?:gzip|br|zstd|deflate))?"')


def read_tags(header: str) -> list[str]:
    """The entity tags in If-Match or If-None-Match, without quotes, W/ and what a proxy put behind them."""
    return TAG.findall(header)
