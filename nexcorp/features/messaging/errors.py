"""What can go wrong between people who write to each other."""

from __future__ import annotations

from nexcorp.errors import AppError, Conflict, Forbidden, NotFound, PermissionRequired


class ConversationNotFound(NotFound):
    """There is no such conversation, or the caller is not in it."""

    code, message = "conversation_not_found", "There is no such conversation."
    meaning = "The conversation does not exist, or you are not in it."


class MessageNotFound(NotFound):
    """There is no such message in a conversation of the caller's, or it was deleted."""

    code, message = "message_not_found", "There is no such message."
    meaning = "The message does not exist, was deleted, or is in a conversation that you are not in."


class NotInConversation(NotFound):
    """The person is not in the conversation."""

    code, message = "not_in_conversation", "This person is not in the conversation."
    meaning = "The person is not in the conversation."


class Blocked(Forbidden):
    """One of two people has blocked the other."""

    code, message = "blocked", "One of you has blocked the other, so you cannot write to each other."
    meaning = "One of you has blocked the other."


class NotYourMessage(Forbidden):
    """The message is another person's."""

    code, message = "not_your_message", "Only the author may do this."
    meaning = "Only its author may change a message; owners of a group may delete it."


class NotYourConversation(Forbidden):
    """The caller is no owner of the group."""

    code, message = "not_your_conversation", "Only the group's owners may do this."
    meaning = "Only owners of the group may do this."


class RecipientGone(Conflict):
    """The other one of a direct conversation has left, or is deactivated."""

    code, message = "recipient_gone", "This person is not here any more."
    meaning = "The other person of a direct conversation has left, or is deactivated."


class DirectConversation(Conflict):
    """A conversation of two people stays one."""

    code, message = "direct_conversation", "A direct conversation has no title, and always the same people."
    meaning = "This is possible with groups alone."


class OwnerNeeded(Conflict):
    """The group would be left without an owner."""

    code, message = "owner_needed", "A group needs an owner: make somebody else one first."
    meaning = "The group would be left without an owner."


class ConversationFull(Conflict):
    """The group has as many members as there may be."""

    code, message = "conversation_full", "A conversation has at most 5,000 members."
    meaning = "The conversation has 5,000 members."


class MessageIdTaken(Conflict):
    """Another message has the id that the client chose."""

    code, message = "message_id_taken", "Another message has this id: choose a new one."
    meaning = "The id is that of another message."


class TooManyReactions(Conflict):
    """The message has as many different emoji as there may be."""

    code, message = "too_many_reactions", "A message takes at most 20 different emoji."
    meaning = "The message has 20 different emoji."


# What refuse_writing() of sql/schema/messaging.sql says -> the error.
REFUSALS: dict[str, type[AppError]] = {kind.code: kind for kind in (Blocked, RecipientGone)}


def check_refusal(refusal: str | None) -> None:
    """Raises Blocked or RecipientGone for what refuse_writing() says; nothing for None."""
    if refusal is not None:
        raise REFUSALS[refusal]()


# What telling that one types may be answered with beyond what every command may be.
TYPING_ERRORS = (ConversationNotFound, Blocked, RecipientGone, PermissionRequired)
