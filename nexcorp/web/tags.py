"""Parse entity tags as clients and proxies send them back."""

from __future__ import annotations

import re

# Proxies that compress mark a tag as weak, or append the coding: "3-0f1e-gzip".
TAG = re.compile(r'(?:W/)?"([^"]*?)(?:-{1,2}(?:gzip|br|zstd|deflate))?"')


def read_tags(header: str) -> list[str]:
    """Return the entity tags in If-Match or If-None-Match, without quotes, W/ and suffixes of proxies."""
    return TAG.findall(header)
