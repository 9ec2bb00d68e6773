"""Schemas of what comes in and goes out: their parents, and text that PostgreSQL can hold."""

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
# In place of an id.
ME, NOBODY = "me", "none"
# No schema has as many; beyond that they are not looked at one by one.
MAX_KEYS = 100


# Letters and signs that are drawn as nothing: fillers, the empty Braille pattern, a null notehead, joiners of
# graphemes, inherent vowels of Khmer, and selectors of variants.
BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159"
) | frozenset(chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
# Unassigned ones are not among them: Unicode gets new emoji each year.
INVISIBLE = ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen."""
    return any(unicodedata.category(char) not in INVISIBLE and char not in BLANK for char in text)


class Text(fields.String):
    """A string PostgreSQL can hold (no NUL) of `least` to `most` characters, trimmed unless told not to.

    A trimmed one is empty or, with `shows`, shows something; joiners within it stay.
    `checks` see only what is not too long.
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
    """A list of `least` to `most` items of the field `inner`; one that is too long is not looked into."""

    def __init__(self, inner: fields.Field[Any], *, least: int = 0, most: int, **more: Any) -> None:
        self.length = validate.Length(min=least or None, max=most)
        super().__init__(inner, validate=[self.length, *more.pop("checks", ())], **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, list):
            self.length(value)
        return super()._deserialize(value, attr, data, **more)


class Entries(fields.Dict):
    """An object whose members have any names; one with too many is not looked into."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, dict) and len(value) > MAX_KEYS:
            raise ValidationError(f"Has more than {MAX_KEYS} fields.")
        return super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]


class Flag(fields.Boolean):
    """true or false in JSON, and nothing that Python would take for one of them, as 0 or "no"."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class IdOrWord(fields.Field[Any]):
    """An id, or one of `words`. NOBODY becomes the id of all zeros; ME stays as it is."""

    def __init__(self, *words: str, about: str, **more: Any) -> None:
        self.words = words
        super().__init__(metadata={"type": "string", "description": about}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        word = value.lower() if isinstance(value, str) else value
        if word in self.words:
            return UUID(int=0) if word == NOBODY else word
        return fields.UUID().deserialize(value)


class Later(fields.AwareDateTime):
    """A time with its zone, in the future and at most `years` away, which becomes one in UTC."""

    def __init__(self, *, years: int, **more: Any) -> None:
        self.years = years
        super().__init__(format="iso", **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **more)
        # Whether it has a place in UTC is seen before it is given one.
        if not timedelta() < moment - datetime.now(UTC) <= self.years * timedelta(days=366):
            far = "a year" if self.years == 1 else f"{self.years} years"
            raise ValidationError(f"Wants a time in the future, at most {far} away.")
        return moment.astimezone(UTC)


class Name(fields.String):
    """Names one of what features bring; `of` is a group of nexcorp.manifest.Product.names.

    The documents list those there are. What goes out may be another one, of an older or newer release; what
    comes in is checked by the handler, who knows the product.
    """

    def __init__(self, of: str, **more: Any) -> None:
        self.of = of
        super().__init__(**more)


class Strict(Schema):
    """Parent of what comes in: an unknown field is an error that names it."""

    class Meta:
        unknown = RAISE

    @pre_load
    def check_count(self, data: Any, **more: Any) -> Any:
        """Refuse an object of far too many fields as a whole."""
        if isinstance(data, dict) and len(data) > MAX_KEYS:
            raise ValidationError(f"Has more than {MAX_KEYS} fields.")
        return data


class Body(Strict):
    """Parent of what may come in as JSON or as a form."""


class ProvenBody(Body):
    """Parent of bodies of what wants a fresh proof: the password may come along."""

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
    """Parent of what may come in a query string: strict, so that a typing error shows.

    One word out of a few may be written in either case; in a body it may not.
    """

    @pre_load
    def fold_words(self, data: Any, **more: Any) -> Any:
        """`?kind=TASK` is `?kind=task`."""
        if not isinstance(data, dict) or self.words.isdisjoint(data):
            return data
        return {
            name: value.lower() if name in self.words and isinstance(value, str) else value
            for name, value in data.items()
        }

    @cached_property
    def words(self) -> frozenset[str]:
        """The names of parameters that are one word out of a few."""
        return frozenset(
            field.data_key or name
            for name, field in self.load_fields.items()
            if any(isinstance(check, validate.OneOf) for check in field.validators)
        )


class Out(Schema):
    """Parent of what goes out. It documents and is asserted in tests; rows are not run through it."""


class PatchBody(Body):
    """Parent of PATCH bodies: `version`, where sent, must be the current one."""

    version = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_INTEGER),
        metadata={"description": "The version the change is based on; a stale one is 409."},
    )


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as one level: {"profile.firstName": ["Not a valid string."]}.

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
