"""Errors of uploads."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound


class UploadNotFound(NotFound):
    """The upload does not exist, or the viewer may not see it."""

    code, message = "upload_not_found", "There is no such upload."
    meaning = "The upload does not exist, or the viewer may not see it."


class MediaNotFound(NotFound):
    """The local store does not have this file, or its upload was removed."""

    code, message = "media_not_found", "There is no such file."
    meaning = "The file does not exist, or was removed."


class NotYourUpload(Forbidden):
    """The viewer sees the upload, but is not its owner."""

    code, message = "not_your_upload", "Only the owner may remove an upload."
    meaning = "Only the owner of the upload may do this."


class UploadInUse(Conflict):
    """The upload is the profile picture of its owner."""

    code, message = "upload_in_use", "This is your profile picture: choose another one, or none, first."
    meaning = "The upload is the picture of its owner's profile."


class UploadSent(Conflict):
    """The upload was sent in a message, and is deleted with that."""

    code, message = "upload_sent", "This file was sent in a message: delete the message instead."
    meaning = "The upload was sent in a message, and is only deleted together with it."


class AlreadyConfirmed(Conflict):
    """The upload with this `publicId` was confirmed before, or is gone."""

    code, message = "already_confirmed", "This upload was confirmed before, or is gone."
    meaning = "The upload was confirmed before, or is gone."
