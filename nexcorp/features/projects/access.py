"""Access to projects, for routes and the API documents."""

from __future__ import annotations

from nexcorp.errors import NotYourProject, ProjectNotFound
from nexcorp.security.access import allow, welcome

TAG = "Projects"
READ_TASKS = "task:read"
SEEN = (
    "private projects for members, internal ones for all users, public ones for everybody; all "
    "projects for holders of project:manage"
)
OPEN = welcome("project:read", whose=SEEN)
READ = allow("project:read", whose=SEEN)
CREATE = allow("project:create")
OWNED = "its owners, and holders of project:manage"
# Answers to changes contain the project, so project:read is needed as well.
OWN = allow("project:create", also="project:read", whose=OWNED)
MEMBERS = allow("project:read", whose="its members, and holders of project:manage")
OWN_ERRORS = (ProjectNotFound, NotYourProject)
