"""Every event: who is told of it, and which rooms see which frame.

Payloads are in the API's words and hold all that is needed here: delivery asks nothing back of the
features. An event that nobody hears of is in the audit trail all the same, and stands here with an
empty entry, so that a misspelt one is found.
"""

from __future__ import annotations

from nexcorp.delivery.events import Entry
from nexcorp.delivery.identity import IDENTITY
from nexcorp.delivery.inbox import INBOX
from nexcorp.delivery.social import SOCIAL

CATALOGUE: dict[str, Entry] = {**IDENTITY, **SOCIAL, **INBOX}
