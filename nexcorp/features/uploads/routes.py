"""Uploads over REST, and the files themselves at /media."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.attachments import (
    Kept,
    QuotaExceeded,
    TooManyFiles,
    TooManyUploads,
    UploadExpired,
    fit_name,
    keep_files,
    take_back,
)
from nexcorp.errors import Invalid, NotConfigured, PayloadTooLarge, RangeNotSatisfiable, StorageUnavailable
from nexcorp.features.uploads import service
from nexcorp.features.uploads.errors import (
    AlreadyConfirmed,
    MediaNotFound,
    NotYourUpload,
    UploadInUse,
    UploadNotFound,
    UploadSent,
)
from nexcorp.features.uploads.media import MediaResponse, choose_range
from nexcorp.features.uploads.schemas import (
    ConfirmUpload,
    CreateUpload,
    SignUpload,
    UpdateUpload,
    Upload,
    UploadSignature,
)
from nexcorp.integrations.storage import limit_of
from nexcorp.integrations.storage.contents import MAX_IMAGE_BYTES, Contents
from nexcorp.integrations.storage.images import MAX_PIXELS
from nexcorp.security.access import PUBLIC, allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.forms import File, Form, clean_name
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import API_PREFIX, Route, delete, get, patch, post
from nexcorp.web.storage import STORAGE
from nexcorp.web.transactions import persist, replay_answered, transaction

MEDIA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=31536000, immutable",
    # Whatever the file is, it runs nothing and loads nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    # Pages of other origins may show it, like files at Cloudinary.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def create_upload(request: web.Request, body: dict[str, Any], files: list[File]) -> web.Response:
    if not files:
        raise Invalid(errors={"file": ["Missing."]})
    await replay_answered(request)
    me = user_id(request)
    # The store first: the transaction must not be open while files are transferred.
    async with keep_files(request.app[STORAGE], database(request), me, files, body.get("alt") or None) as (
        kept,
    ):

        async def show() -> web.Response:
            async with transaction(request) as tx:
                row = await service.finish_upload(tx.conn, me, kept)
                return await tx.reply(row, 201, location=f"{API_PREFIX}/uploads/{row['id']}")

        return await persist(request, show)


async def get_upload(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(await service.get_upload(conn, path_id(request), caller(request)))


async def update_upload(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row, shown_on = await service.describe_upload(
            tx.conn, path_id(request), caller(request), body["alt"] or None
        )
        for shown in (row, shown_on):
            if shown is not None:
                await tx.renew(shown)
        return await tx.reply(row)


async def delete_upload(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        shown_on = await service.delete_upload(tx.conn, path_id(request), caller(request))
        if shown_on is not None:
            # The stored answer of the post or task must not contain the file either.
            await tx.renew(shown_on)
        return no_content()


def require_cloud(request: web.Request) -> Any:
    """Return the Cloudinary store; raise NotConfigured."""
    store = request.app[STORAGE].stores.get("cloudinary")
    if store is None:
        raise NotConfigured(message="CLOUDINARY_URL is not set: send files to POST /uploads.")
    return store


async def sign_upload(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Reserve an upload before signing: an image that is never confirmed is removed like any other."""
    store, image = require_cloud(request), Contents("image/*", "", 1, 1, 1)
    async with transaction(request) as tx:
        key = store.make_key(image)
        name = clean_name(body["name"])
        storage, me = request.app[STORAGE], user_id(request)
        upload_id = await service.reserve_direct(tx.conn, storage, me, key, name, body["bytes"])
        return await tx.reply({"id": upload_id, **store.sign(key)}, 201)


async def confirm_upload(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Confirm an image: Cloudinary's signature proves that it arrived, its API says what it is."""
    store, me, key = require_cloud(request), user_id(request), body["publicId"]
    await replay_answered(request)
    async with database(request).connection() as conn:
        waiting = await service.get_waiting(conn, me, key)
    if not store.verify(key, body["version"], body["signature"]):
        raise Invalid(errors={"signature": ["Is not Cloudinary's for this upload."]})
    found = await store.find(key)
    if found is None:
        raise Invalid(errors={"publicId": ["Cloudinary has no such image."]})
    contents = found.contents
    if contents.bytes > MAX_IMAGE_BYTES or contents.width * contents.height > MAX_PIXELS:
        await take_back(database(request), [waiting["id"]])
        raise PayloadTooLarge(message="The image is too large.", errors={"publicId": ["Is too large."]})
    async with transaction(request) as tx:
        await sql.uploads.confirm_upload(
            tx.conn,
            upload_id=waiting["id"],
            name=fit_name(waiting["name"], contents),
            type=contents.type,
            bytes=contents.bytes,
            width=contents.width,
            height=contents.height,
            alt=body.get("alt") or None,
        )
        # Of two concurrent requests, the second one raises AlreadyConfirmed here.
        await service.get_waiting(tx.conn, me, key)
        row = await service.finish_upload(tx.conn, me, Kept(waiting["id"], found.placed))
        return await tx.reply(row, 201, location=f"{API_PREFIX}/uploads/{row['id']}")


async def get_media(request: web.Request) -> web.StreamResponse:
    """Return a file of the local store, with ranges. Its key is enough for access; a removed file is 404."""
    store = request.app[STORAGE].stores["local"]
    key = request.match_info["key"]
    original = store.original_of(key)
    if original is None:
        raise MediaNotFound()
    async with database(request).connection() as conn:
        row = await sql.uploads.get_media(conn, store_key=original)
    path = store.path_of(key)
    try:
        stat = path.stat()
    except OSError:
        row = None
    if row is None:
        raise MediaNotFound()
    wanted = choose_range(request, stat)
    media_type, name = row["type"], row["name"]
    if key != original:
        media_type, name = "image/webp", f"{name}.webp"
    # Old texts have no charset stored, and are UTF-8.
    charset = "utf-8" if row["charset"] is None else row["charset"]
    if media_type.startswith("text/") and charset:
        media_type += f"; charset={charset}"
    way = "inline" if media_type.startswith("image/") else "attachment"
    headers = {
        **MEDIA_HEADERS,
        "Content-Type": media_type,
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(name, safe='')}",
    }
    return MediaResponse(path, wanted, headers)


TAG = "Social"
WRITE = allow("upload:create")
ROUTES = [
    post(
        "/uploads",
        create_upload,
        "Upload a file",
        Upload(),
        form=Form(most_files=1, limit=limit_of),
        body=CreateUpload(),
        errors=(TooManyUploads,),
        access=WRITE,
        tag=TAG,
        description="An image (PNG, JPEG, GIF, WebP, HEIC, AVIF) of up to 10 MB and 52 megapixels; a "
        "PDF, text, office document, zip archive or MP4 of up to 25 MB. Photos and films lose their "
        "location and camera data, unless the service keeps it. An upload that is not attached "
        "within 24 hours is removed, except your profile picture; at most 100 may wait. "
        "`thumbnailUrl` is null until a worker has made it.",
    ),
    post(
        "/uploads/signature",
        sign_upload,
        "Allow a browser to send an image to Cloudinary",
        UploadSignature(),
        body=SignUpload(),
        errors=(TooManyUploads, QuotaExceeded, TooManyFiles, NotConfigured),
        access=WRITE,
        tag=TAG,
    ),
    post(
        "/uploads/confirm",
        confirm_upload,
        "Confirm an image that was sent to Cloudinary",
        Upload(),
        body=ConfirmUpload(),
        errors=(AlreadyConfirmed, UploadExpired, StorageUnavailable, NotConfigured),
        access=WRITE,
        tag=TAG,
    ),
    get(
        "/uploads/{id}",
        get_upload,
        "One upload",
        Upload(),
        errors=(UploadNotFound,),
        access=allow("post:read", whose="the owner, and everybody who may see its post, task or message"),
        tag=TAG,
    ),
    patch(
        "/uploads/{id}",
        update_upload,
        "Describe what your picture shows",
        Upload(),
        body=UpdateUpload(),
        errors=(UploadNotFound, NotYourUpload),
        access=allow("upload:create", whose="the owner only"),
        tag=TAG,
    ),
    delete(
        "/uploads/{id}",
        delete_upload,
        "Remove your upload, also from its post or task",
        errors=(UploadNotFound, NotYourUpload, UploadInUse, UploadSent),
        access=allow("upload:create", whose="the owner only"),
        tag=TAG,
    ),
    Route(
        "GET",
        "/media/{key}",
        get_media,
        "A file",
        PUBLIC,
        TAG,
        returns={200: None, 206: None, 304: None, 412: None},
        errors=(MediaNotFound, RangeNotSatisfiable),
        prefix="",
        content_type="*/*",
        description="The target of an upload's `url` and `thumbnailUrl`, unless Cloudinary has the file. "
        "Accepts `Range` and `If-Range`; a request for several parts gets the whole file. A 412 has "
        "no body.",
    ),
]
