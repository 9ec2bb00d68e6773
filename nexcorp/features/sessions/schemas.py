"""Schemas of sessions: requests and answers."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Body, Out, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.web.paging import PageQuery


class CreateSession(Body):
    """A new session, whose host is the caller."""

    title = Text(least=1, most=200, required=True)
    fileId = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "The file of the project that it is about; null: the whole project."},
    )


class SessionFile(Out):
    """The file that a session is about."""

    id = fields.UUID(required=True)
    path = fields.String(required=True)


class SessionItem(Out):
    """The fields of a session that are the same for everybody in its project."""

    id = fields.UUID(required=True)
    projectId = fields.UUID(required=True)
    title = fields.String(required=True)
    file = fields.Nested(
        SessionFile,
        required=True,
        allow_none=True,
        metadata={
            "description": "The file that it is about; null for the whole project, or if the file "
            "was deleted."
        },
    )
    host = fields.Nested(
        Person,
        required=True,
        allow_none=True,
        metadata={"description": "The person who began it; null if they have left the company."},
    )
    participantCount = fields.Integer(
        required=True, metadata={"description": "The number of people who are in it now."}
    )
    createdAt = fields.AwareDateTime(required=True)
    endedAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When it was ended, or when it had been empty for 24 hours."},
    )


class RoomSession(SessionItem):
    """A session in the frames of its project's room."""

    sessionId = fields.UUID(metadata={"description": "The id of the session."})
    userId = fields.UUID(metadata={"description": "The person who joined or left."})


class CollabSession(SessionItem):
    """A session, and whether the viewer is in it."""

    joined = fields.Boolean(required=True, metadata={"description": "Whether the viewer is in it now."})


class Participant(Out):
    """A person who is in a session, or was."""

    user = fields.Nested(Person, required=True)
    here = fields.Boolean(
        required=True, metadata={"description": "Whether the person is in the session now."}
    )
    joinedAt = fields.AwareDateTime(required=True, metadata={"description": "When the person last joined."})
    seenAt = fields.AwareDateTime(
        required=True,
        metadata={"description": "When the person was last seen; after 60 seconds more they have left."},
    )
    leftAt = fields.AwareDateTime(required=True, allow_none=True)


class SessionQuery(PageQuery):
    """Filters of sessions."""

    live = fields.Boolean(
        load_default=False, metadata={"description": "true: only sessions that have not ended."}
    )


class ParticipantQuery(PageQuery):
    """Filters of participants."""

    here = fields.Boolean(
        metadata={"description": "true: people who are in it now; false: people who have left; absent: both."}
    )


class OpenFile(Out):
    """A file, and the people who have it open."""

    fileId = fields.UUID(required=True)
    path = fields.String(required=True)
    users = fields.List(fields.Nested(Person), required=True, metadata={"description": "Each person once."})


class Presence(Out):
    """The open files of a project."""

    data = fields.List(
        fields.Nested(OpenFile), required=True, metadata={"description": "The open files, by path."}
    )


SessionPage = page_of(CollabSession)
ParticipantPage = page_of(Participant)
