"""What can go wrong with uploads."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound


class UploadNotFound(NotFound):
    """There is no such upload, not any more, or not for this viewer."""

    code, message = "upload_not_found", "There is no such upload."
    meaning = "There is no such upload, or not for the viewer."


class MediaNotFound(NotFound):
    """The local store has no such file, or its upload is removed."""

    code, message = "media_not_found", "There is no such file."
    meaning = "There is no such file, or not any more."


class NotYourUpload(Forbidden):
    """The upload is on a post that the viewer may see, and is somebody else's."""

    code, message = "not_your_upload", "Only its owner may remove an upload."
    meaning = "Only its owner may do this."


class AlreadyConfirmed(Conflict):
    """Nothing waits under this `publicId` any more."""

    code, message = "already_confirmed", "This upload was confirmed before, or is gone."
    meaning = "The upload was confirmed before, or is gone."
