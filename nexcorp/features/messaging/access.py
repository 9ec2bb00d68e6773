"""Access rules of the conversation routes, as the API documents show them."""

from __future__ import annotations

from nexcorp.security.access import allow

TAG = "Messages"
SEE = "message:read"
MEMBERS = "members of the conversation only, whatever their role in the company"
OWN = allow(SEE)
READ = allow(SEE, whose=MEMBERS)
CREATE = allow("message:create")
WRITE = allow("message:create", whose=MEMBERS)
# The answers of these routes show messages and groups, so that they need message:read as well.
REACT = allow("message:create", also=SEE, whose=MEMBERS)
OWNERS = allow("message:create", also=SEE, whose="owners of the group")
AUTHOR = allow("message:create", also=SEE, whose="the author only")
