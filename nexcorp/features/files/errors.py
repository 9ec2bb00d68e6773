"""Errors of files."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound


class PathTaken(Conflict):
    """Another file or folder occupies the path; the message names it."""

    code, message = "path_taken", "There is a file with this name already."
    meaning = "A file or folder with this name exists already (case does not count); the message names it."


class TooManyFilesInProject(Conflict):
    """The project has the most files allowed."""

    code, message = "too_many_project_files", "A project may have 10,000 files, with those in the trash."
    meaning = "The project has 10,000 files, with those in the trash."


class FolderTooLarge(Conflict):
    """The folder has more files than may be changed at once."""

    code, message = "folder_too_large", "The folder has more than 5,000 files: take its folders one by one."
    meaning = "The folder has more than 5,000 files, too many to change at once."


class FolderNotFound(NotFound):
    """No file has a path in the folder."""

    code, message = "folder_not_found", "There is no such folder."
    meaning = "No file of the project is in this folder."


class VersionNotFound(NotFound):
    """The file has no version with this number."""

    code, message = "version_not_found", "The file has no such version."
    meaning = "The file has no version with this number."


class TextExpected(Conflict):
    """The new content is not a text, and the file is one that people have edited together."""

    code = "text_expected"
    message = "This file is a text: it takes UTF-8 without NUL. Put anything else into a new file."
    meaning = "The file is a text, but the content is not UTF-8, or contains NUL."
