"""Schemas of requests and answers: their parent classes, and fields of text that PostgreSQL can hold."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from nexcorp.errors import Invalid

# Version columns are PostgreSQL integers.
MAX_INTEGER = 2**31 - 1
MAX_PASSWORD_CHARS = 128
# Words in place of an id.
ME, NOBODY = "me", "none"
# No schema has this many fields; an object with more is refused as a whole.
MAX_KEYS = 100


# Letters and signs that are drawn as nothing: fillers, the empty Braille pattern, a null notehead, joiners of
# graphemes, inherent vowels of Khmer, and variation selectors.
BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159"
) | frozenset(chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
# Without unassigned characters: Unicode gets new emoji each year.
INVISIBLE = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def is_visible(text: str) -> bool:
    """Return whether any character of a text is visible."""
    return any(unicodedata.category(char) not in INVISIBLE and char not in BLANK for char in text)


class Text(fields.String):
    """A string of `least` to `most` characters without NUL, which PostgreSQL cannot hold; trimmed by default.

    A trimmed text is empty or, with `shows`, has a visible character; joiners within it stay.
    `checks` run only on texts that are not too long.
    """

    def __init__(
        self, *, least: int = 0, most: int, trim: bool = True, shows: bool = True, **more: Any
    ) -> None:
        self.trim, self.length = trim, validate.Length(min=least, max=most)
        self.shows = trim and shows
        super().__init__(validate=[self.length, *more.pop("checks", ())], **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if "\x00" in text:
            raise ValidationError("Holds a NUL character.")
        text = text.strip() if self.trim else text
        if self.length.max is not None and len(text) > self.length.max:
            self.length(text)
        if self.shows and text and not is_visible(text):
            raise ValidationError("Shows nothing.")
        return text


class Items(fields.List[Any]):
    """A list of `least` to `most` items of the field `inner`; the items of a longer list are not checked."""

    def __init__(self, inner: fields.Field[Any], *, least: int = 0, most: int, **more: Any) -> None:
        self.length = validate.Length(min=least or None, max=most)
        super().__init__(inner, validate=[self.length, *more.pop("checks", ())], **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, list):
            self.length(value)
        return super()._deserialize(value, attr, data, **more)


class Entries(fields.Dict):
    """An object whose members have any names; the members of an object with too many are not checked."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, dict) and len(value) > MAX_KEYS:
            raise ValidationError(f"Has more than {MAX_KEYS} fields.")
        return super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]


class Flag(fields.Boolean):
    """true or false in JSON; other values that marshmallow would accept, as 0 or "no", are refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class IdOrWord(fields.Field[Any]):
    """An id, or one of `words`. NOBODY becomes the id of all zeros; ME stays a word."""

    def __init__(self, *words: str, about: str, **more: Any) -> None:
        self.words = words
        super().__init__(metadata={"type": "string", "description": about}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        word = value.lower() if isinstance(value, str) else value
        if word in self.words:
            return UUID(int=0) if word == NOBODY else word
        return fields.UUID().deserialize(value)


class Later(fields.AwareDateTime):
    """A time with its zone, in the future and at most `years` away; loaded in UTC."""

    def __init__(self, *, years: int, **more: Any) -> None:
        self.years = years
        super().__init__(format="iso", **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **more)
        # Check before converting: a time too far away has no place in UTC.
        if not timedelta() < moment - datetime.now(UTC) <= self.years * timedelta(days=366):
            far = "a year" if self.years == 1 else f"{self.years} years"
            raise ValidationError(f"Wants a time in the future, at most {far} away.")
        return moment.astimezone(UTC)


class Name(fields.String):
    """A name that features define; `of` is a group of nexcorp.manifest.Product.names.

    The documents list the known names. Answers may hold others, of an older or newer release; the handler,
    who knows the product, checks those of requests.
    """

    def __init__(self, of: str, **more: Any) -> None:
        self.of = of
        super().__init__(**more)


class Strict(Schema):
    """Parent of request schemas: an unknown field is an error that names it."""

    class Meta:
        unknown = RAISE

    @pre_load
    def check_count(self, data: Any, **more: Any) -> Any:
        """Refuse an object with far too many fields as a whole."""
        if isinstance(data, dict) and len(data) > MAX_KEYS:
            raise ValidationError(f"Has more than {MAX_KEYS} fields.")
        return data


class Body(Strict):
    """Parent of bodies that may come as JSON or as a form."""


class ProvenBody(Body):
    """Parent of bodies of routes that need a fresh proof: the password may be sent along."""

    currentPassword = Text(
        least=1,
        most=MAX_PASSWORD_CHARS,
        trim=False,
        metadata={
            "format": "password",
            "description": "Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider.",
        },
    )


class Query(Strict):
    """Parent of query strings: strict, so that a typing error is noticed.

    A parameter that takes one of a few words accepts either case; in a body it does not.
    """

    @pre_load
    def fold_words(self, data: Any, **more: Any) -> Any:
        """Lower the words in a query: `?kind=TASK` is `?kind=task`."""
        if not isinstance(data, dict) or self.words.isdisjoint(data):
            return data
        return {
            name: value.lower() if name in self.words and isinstance(value, str) else value
            for name, value in data.items()
        }

    @cached_property
    def words(self) -> frozenset[str]:
        """The names of the parameters that take one of a few words."""
        return frozenset(
            field.data_key or name
            for name, field in self.load_fields.items()
            if any(isinstance(check, validate.OneOf) for check in field.validators)
        )


class Out(Schema):
    """Parent of answers. It is used for the documents and by tests; rows are not run through it."""


class PatchBody(Body):
    """Parent of PATCH bodies: `version`, if sent, must be the current one."""

    version = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_INTEGER),
        metadata={"description": "The version the change is based on; a stale one is 409."},
    )


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """Flatten marshmallow's nested messages to one level: {"profile.firstName": ["Not a valid string."]}.

    `_schema` is the body as a whole.
    """
    if isinstance(messages, list):
        return {prefix or "_schema": [str(message) for message in messages]}
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        found.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return found


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Check `data` against `schema`; raises Invalid naming each field that is wrong."""
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise Invalid(errors=flatten(error.messages)) from None
    return loaded
