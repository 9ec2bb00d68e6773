"""Request and response schemas of files."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Out, PatchBody, Query, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.features.files.paths import MEDIA_TYPE, Path
from nexcorp.web.paging import PageQuery

PATH = "`docs/plan.md`: unique in its project regardless of case; NFC, at most 512 bytes."


def type_field(**more: Any) -> Text:
    """The media type of a file."""
    return Text(
        least=3,
        most=200,
        trim=False,
        checks=[validate.Regexp(MEDIA_TYPE.pattern + r"\Z")],
        metadata={"description": "The media type; absent: derived from the end of the path."},
        **more,
    )


class CreateFile(Body):
    """A new file; as a form with its content as the part `file`."""

    path = Path(required=True, metadata={"description": PATH})
    content = Text(
        most=256 * 1024, trim=False, metadata={"description": "The text of the file; absent: empty."}
    )
    type = type_field()


class UpdateFile(PatchBody):
    """A change of a file: a new path moves or renames it."""

    path = Path(metadata={"description": PATH})
    type = type_field()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Require path or type: a PATCH without them is a mistake."""
        if not data.keys() & {"path", "type"}:
            raise ValidationError("Send path or type.")


class MoveFolder(Body):
    """A move of all files of the folder `from` to `to`."""

    class Meta:
        include = {  # noqa: RUF012
            "from": Path(folder=True, required=True, metadata={"description": "A folder: `docs`."})
        }

    to = Path(folder=True, required=True, metadata={"description": "The new path of the folder."})


class FolderQuery(Query):
    """Query that names a folder."""

    prefix = Path(folder=True, metadata={"description": "A folder: `docs`. Absent: the whole project."})


class DeleteFolderQuery(Query):
    """Query that names a folder."""

    path = Path(folder=True, required=True, metadata={"description": "A folder: `docs`."})


class FileQuery(PageQuery, FolderQuery):
    """Query of the list of files."""

    deep = fields.Boolean(load_default=True, metadata={"description": "true: also files in subfolders."})


class FolderPageQuery(PageQuery, FolderQuery):
    """Query of the list of folders."""


class File(Out):
    """A file."""

    id = fields.UUID(required=True)
    projectId = fields.UUID(required=True)
    path = fields.String(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(("text", "binary")),
        metadata={"description": "text: edited together at `/collab/{id}`; binary: replaced as a whole."},
    )
    type = fields.String(required=True)
    eol = fields.String(
        required=True,
        validate=validate.OneOf(("lf", "crlf")),
        metadata={"description": "The line ending of the content."},
    )
    bytes = fields.Integer(
        required=True,
        metadata={"description": "The size of the newest version as stored: lines of a text end with LF."},
    )
    contentVersion = fields.Integer(
        required=True, metadata={"description": "The number of the newest version of its content."}
    )
    version = fields.Integer(
        required=True, metadata={"description": "The version of path and type; the content has its own."}
    )
    creator = fields.Nested(Person, required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class TrashedFile(File):
    """A file in the trash."""

    deletedAt = fields.AwareDateTime(required=True)
    deletedBy = fields.Nested(Person, required=True, allow_none=True)


class Folder(Out):
    """A folder: a common prefix of paths."""

    path = fields.String(required=True)
    files = fields.Integer(required=True)
    bytes = fields.Integer(required=True)


class Changed(Out):
    """The result of a change of a folder."""

    files = fields.Integer(required=True, metadata={"description": "The number of files in the folder."})


class Version(Out):
    """A saved content of a file."""

    n = fields.Integer(required=True)
    cause = fields.String(required=True, validate=validate.OneOf(("created", "edited", "put", "restored")))
    restoredFrom = fields.Integer(required=True, allow_none=True)
    bytes = fields.Integer(required=True)
    authors = fields.List(fields.Nested(Person), required=True)
    createdAt = fields.AwareDateTime(required=True)


FilePage = page_of(File)
FileTrashPage = page_of(TrashedFile)
FolderPage = page_of(Folder)
VersionPage = page_of(Version)
