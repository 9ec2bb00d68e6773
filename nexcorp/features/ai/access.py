"""Access rules of the chat routes, and the errors that routes with a question share."""

from nexcorp.errors import NotConfigured
from nexcorp.features.ai.errors import (
    AnswerInProgress,
    ChatNotFound,
    ContextTooLarge,
    TokenLimit,
    TooManyAnswers,
)
from nexcorp.security.access import allow

TAG = "Assistant"
USE = allow("ai:use")
OWN = allow("ai:use", whose="the owner of the chat only")
CHAT_ERRORS = (ChatNotFound, AnswerInProgress, TokenLimit, TooManyAnswers)
QUESTION_ERRORS = (ContextTooLarge, NotConfigured)
