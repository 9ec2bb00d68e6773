"""Request and response schemas of chats."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from nexcorp.domain.fields import Body, Flag, Items, Out, PatchBody, Query, Text
from nexcorp.domain.shapes import page_of
from nexcorp.web.paging import PageQuery

STATUSES = ("queued", "running", "done", "incomplete", "cancelled", "failed")
MOST_FILES = 20
MOST_WAIT_SECONDS = 25


def title_field(**more: Any) -> Text:
    """The title of a chat."""
    return Text(
        least=1,
        most=200,
        allow_none=True,
        metadata={"description": "null: the beginning of its first question, once there is one."},
        **more,
    )


def model_field(**more: Any) -> Text:
    """The model that answers."""
    return Text(
        least=1,
        most=200,
        allow_none=True,
        metadata={"description": "One of `AI_MODEL` and `AI_MODELS`; null: the first."},
        **more,
    )


def project_field(**more: Any) -> fields.UUID:
    """The project whose files answers may use."""
    return fields.UUID(
        allow_none=True,
        metadata={"description": "A project that you may read; questions are answered from its files."},
        **more,
    )


class CreateChat(Body):
    """A new chat."""

    title = title_field(load_default=None)
    projectId = project_field(load_default=None)
    model = model_field(load_default=None)


class UpdateChat(PatchBody):
    """A change of a chat; absent fields stay as they are."""

    title = title_field()
    projectId = project_field()
    model = model_field()


class ChatProject(Out):
    """The project of a chat."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class Chat(Out):
    """A chat as its owner sees it."""

    id = fields.UUID(required=True)
    title = fields.String(required=True, allow_none=True)
    project = fields.Nested(
        ChatProject,
        required=True,
        allow_none=True,
        metadata={"description": "null without a project, or if the owner may not read it any more."},
    )
    model = fields.String(required=True, allow_none=True)
    leafId = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The newest message of its newest branch."}
    )
    isAnswering = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(
        required=True, metadata={"description": "When the chat was last changed or written to."}
    )


class RoomChat(Chat):
    """A chat as its owner's room sees it."""

    messageId = fields.UUID(metadata={"description": "The id of the answer that has ended."})
    status = fields.String(validate=validate.OneOf(STATUSES))


class ContextItem(Out):
    """A file, passage or search that a question names, or an answer used."""

    fileId = fields.UUID()
    version = fields.Integer(metadata={"description": "The version of the file."})
    passage = fields.Integer(
        metadata={
            "description": "The number of a passage, from 0, that `search` found; absent: the whole file."
        }
    )
    isCut = fields.Boolean(
        metadata={"description": "For an answer: whether only the beginning of the file fitted, or nothing."}
    )
    search = fields.Boolean(metadata={"description": "For a question: whether passages were searched."})


class ChatMessage(Out):
    """A question or an answer."""

    id = fields.UUID(required=True)
    chatId = fields.UUID(required=True)
    parentId = fields.UUID(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(("user", "assistant")))
    body = fields.String(
        required=True,
        metadata={"description": "The text; for an answer that has not ended, the part so far."},
    )
    context = fields.List(fields.Nested(ContextItem), required=True)
    siblings = fields.List(
        fields.UUID(),
        required=True,
        metadata={
            "description": "All messages that follow the same message, oldest first, including this one."
        },
    )
    status = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(STATUSES),
        metadata={"description": "The state of an answer; null for a question."},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Why it is incomplete or has failed (`length`, `provider_401: ...`), or why the "
            "last attempt failed, while it is queued."
        },
    )
    position = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The end of `body`, as `attempt.offset`: continue after it with `/stream?after=`."
        },
    )
    promptTokens = fields.Integer(required=True, allow_none=True)
    completionTokens = fields.Integer(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    endedAt = fields.AwareDateTime(required=True, allow_none=True)


class Exchange(Out):
    """A question and its answer."""

    message = fields.Nested(ChatMessage, required=True)
    answer = fields.Nested(ChatMessage, required=True)


class AskQuestion(Body):
    """A question. An older `parentId` begins another branch: that is how you edit a question."""

    content = Text(least=1, most=50_000, required=True)
    parentId = fields.UUID(
        allow_none=True,
        metadata={
            "description": "The answer that it follows; null: it begins the chat anew. Absent: the "
            "newest message."
        },
    )
    fileIds = Items(
        fields.UUID(),
        most=MOST_FILES,
        load_default=list,
        metadata={"description": "Text files of the chat's project to give to the model as a whole."},
    )
    search = Flag(
        load_default=False,
        metadata={"description": "Look for passages of the project's files that fit the question."},
    )


class AskQuery(Query):
    """Query of a question: how long to wait for the answer."""

    wait = fields.Integer(
        load_default=0,
        validate=validate.Range(0, MOST_WAIT_SECONDS),
        metadata={
            "description": "Seconds to wait for the end of the answer; the response has the part "
            "written by then."
        },
    )


class StreamQuery(Query):
    """Query of a stream: where to resume."""

    after = Text(
        least=3,
        most=30,
        checks=[validate.Regexp(r"^\d{1,9}\.\d{1,9}$")],
        metadata={
            "description": "The `position` or the event id to resume after; the header `Last-Event-ID` "
            "takes precedence."
        },
    )


class ChatQuery(PageQuery):
    """Query of the list of chats."""

    project = fields.UUID(metadata={"description": "Only chats of this project."})


class PathQuery(PageQuery):
    """Query of a chat's messages: which branch."""

    leaf = fields.UUID(
        metadata={"description": "The message with which the branch ends; absent: that of the newest branch."}
    )


ChatPage = page_of(Chat)
ChatMessagePage = page_of(ChatMessage)
