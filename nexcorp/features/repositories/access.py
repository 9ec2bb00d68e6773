"""Access to linked repositories, for routes and the API documents."""

from __future__ import annotations

from nexcorp.errors import NotYourProject, ProjectNotFound
from nexcorp.features.repositories.errors import RepositoryNotFound
from nexcorp.security.access import allow

TAG = "Repositories"
READ = allow("project:read", whose="members of the project, and holders of project:manage")
WRITE = allow("project:create", whose="owners and editors of the project, and holders of project:manage")
OF_PROJECT = (ProjectNotFound, NotYourProject)
ERRORS = (*OF_PROJECT, RepositoryNotFound)
