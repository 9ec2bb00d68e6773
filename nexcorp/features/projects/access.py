"""Access to projects, for routes and the API documents."""

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
# Answers to changes contain the project, so project:read is needed as well.
OWN = allow("project:create", also="project:read", whose=OWNED)
MEMBERS = allow("project:read", whose="its members, and holders of project:manage")
OWN_ERRORS = (ProjectNotFound, NotYourProject)
