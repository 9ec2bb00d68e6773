"""Access rules of the file routes, as the API documents show them."""

from __future__ import annotations

from nexcorp.errors import FileNotFound, NotYourProject, ProjectNotFound
from nexcorp.security.access import allow, welcome

TAG = "Files"
READERS = (
    "in private projects members, in internal ones all users, in public ones everybody; in all projects "
    "holders of project:manage"
)
WRITERS_ONLY = "owners and editors of the project, and holders of project:manage"
OPEN = welcome("project:read", whose=READERS)
DOWNLOAD = welcome("project:read", whose=READERS, ticket=True)
ADD = allow("project:create", whose=WRITERS_ONLY)
# The answer to a change shows the file, so that it needs project:read as well.
WRITE = allow("project:create", also="project:read", whose=WRITERS_ONLY)
OWN = allow(
    "project:create",
    also="project:read",
    whose="owners of the project, and holders of project:manage",
)
OF_PROJECT = (ProjectNotFound, NotYourProject)
OF_FILE = (FileNotFound, NotYourProject)
