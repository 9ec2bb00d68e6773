"""Who may ask a language model, and what every route with a question can be answered."""

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
