"""Who may do what with files, as routes and documents say it."""

from __future__ import annotations

from nexcorp.errors import FileNotFound, NotYourProject, ProjectNotFound
from nexcorp.security.access import allow, welcome

TAG = "Files"
READERS = (
    "in private projects their members, in internal ones all, in public ones everybody; holders of "
    "project:manage in all"
)
WRITERS_ONLY = "owners and editors of the project, and holders of project:manage"
OPEN = welcome("project:read", whose=READERS)
DOWNLOAD = welcome("project:read", whose=READERS, ticket=True)
ADD = allow("project:create", whose=WRITERS_ONLY)
# Whoever changes one is shown it.
WRITE = allow("project:create", also="project:read", whose=WRITERS_ONLY)
OWN = allow(
    "project:create",
    also="project:read",
    whose="owners of the project, and holders of project:manage",
)
OF_PROJECT = (ProjectNotFound, NotYourProject)
OF_FILE = (FileNotFound, NotYourProject)
