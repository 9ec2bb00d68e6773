"""Who may do what with projects, as routes and documents say it."""

from __future__ import annotations

from nexcorp.errors import NotYourProject, ProjectNotFound
from nexcorp.security.access import allow, welcome

TAG = "Projects"
READ_TASKS = "task:read"
SEEN = "private ones their members, internal ones all, public ones everybody; holders of project:manage all"
OPEN = welcome("project:read", whose=SEEN)
READ = allow("project:read", whose=SEEN)
CREATE = allow("project:create")
OWNED = "its owners, and holders of project:manage"
# Whoever changes one is shown it.
OWN = allow("project:create", also="project:read", whose=OWNED)
MEMBERS = allow("project:read", whose="its members, and holders of project:manage")
OWN_ERRORS = (ProjectNotFound, NotYourProject)
