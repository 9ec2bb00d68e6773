"""Who may do what in conversations, as routes and documents say it."""

from __future__ import annotations

from nexcorp.security.access import allow

TAG = "Messages"
MEMBERS = "members of the conversation only, whatever their role in the company"
OWN = allow("message:read")
READ = allow("message:read", whose=MEMBERS)
CREATE = allow("message:create")
WRITE = allow("message:create", whose=MEMBERS)
OWNERS = allow("message:create", whose="owners of the group")
AUTHOR = allow("message:create", whose="the author only")
