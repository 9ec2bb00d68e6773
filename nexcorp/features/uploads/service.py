"""The rules of single uploads. Those that posts need as well are in nexcorp/domain/attachments.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.attachments import Kept, Storage, check_loose, check_room, finish_uploads
from nexcorp.domain.posts import show_post, tell_of_uploads
from nexcorp.domain.tasks import show_task
from nexcorp.errors import Invalid
from nexcorp.features.uploads.errors import (
    AlreadyConfirmed,
    NotYourUpload,
    UploadInUse,
    UploadNotFound,
    UploadSent,
)
from nexcorp.security.caller import Caller


async def get_upload(conn: Any, upload_id: UUID, caller: Caller) -> Any:
    """Return an upload that the caller may see; raise UploadNotFound."""
    row = await sql.uploads.get_upload(
        conn,
        upload_id=upload_id,
        viewer_id=caller.id,
        reads_tasks=caller.may("task:read"),
        sees_all=caller.may("task:manage"),
        reads_messages=caller.may("message:read"),
    )
    if row is None:
        raise UploadNotFound()
    return row


async def finish_upload(conn: Any, user_id: UUID, kept: Kept) -> Any:
    """Publish an upload that is in the store; return its row."""
    (row,) = await finish_uploads(conn, [kept])
    await tell_of_uploads(conn, user_id, [row])
    return row


async def lock_own(conn: Any, upload_id: UUID, caller: Caller) -> Any:
    """Lock an upload of the caller, and the post or task that it is on, until the commit; return it.

    Raises UploadNotFound or NotYourUpload.
    """
    row = await get_upload(conn, upload_id, caller)
    while True:
        if row["_ownerId"] != caller.id:
            raise NotYourUpload()
        where = row["_postId"], row["_taskId"]
        # Lock the post or task first, in the same order as other transactions.
        if row["_postId"] is not None:
            await sql.posts.lock_for_removal(conn, post_id=row["_postId"])
        elif row["_taskId"] is not None:
            await sql.tasks.lock_for_removal(conn, task_id=row["_taskId"])
        else:
            return row
        # Before the lock, the upload may have been detached or moved.
        row = await get_upload(conn, upload_id, caller)
        if (row["_postId"], row["_taskId"]) == where:
            return row


async def show_change(conn: Any, upload: Any, user_id: UUID) -> Any:
    """Show the changed post or task of an upload to everybody who sees it; return it, or None without one."""
    if upload["_taskId"] is not None:
        await sql.tasks.touch_task(conn, task_id=upload["_taskId"])
        return await show_task(conn, upload["_taskId"], user_id, actor_id=user_id, changed=["uploads"])
    if upload["_postId"] is None:
        return None
    await sql.posts.touch_post(conn, post_id=upload["_postId"])
    return await show_post(conn, "post.updated", upload["_postId"], user_id, actor_id=user_id)


async def describe_upload(conn: Any, upload_id: UUID, caller: Caller, alt: str | None) -> tuple[Any, Any]:
    """Set the description of a picture of the caller; return its row, and the post or task that shows it, or
    None.

    Raises UploadNotFound or NotYourUpload.
    """
    before = await lock_own(conn, upload_id, caller)
    await sql.uploads.describe_upload(conn, upload_id=upload_id, alt=alt)
    await emit(
        conn, "upload.updated", actor_id=caller.id, entity=("upload", upload_id), payload={"fields": ["alt"]}
    )
    row = await get_upload(conn, upload_id, caller)
    return row, await show_change(conn, before, caller.id)


async def delete_upload(conn: Any, upload_id: UUID, caller: Caller) -> Any:
    """Remove an upload of the caller, also from its post or task, which is shown changed to everybody.

    Returns the post or task as it is now, or None. Raises UploadNotFound, NotYourUpload, UploadInUse or
    UploadSent.
    """
    while True:
        row = await lock_own(conn, upload_id, caller)
        if row["_isAvatar"]:
            raise UploadInUse()
        if row["_isSent"]:
            raise UploadSent()
        post_id, task_id = row["_postId"], row["_taskId"]
        if await sql.uploads.remove_upload(conn, upload_id=upload_id, post_id=post_id, task_id=task_id):
            break
        # The upload was attached or detached meanwhile: try again.
    payload = {"postId": post_id, "taskId": task_id}
    await emit(conn, "upload.deleted", actor_id=caller.id, entity=("upload", upload_id), payload=payload)
    return await show_change(conn, row, caller.id)


async def reserve_direct(
    conn: Any, storage: Storage, user_id: UUID, key: str, name: str, announced: int
) -> UUID:
    """Reserve an upload for an image that the user sends to Cloudinary; return its id.

    Raises TooManyUploads, QuotaExceeded or TooManyFiles.
    """
    await check_loose(conn, user_id)
    await check_room(conn, storage, user_id, [announced])
    upload_id: UUID = await sql.uploads.reserve_upload(
        conn,
        owner_id=user_id,
        store="cloudinary",
        store_key=key,
        name=name,
        # A placeholder until Cloudinary tells the type.
        type="image/*",
        bytes=announced,
        width=None,
        height=None,
        charset=None,
        alt=None,
    )
    return upload_id


async def get_waiting(conn: Any, user_id: UUID, key: str) -> Any:
    """Return the upload that was signed for this user with this key, and is not confirmed yet.

    Raises Invalid if none was signed, and AlreadyConfirmed if it was confirmed or removed since.
    """
    row = await sql.uploads.get_reservation(conn, owner_id=user_id, store_key=key)
    if row is None:
        raise Invalid(errors={"publicId": ["Was not signed for you."]})
    if not row["waiting"]:
        raise AlreadyConfirmed()
    return row
