"""Errors of chats."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound, PayloadTooLarge, TooManyRequests


class ChatNotFound(NotFound):
    """The chat does not exist, or belongs to another user."""

    code, message = "chat_not_found", "There is no such chat."
    meaning = "The chat does not exist, or belongs to another user."


class ChatMessageNotFound(NotFound):
    """The message does not exist in this chat."""

    code, message = "chat_message_not_found", "There is no such message in this chat."
    meaning = "The chat has no message with this id, or the message is a question where an answer is needed."


class AnswerInProgress(Conflict):
    """The chat's last question is still being answered."""

    code, message = "answer_in_progress", "Wait for the answer, or cancel it."
    meaning = "The chat is still answering another question."


class ContextTooLarge(PayloadTooLarge):
    """The question and the chosen files are longer than the model's context."""

    code, message = "context_too_large", "The question and the chosen files are too long: choose fewer."
    meaning = "The question and the chosen files together are too long for the language model."


class TokenLimit(TooManyRequests):
    """The user has spent today's tokens."""

    code, message = "token_limit", "You have asked as much as you may today."
    meaning = "You have used all your tokens for today, in UTC (`AI_TOKENS_A_DAY`)."


class TooManyAnswers(TooManyRequests):
    """Too many of the user's questions are being answered at once."""

    code, message = "too_many_answers", "Too many of your questions are open: wait for an answer."
    meaning = "Too many of your questions are being answered at once."
