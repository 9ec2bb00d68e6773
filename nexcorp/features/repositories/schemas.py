"""Schemas of linked repositories: requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from nexcorp.domain.fields import Body, Out, Text
from nexcorp.domain.repositories import REASONS
from nexcorp.domain.shapes import Person, page_of
from nexcorp.integrations.outbound import MAX_URL_CHARS
from nexcorp.web.paging import PageQuery

STATUSES = ("pending", "syncing", "synced", "failed")


def interval_field(**more: Any) -> fields.Integer:
    """Make the field of the seconds between two syncs."""
    return fields.Integer(
        validate=validate.Range(300, 86400),
        metadata={"description": "Seconds between two regular syncs; hooks and people can request more."},
        **more,
    )


class LinkRepository(Body):
    """The repository to link, and the branch to follow."""

    url = Text(
        least=1,
        most=MAX_URL_CHARS,
        required=True,
        metadata={"description": "https alone, without a user or a password."},
    )
    branch = Text(
        least=1,
        most=250,
        allow_none=True,
        load_default=None,
        metadata={"description": "The branch to follow; null: the HEAD of the remote."},
    )
    token = Text(
        least=1,
        most=1000,
        allow_none=True,
        metadata={
            "description": "The token to read a private repository with; never shown. Absent: the "
            "present one stays, for the same address; null: it is deleted."
        },
    )
    interval = interval_field(load_default=900)


class Repository(Out):
    """A linked repository."""

    id = fields.UUID(required=True)
    projectId = fields.UUID(required=True)
    url = fields.String(required=True)
    branch = fields.String(required=True, allow_none=True)
    defaultBranch = fields.String(
        required=True, allow_none=True, metadata={"description": "The branch that the last sync followed."}
    )
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(list(REASONS)),
        metadata={"description": "Why the last sync failed."},
    )
    message = fields.String(
        required=True, allow_none=True, metadata={"description": "The reason in words, for people."}
    )
    movedTo = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The address to which the host redirected the last sync, if it is on the same "
            "host. It is not followed: link it if it is the one you mean."
        },
    )
    head = fields.String(required=True, allow_none=True, metadata={"description": "The newest commit."})
    commitCount = fields.Integer(required=True)
    hasToken = fields.Boolean(required=True)
    interval = interval_field(required=True)
    failingSince = fields.AwareDateTime(required=True, allow_none=True)
    lastSyncedAt = fields.AwareDateTime(required=True, allow_none=True)
    nextSyncAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={
            "description": "When the next regular sync is due; null: only on request, since the "
            "token was refused five times."
        },
    )
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)


class LinkedRepository(Repository):
    """A repository with the secret of its hook, which is shown once."""

    hookSecret = fields.String(
        metadata={
            "description": "Present if new: the secret that signs requests to "
            "`/hooks/repositories/{id}`, as GitHub, GitLab and Gitea do."
        }
    )


class Branch(Out):
    """A branch of the remote."""

    name = fields.String(required=True)
    head = fields.String(required=True)
    followed = fields.Boolean(
        required=True, metadata={"description": "Whether it is the branch whose commits are listed."}
    )


class Branches(Out):
    """All branches as of the last sync, by name."""

    data = fields.List(fields.Nested(Branch), required=True)


class Commit(Out):
    """A commit."""

    sha = fields.String(required=True)
    parents = fields.List(fields.String(), required=True)
    authorName = fields.String(required=True)
    authorEmail = fields.String(required=True)
    user = fields.Nested(
        Person,
        required=True,
        allow_none=True,
        metadata={"description": "The user whose verified address `authorEmail` is."},
    )
    authoredAt = fields.AwareDateTime(required=True)
    committedAt = fields.AwareDateTime(required=True)
    subject = fields.String(required=True)
    body = fields.String(
        required=True, metadata={"description": "The body of the message, up to 4,000 characters."}
    )
    goneAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the branch does not lead to this commit, after a forced push."},
    )


class CommitQuery(PageQuery):
    """Filters of commits."""

    author = Text(
        least=1,
        most=200,
        shows=False,
        metadata={"description": "A part of the author's name, or the whole e-mail address."},
    )
    q = Text(
        least=1,
        most=200,
        shows=False,
        metadata={"description": "Only commits with this text in the message."},
    )
    since = fields.AwareDateTime(metadata={"description": "Only commits written at this time or later."})


CommitPage = page_of(Commit)
