"""Who may do what in conversations, as routes and documents say it."""

from __future__ import annotations

from nexcorp.security.access import allow

TAG = "Messages"
SEE = "message:read"
MEMBERS = "members of the conversation only, whatever their role in the company"
OWN = allow(SEE)
READ = allow(SEE, whose=MEMBERS)
CREATE = allow("message:create")
WRITE = allow("message:create", whose=MEMBERS)
# Who changes what is there reads it in the answer.
REACT = allow("message:create", also=SEE, whose=MEMBERS)
OWNERS = allow("message:create", also=SEE, whose="owners of the group")
AUTHOR = allow("message:create", also=SEE, whose="the author only")
