"""Errors of conversations and messages."""

from __future__ import annotations

from nexcorp.errors import AppError, Conflict, Forbidden, NotFound, PermissionRequired


class ConversationNotFound(NotFound):
    """The conversation does not exist, or the caller is not in it."""

    code, message = "conversation_not_found", "There is no such conversation."
    meaning = "The conversation does not exist, or you are not in it."


class MessageNotFound(NotFound):
    """The message does not exist, was deleted, or is in a conversation that the caller is not in."""

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
    """Another person wrote the message."""

    code, message = "not_your_message", "Only the author may do this."
    meaning = "Only the author may change a message; owners of the group may delete it, too."


class NotYourConversation(Forbidden):
    """The caller is not an owner of the group."""

    code, message = "not_your_conversation", "Only the group's owners may do this."
    meaning = "Only owners of the group may do this."


class RecipientGone(Conflict):
    """The other person of a direct conversation has left, or is deactivated."""

    code, message = "recipient_gone", "This person is not here any more."
    meaning = "The other person of a direct conversation has left, or is deactivated."


class DirectConversation(Conflict):
    """Only groups can be changed like this, not direct conversations."""

    code, message = "direct_conversation", "A direct conversation has no title, and always the same people."
    meaning = "Only groups allow this."


class OwnerNeeded(Conflict):
    """The group would be left without an owner."""

    code, message = "owner_needed", "A group needs an owner: make somebody else one first."
    meaning = "The group would be left without an owner."


class ConversationFull(Conflict):
    """The group has the most members allowed."""

    code, message = "conversation_full", "A conversation has at most 5,000 members."
    meaning = "The conversation has 5,000 members."


class MessageIdTaken(Conflict):
    """Another message has the id that the client chose."""

    code, message = "message_id_taken", "Another message has this id: choose a new one."
    meaning = "Another message has this id."


class TooManyReactions(Conflict):
    """The message has the most different emoji allowed."""

    code, message = "too_many_reactions", "A message takes at most 20 different emoji."
    meaning = "The message has 20 different emoji."


# The errors for the codes that refuse_writing() of sql/schema/messaging.sql returns.
REFUSALS: dict[str, type[AppError]] = {kind.code: kind for kind in (Blocked, RecipientGone)}


def check_refusal(refusal: str | None) -> None:
    """Raise Blocked or RecipientGone for a code of refuse_writing(); None passes."""
    if refusal is not None:
        raise REFUSALS[refusal]()


# Errors of the command `typing`, beyond those of every command.
TYPING_ERRORS = (ConversationNotFound, Blocked, RecipientGone, PermissionRequired)
