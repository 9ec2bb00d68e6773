"""Request and response schemas of conversations and messages."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.attachments import MAX_POST_FILES, check_once
from nexcorp.domain.fields import Body, Items, Later, Out, PatchBody, Query, Text
from nexcorp.domain.shapes import Attachment, Person, page_of
from nexcorp.web.paging import PageQuery

KINDS = ("direct", "group")
ROLES = ("owner", "member")
LEVELS = ("all", "mentions", "none")
MAX_BODY_CHARS = 10_000
MAX_PEOPLE = 500
MAX_NUMBER = 2**53 - 1


def number(about: str, least: int = 0, **more: Any) -> fields.Integer:
    """The number of a message."""
    return fields.Integer(
        strict=True, validate=validate.Range(least, MAX_NUMBER), metadata={"description": about}, **more
    )


def query_number(about: str) -> fields.Integer:
    """The number of a message in a query string, where it is text."""
    return fields.Integer(validate=validate.Range(0, MAX_NUMBER), metadata={"description": about})


def title_field(**more: Any) -> Text:
    """The title of a group."""
    return Text(least=1, most=120, **more)


def role_field(**more: Any) -> fields.String:
    """The role of a member."""
    return fields.String(
        validate=validate.OneOf(ROLES),
        metadata={
            "description": "owner: changes title and members, deletes the group. Both people of a direct "
            "conversation are `member`."
        },
        **more,
    )


def level_field(**more: Any) -> fields.String:
    """The level of a member's notifications."""
    return fields.String(
        validate=validate.OneOf(LEVELS),
        metadata={
            "description": "`all`: you are notified of messages that stay unread for ten seconds; "
            "`mentions`: only of those that mention you; `none`: never. Default: `all`; in groups of "
            "more than 20 members `mentions`."
        },
        **more,
    )


class OpenConversation(Body):
    """A direct conversation with a person, or a new group."""

    title = title_field(metadata={"description": "The title of a new group; send this or `userId`."})
    userIds = Items(
        fields.UUID(),
        most=MAX_PEOPLE,
        metadata={"description": "The members of the group besides you; more can be added later."},
    )
    userId = fields.UUID(
        metadata={"description": "The other person of a direct conversation; your own id opens your notes."}
    )

    @validates_schema
    def require_one(self, data: dict[str, object], **more: object) -> None:
        """Require either userId, or title, which may have userIds."""
        if ("userId" in data) == ("title" in data) or ("userIds" in data and "title" not in data):
            raise ValidationError("Send userId, or title and userIds.")


class UpdateConversation(PatchBody):
    """A new title for a group."""

    title = title_field(required=True)


class SetConversationMember(Body):
    """The role to give to a user."""

    role = role_field(load_default="member")


class SendMessage(Body):
    """A new message: a text, files, or both."""

    body = Text(most=MAX_BODY_CHARS, load_default="")
    id = fields.UUID(
        metadata={"description": "An id of your choice, so that a retry does not send the message twice."}
    )
    replyToId = fields.UUID(
        allow_none=True, load_default=None, metadata={"description": "A message of the same conversation."}
    )
    uploadIds = Items(
        fields.UUID(),
        most=MAX_POST_FILES,
        checks=[check_once],
        load_default=[],
        metadata={"description": "Your uploads that are not attached yet."},
    )

    @validates_schema
    def require_content(self, data: dict[str, object], **more: object) -> None:
        """Require a text or files."""
        if not data["body"] and not data["uploadIds"]:
            raise ValidationError("Send body or uploadIds.")


class UpdateMessage(PatchBody):
    """A new text for a message."""

    body = Text(most=MAX_BODY_CHARS, required=True)


class Mark(Body):
    """The message up to which the caller has read, or received, messages."""

    n = number("The number of a message; a number beyond the newest counts as the newest.", required=True)


class SetConversationSettings(Body):
    """A change of the caller's notifications in a conversation; absent fields stay."""

    level = level_field()
    mutedUntil = Later(
        years=100,
        allow_none=True,
        metadata={"description": "You get no notifications until then; null: as `level` says."},
    )

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Require a field: a body without one is a mistake."""
        if not data:
            raise ValidationError("Send level or mutedUntil.")


class Reaction(Out):
    """An emoji that people answered a message with."""

    emoji = fields.String(required=True)
    count = fields.Integer(required=True)
    mine = fields.Boolean(
        metadata={"description": "Whether you reacted with it; absent in frames, which name the user."}
    )


class Reactions(Out):
    """All reactions to a message."""

    reactions = fields.List(fields.Nested(Reaction), required=True)


class Excerpt(Out):
    """The beginning of a message that another one replies to."""

    id = fields.UUID(required=True)
    n = fields.Integer(required=True)
    author = fields.Nested(Person, required=True, allow_none=True)
    excerpt = fields.String(required=True, allow_none=True)
    deleted = fields.Boolean(required=True)


class Newest(Out):
    """The newest message of a conversation."""

    id = fields.UUID(required=True)
    n = fields.Integer(required=True)
    author = fields.Nested(Person, required=True, allow_none=True)
    excerpt = fields.String(
        required=True, metadata={"description": "The beginning of the message; empty if it has only files."}
    )
    createdAt = fields.AwareDateTime(required=True)


class Message(Out):
    """A message."""

    id = fields.UUID(required=True)
    conversationId = fields.UUID(required=True)
    n = fields.Integer(
        required=True,
        metadata={
            "description": "The number in the conversation: 1, 2, 3 ... without gaps. Sort by it, "
            "not by time."
        },
    )
    author = fields.Nested(Person, required=True, allow_none=True)
    body = fields.String(
        required=True, allow_none=True, metadata={"description": "Null once the message is deleted."}
    )
    replyTo = fields.Nested(Excerpt, required=True, allow_none=True)
    uploads = fields.List(fields.Nested(Attachment), required=True)
    reactions = fields.List(fields.Nested(Reaction), required=True)
    deleted = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    editedAt = fields.AwareDateTime(required=True, allow_none=True)


class RoomMessage(Message):
    """A message as everybody in its room sees it."""


class FoundMessage(Message):
    """A message that a search found."""

    highlight = fields.String(
        required=True, metadata={"description": "HTML: matches are in <mark>, everything else is escaped."}
    )


class RoomConversation(Out):
    """A conversation as everybody in its room sees it."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    title = fields.String(required=True, allow_none=True, metadata={"description": "The title of a group."})
    memberCount = fields.Integer(required=True)
    lastN = fields.Integer(required=True, metadata={"description": "The number of the newest message."})
    minN = fields.Integer(
        required=True, metadata={"description": "The number of the oldest message that is kept."}
    )
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)
    changed = fields.List(
        fields.String(), metadata={"description": "In frames: the names of the changed fields."}
    )


class Conversation(RoomConversation):
    """A conversation as one of its members sees it."""

    class Meta:
        exclude = ("changed",)

    person = fields.Nested(
        Person,
        required=True,
        allow_none=True,
        metadata={
            "description": "The other person of a direct conversation; yourself if it holds your notes."
        },
    )
    role = role_field(required=True)
    unread = fields.Integer(required=True)
    readN = fields.Integer(
        required=True, metadata={"description": "The number of the last message that you have read."}
    )
    level = level_field(required=True)
    mutedUntil = fields.AwareDateTime(required=True, allow_none=True)
    lastMessage = fields.Nested(Newest, required=True, allow_none=True)
    seq = fields.Integer(
        required=True,
        metadata={
            "description": "Subscribe to conversation:{id} with `seq` and `epoch`: the frames then "
            "keep the conversation and its messages complete."
        },
    )
    epoch = fields.String(required=True, allow_none=True)


class ConversationMember(Out):
    """A member of a conversation."""

    user = fields.Nested(Person, required=True)
    role = role_field(required=True)
    joinedAt = fields.AwareDateTime(required=True)


class Marks(Out):
    """The messages up to which the caller has read and received messages."""

    readN = fields.Integer(required=True)
    deliveredN = fields.Integer(required=True)


class ConversationSettings(Out):
    """The caller's notification settings in a conversation."""

    level = level_field(required=True)
    mutedUntil = fields.AwareDateTime(required=True, allow_none=True)


class UnreadMessages(Out):
    """The numbers of the caller's unread messages and conversations, without muted ones."""

    messages = fields.Integer(required=True)
    conversations = fields.Integer(required=True)


class Receipt(Out):
    """Whether a member has received a message, and has read it."""

    user = fields.Nested(Person, required=True)
    delivered = fields.Boolean(required=True)
    read = fields.Boolean(required=True)


class ReceiptPage(Out):
    """How many active members but the author have received and read a message, and a page of them."""

    people = fields.Integer(required=True)
    delivered = fields.Integer(required=True)
    read = fields.Integer(required=True)
    data = fields.List(fields.Nested(Receipt), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class BlockState(Out):
    """Whether the caller has blocked the user."""

    blocked = fields.Boolean(required=True)


class MessageQuery(Query):
    """Query of messages: the newest, unless before, after or around is given."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    before = query_number("Only messages before the one with this number.")
    after = query_number("Only messages after the one with this number.")
    around = query_number("The message with this number, and messages before and after it.")

    @validates_schema
    def require_one(self, data: dict[str, object], **more: object) -> None:
        """Allow only one of before, after and around."""
        if len(data.keys() & {"before", "after", "around"}) > 1:
            raise ValidationError("Send one of before, after and around.")


class ReceiptQuery(PageQuery):
    """Query of the receipts of a message."""

    n = fields.Integer(
        required=True,
        validate=validate.Range(1, MAX_NUMBER),
        metadata={"description": "The number of the message."},
    )


class SearchMessagesQuery(PageQuery):
    """Query of a search in the caller's messages."""

    q = Text(
        shows=False,
        least=1,
        most=200,
        required=True,
        metadata={"description": 'Words; "a phrase"; or; -without. No text is an error.'},
    )
    conversation = fields.UUID(
        metadata={"description": "Only in this conversation; absent: in all of yours."}
    )


class History(Out):
    """Messages in the order of their numbers, with what is left of deleted ones."""

    data = fields.List(fields.Nested(Message), required=True)
    hasOlder = fields.Boolean(required=True)
    hasNewer = fields.Boolean(required=True)
    epoch = fields.String(required=True, allow_none=True)
    seq = fields.Integer(
        required=True,
        metadata={
            "description": "Subscribe to conversation:{id} with `seq` and `epoch`, so that you miss no frame."
        },
    )


ConversationPage = page_of(Conversation)
ConversationMemberPage = page_of(ConversationMember)
FoundMessagePage = page_of(FoundMessage)
