"""Events of tasks: the notifications and frames that follow from them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import SILENT, Audience, Entity, Event, EventType, Frame, Notice, NoticeType
from nexcorp.realtime.shapes import ID, TEXT, WHOLE, FrameDoc, refer, shape

# Changes that people are notified of; the rooms see all others, too.
TOLD = frozenset(
    {"title", "description", "kind", "status", "priority", "assigneeId", "projectId", "parentId", "dueDate"}
)


def name_people(event: Event) -> list[str]:
    """Return the rooms of creator, assignee, previous assignee and watchers."""
    payload = event.payload
    names = ("creatorId", "assigneeId", "previousAssigneeId")
    ids = [*(payload.get(name) for name in names), *payload.get("watcherIds", ())]
    return [f"user:{user_id}" for user_id in dict.fromkeys(ids) if user_id is not None]


def name_project(event: Event) -> list[str]:
    """Return the room of the task's project, if it has one."""
    project_id = event.payload.get("projectId")
    return [f"project:{project_id}"] if project_id is not None else []


def parent_frames(event: Event) -> list[Frame]:
    """Frames with the subtask counts of the task's parent, and of its previous parent."""
    payload = event.payload
    project = payload.get("projectId")
    parents = {
        payload.get("previousParentId"): payload.get("previousProjectId", project),
        payload.get("parentId"): project,
    }
    return [
        Frame(room, "task:updated", ("task", UUID(parent)), {"changed": ["subtasks"]})
        for parent, of_project in parents.items()
        if parent is not None
        for room in (f"task:{parent}", *([f"project:{of_project}"] if of_project is not None else []))
    ]


def gone_frame(room: str, task_id: UUID, reason: str) -> Frame:
    """A frame that removes a task from a room."""
    return Frame(room, "task:deleted", ("task", task_id), {"id": str(task_id), "reason": reason}, members=())


def shown_frames(event: Event, name: str) -> list[Frame]:
    """Frames with the task as it is now, for its own room, its project's, and those of the people concerned;
    its previous project's room gets one that removes it."""
    data: dict[str, Any] = {"changed": event.payload.get("changed", [])}
    rooms = [f"task:{event.entity_id}", *name_project(event), *name_people(event)]
    frames = [Frame(room, name, event.entity, data) for room in rooms]
    previous = event.payload.get("previousProjectId")
    if previous is not None:
        frames.append(gone_frame(f"project:{previous}", event.entity_id, "moved"))
    return frames + parent_frames(event)


def created_frames(event: Event) -> list[Frame]:
    """Frames with a new task, or one that was restored from the trash."""
    return shown_frames(event, "task:created")


def updated_frames(event: Event) -> list[Frame]:
    """Frames with a changed task."""
    return shown_frames(event, "task:updated")


def assigned_frames(event: Event) -> list[Frame]:
    """Frames with a task that has another assignee."""
    return shown_frames(event, "task:assigned")


def deleted_frames(event: Event) -> list[Frame]:
    """Frames that remove a task that was moved to the trash."""
    rooms = [f"task:{event.entity_id}", *name_project(event), *name_people(event)]
    return [gone_frame(room, event.entity_id, "deleted") for room in rooms] + parent_frames(event)


def reordered_frames(event: Event) -> list[Frame]:
    """A frame with new ranks of the tasks of a column, whose order is unchanged."""
    data = {"projectId": str(event.entity_id), **event.payload}
    return [Frame(f"project:{event.entity_id}", "task:reordered", event.entity, data, members=())]


def imported_frames(event: Event) -> list[Frame]:
    """Frames saying that an import made or changed many tasks: clients that show them fetch them again."""
    data = {"importId": str(event.entity_id), "count": event.payload["count"]}
    payload = event.payload
    rooms = [f"project:{one}" for one in payload["projectIds"]]
    rooms += [f"user:{one}" for one in payload.get("userIds", ())]
    return [Frame(room, "task:imported", event.entity, data, members=()) for room in rooms]


def label_frames(event: Event) -> list[Frame]:
    """A frame with a label for the room of its project; none for a label without a project."""
    project_id = event.payload.get("projectId")
    if project_id is None:
        return []
    name = event.type.replace(".", ":")
    data = {"id": str(event.entity_id), "projectId": project_id}
    members = () if event.type == "label.deleted" else None
    return [Frame(f"project:{project_id}", name, event.entity, data, members=members)]


def list_concerned(event: Event) -> Audience:
    """Return creator, assignee and watchers who can see the task, read when they are notified."""
    return Audience(sql.tasks.list_concerned_after, task_id=event.entity_id)


def is_told(event: Event) -> bool:
    """Return whether people are notified of the change."""
    return not TOLD.isdisjoint(event.payload.get("changed", ()))


def is_completed(event: Event) -> bool:
    """Return whether the change completed the task."""
    return event.payload.get("to") == "done"


def is_moved(event: Event) -> bool:
    """Return whether only the status changed."""
    return list(event.payload.get("changed", ())) == ["status"]


ASSIGNED = Notice(
    "task_assigned",
    "{actor} assigned a task to you",
    receivers=lambda event: [event.get_id("assigneeId")],
    why="assignee",
)


def lead_to_task(event: Event) -> Entity:
    """Return the first of several tasks."""
    return "task", UUID(event.payload["taskId"])


def list_given(event: Event, *, several: bool) -> list[UUID | None]:
    """Return the assignee if an import gave them several tasks, or with `several=False` only one."""
    return [event.get_id("assigneeId")] if (event.payload["count"] > 1) is several else []


EVENTS: dict[str, EventType] = {
    "task.created": EventType((ASSIGNED,), created_frames, public=True),
    "task.assigned": EventType(
        (
            ASSIGNED,
            Notice(
                "task_updated",
                "{actor} assigned a task",
                variant="assigned",
                receivers=list_concerned,
                why="watcher",
            ),
        ),
        assigned_frames,
        public=True,
    ),
    # Its parent, lead or assignee was removed.
    "task.released": EventType(frames=updated_frames, public=True),
    "task.updated": EventType(
        (
            Notice(
                "task_completed",
                "{actor} completed a task",
                receivers=lambda event: list_concerned(event) if is_completed(event) else (),
                why="watcher",
            ),
            Notice(
                "task_updated",
                "{actor} moved a task",
                variant="moved",
                message="{excerpt}: {from} -> {to}",
                params=("from", "to"),
                receivers=lambda event: (
                    list_concerned(event) if is_moved(event) and not is_completed(event) else ()
                ),
                why="watcher",
            ),
            Notice(
                "task_updated",
                "{actor} changed a task",
                receivers=lambda event: (
                    list_concerned(event)
                    if is_told(event) and not is_moved(event) and not is_completed(event)
                    else ()
                ),
                why="watcher",
            ),
        ),
        updated_frames,
        public=True,
    ),
    "task.blocked": EventType(frames=updated_frames),
    "task.unblocked": EventType(
        (
            Notice(
                "task_updated",
                "A task is not blocked any more",
                variant="unblocked",
                receivers=lambda event: list_concerned(event) if event.payload.get("isClosed") else (),
                why="watcher",
            ),
        ),
        updated_frames,
    ),
    "task.linked": EventType(frames=updated_frames, public=True),
    "task.unlinked": EventType(frames=updated_frames, public=True),
    "task.deleted": EventType(frames=deleted_frames, public=True),
    "task.purged": EventType(public=True),
    "view.created": SILENT,
    "view.updated": SILENT,
    "view.deleted": SILENT,
    "label.created": EventType(frames=label_frames),
    "label.updated": EventType(frames=label_frames),
    "label.deleted": EventType(frames=label_frames),
    "task.reordered": EventType(frames=reordered_frames),
    "task.imported": EventType(
        (
            Notice(
                "import_done",
                "Your import is done",
                message="{count:task was|tasks were} made or changed.",
                params=("count",),
                receivers=lambda event: [event.actor_id],
                tells_actor=True,
            ),
        ),
        imported_frames,
        public=True,
    ),
    "task.imported_for": EventType(
        (
            Notice(
                "task_assigned",
                "{actor} assigned {count} tasks to you",
                variant="imported",
                params=("count",),
                receivers=lambda event: list_given(event, several=True),
                why="assignee",
                entity=lead_to_task,
            ),
            Notice(
                "task_assigned",
                "{actor} assigned a task to you",
                variant="imported_one",
                receivers=lambda event: list_given(event, several=False),
                why="assignee",
                entity=lead_to_task,
            ),
        )
    ),
    "task.restored": EventType(frames=created_frames, public=True),
}

NOTICE_TYPES = (
    NoticeType("task_assigned"),
    NoticeType("task_updated", groupable=True),
    NoticeType("task_completed"),
    NoticeType("import_done"),
)

WHERE = (
    "In task:{id}, project:{id} of its project, and user:{id} of its creator, its present and "
    "previous assignee, and its watchers"
)
FRAMES = {
    "task:created": FrameDoc(f"{WHERE}: a new task, or one back from the trash.", refer("RoomTask")),
    "task:updated": FrameDoc(
        f"{WHERE}: the task as it is now, and `changed`, the names of the changed fields.",
        refer("RoomTask"),
    ),
    "task:assigned": FrameDoc(f"{WHERE}: the task has another assignee.", refer("RoomTask")),
    "task:deleted": FrameDoc(
        f"{WHERE}: the task went into the trash (`deleted`), or can no longer be seen in this room, or by "
        "you (`moved`). Among missed frames it also replaces earlier frames of the task.",
        shape({"id": ID, "reason": TEXT}),
    ),
    "label:created": FrameDoc("In project:{id}: a new label.", refer("Label")),
    "label:updated": FrameDoc(
        "In project:{id}: the label as it is now, also on all tasks that have it.", refer("Label")
    ),
    "label:deleted": FrameDoc(
        "In project:{id}: the label was deleted, also from all tasks.", shape({"id": ID})
    ),
    "task:imported": FrameDoc(
        "In project:{id}, and user:{id} of creators and of present and previous assignees: an import "
        "made or changed this many tasks, which have no frames of their own: fetch them again.",
        shape({"importId": ID, "count": WHOLE}),
    ),
    "task:reordered": FrameDoc(
        "In project:{id}: new `ranks`, by id, of tasks of one column that were spread to make room for "
        "another task. Their order is the same.",
        shape({"projectId": ID, "status": TEXT, "ranks": {"type": "object"}}),
    ),
}
