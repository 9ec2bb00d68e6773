"""The rules of files: who may see and change them, and which events tell of changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.domain.projects import MANAGE, WRITERS, require_role
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import FileNotFound, Invalid, NotYourProject, on_constraint
from nexcorp.features.files.errors import FolderNotFound, FolderTooLarge, PathTaken, TooManyFilesInProject
from nexcorp.security.caller import Caller

MAX_FILES = 10_000
MAX_IN_FOLDER = 5_000
EVERY_ROLE = ("owner", "editor", "viewer", "reader")
NO_FILE = UUID(int=0)


def viewer_of(caller: Caller | None) -> dict[str, Any]:
    """Return the arguments that name the viewer to statements; `viewer_id` is None if nobody is signed in."""
    return {
        "viewer_id": caller.id if caller is not None else None,
        "manages": caller is not None and caller.may(MANAGE),
    }


async def require_reader(conn: Any, caller: Caller | None, project_id: UUID) -> None:
    """Raise ProjectNotFound if the caller may not read the project."""
    viewer: Any = viewer_of(caller)
    await require_role(conn, project_id, viewer["viewer_id"], viewer["manages"], EVERY_ROLE)


async def require_writer(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Raise ProjectNotFound or NotYourProject unless the caller may write in the project."""
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), WRITERS)


async def get_file(conn: Any, caller: Caller | None, file_id: UUID) -> Any:
    """Return a file that the caller may see; raises FileNotFound."""
    file = await sql.files.get_file(conn, file_id=file_id, **viewer_of(caller))
    if file is None:
        raise FileNotFound()
    return file


def check_writes(role: str) -> None:
    """Raise NotYourProject unless this role may write."""
    if role not in WRITERS:
        raise NotYourProject(message="Only owners and editors of the project may do this.")


async def lock_file(conn: Any, caller: Caller, file_id: UUID) -> Any:
    """Lock and return a file that the caller may change; raises FileNotFound, NotYourProject."""
    await sql.file_versions.lock_file(conn, file_id=file_id)
    file = await get_file(conn, caller, file_id)
    check_writes(file["_role"])
    return file


@contextmanager
def named_paths() -> Iterator[None]:
    """Turn violated constraints of paths into PathTaken or Invalid."""
    refused = Invalid(errors={"path": ["Cannot be a path."]})
    with (
        on_constraint("files_path_key", PathTaken()),
        on_constraint("files_path_form", refused),
        on_constraint("files_path_length", Invalid(errors={"path": ["Longer than 512 bytes."]})),
    ):
        yield


async def take_path(conn: Any, project_id: UUID, path: str, but_id: UUID = NO_FILE) -> None:
    """Reserve a path until the transaction ends, `but_id` being the file itself; raises PathTaken."""
    await sql.files.lock_paths(conn, project_id=project_id)
    obstacle = await sql.files.find_obstacle(conn, project_id=project_id, path=path, but_id=but_id)
    if obstacle is not None:
        raise PathTaken(message=f"This is in the way: {obstacle}")


async def tell(conn: Any, event: str, actor_id: UUID, file: Any, **payload: Any) -> None:
    """Emit an event of a file."""
    project_id = file["projectId"]
    await emit(
        conn,
        event,
        actor_id=actor_id,
        entity=("file", file["id"]),
        payload={"projectId": project_id, **payload},
        root=project_id,
    )


async def check_room(conn: Any, project_id: UUID) -> None:
    """Raise TooManyFilesInProject if the project has MAX_FILES files."""
    if await sql.files.count_files(conn, project_id=project_id) >= MAX_FILES:
        raise TooManyFilesInProject()


async def update_file(
    conn: Any, caller: Caller, file_id: UUID, data: dict[str, Any], versions: Versions | None, by_etag: bool
) -> Any:
    """Rename or move a file, or change its type; returns it.

    Raises FileNotFound, NotYourProject, PathTaken, and StaleVersion or PreconditionFailed.
    """
    # Paths are locked before files.
    seen = await get_file(conn, caller, file_id)
    check_writes(seen["_role"])
    if "path" in data:
        await take_path(conn, seen["projectId"], data["path"], file_id)
    file = await lock_file(conn, caller, file_id)
    check_version(file, versions, by_etag=by_etag)
    changes = {name: value for name, value in data.items() if value != file[name]}
    if not changes:
        return file
    with named_paths():
        await sql.files.update_file(
            conn, file_id=file_id, path=changes.get("path"), type=changes.get("type"), eol=None
        )
    changed = sorted(changes)
    await tell(conn, "file.updated", caller.id, file, version=file["version"] + 1, changed=changed)
    return await get_file(conn, caller, file_id)


async def delete_file(conn: Any, caller: Caller, file_id: UUID, versions: Versions | None) -> None:
    """Put a file into the trash, and disconnect its editors. Raises FileNotFound, NotYourProject,
    PreconditionFailed."""
    file = await lock_file(conn, caller, file_id)
    check_version(file, versions)
    await sql.files.trash_file(conn, file_id=file_id, user_id=caller.id)
    await tell(conn, "file.deleted", caller.id, file, version=file["version"] + 1)
    conn.after(Revoke(projects=(file["projectId"],)))


async def restore_file(conn: Any, caller: Caller, file_id: UUID) -> Any:
    """Take a file out of the trash; returns it. Raises FileNotFound, NotYourProject, PathTaken."""
    asked = {"file_id": file_id, **viewer_of(caller)}
    trashed = await sql.files.get_trashed(conn, **asked)
    if trashed is None:
        raise FileNotFound()
    check_writes(trashed["role"])
    await take_path(conn, trashed["project_id"], trashed["path"])
    await sql.file_versions.lock_file(conn, file_id=file_id)
    if await sql.files.get_trashed(conn, **asked) is None:
        raise FileNotFound()
    with named_paths():
        await sql.files.restore_file(conn, file_id=file_id)
    file = await get_file(conn, caller, file_id)
    await tell(conn, "file.restored", caller.id, file, version=file["version"])
    return file


async def lock_folder(conn: Any, caller: Caller, project_id: UUID, folder: str) -> list[UUID]:
    """Lock the files of a folder and return their ids; raises ProjectNotFound, NotYourProject,
    FolderNotFound, FolderTooLarge."""
    await require_writer(conn, caller, project_id)
    await sql.files.lock_paths(conn, project_id=project_id)
    rows = await sql.files.lock_folder(
        conn, project_id=project_id, folder=f"{folder}/", most=MAX_IN_FOLDER + 1
    )
    if not rows:
        raise FolderNotFound()
    if len(rows) > MAX_IN_FOLDER:
        raise FolderTooLarge()
    return [row["id"] for row in rows]


async def tell_folder(conn: Any, event: str, caller: Caller, project_id: UUID, ids: list[UUID]) -> None:
    """Emit one event of all files of a folder."""
    await emit(
        conn,
        event,
        actor_id=caller.id,
        entity=("project", project_id),
        payload={"projectId": project_id, "fileIds": ids},
    )


async def move_folder(conn: Any, caller: Caller, project_id: UUID, folder: str, target: str) -> int:
    """Move all files of a folder into another one; returns how many. Raises as lock_folder(), PathTaken, and
    Invalid if a path gets too long or the target is within the folder."""
    if f"{target.lower()}/".startswith(f"{folder.lower()}/") and target.lower() != folder.lower():
        raise Invalid(errors={"to": ["Is within the folder."]})
    ids = await lock_folder(conn, caller, project_id, folder)
    moved: dict[str, Any] = {"ids": ids, "size": len(folder) + 1, "folder": f"{target}/"}
    obstacle = await sql.files.find_folder_obstacle(conn, project_id=project_id, **moved)
    if obstacle is not None:
        raise PathTaken(message=f"This is in the way: {obstacle}")
    with named_paths():
        if folder.lower().startswith(f"{target.lower()}/"):
            await sql.files.lift_files(conn, ids=ids)
        await sql.files.move_files(conn, **moved)
    await tell_folder(conn, "folder.moved", caller, project_id, ids)
    return len(ids)


async def delete_folder(conn: Any, caller: Caller, project_id: UUID, folder: str) -> int:
    """Put all files of a folder into the trash; returns how many. Raises as lock_folder()."""
    ids = await lock_folder(conn, caller, project_id, folder)
    await sql.files.trash_files(conn, ids=ids, user_id=caller.id)
    await tell_folder(conn, "folder.deleted", caller, project_id, ids)
    conn.after(Revoke(projects=(project_id,)))
    return len(ids)


async def empty_trash(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Empty the trash of a project for good; only owners may. Raises ProjectNotFound, NotYourProject."""
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), ("owner",))
    count = await sql.files.empty_trash(conn, project_id=project_id)
    if count:
        payload = {"projectId": project_id, "files": count}
        await emit(conn, "files.purged", actor_id=caller.id, entity=("project", project_id), payload=payload)
