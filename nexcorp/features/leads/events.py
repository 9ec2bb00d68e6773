"""Events of leads: who is notified, and which frames the room `leads` gets."""

from __future__ import annotations

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Entity, Event, EventType, Frame, Notice, NoticeType
from nexcorp.realtime.shapes import ID, WHOLE, FrameDoc, refer, shape

ROOM = "leads"


def created_frames(event: Event) -> list[Frame]:
    """Return the frames of a new lead."""
    return [Frame(ROOM, "lead:created", event.entity)]


def updated_frames(event: Event) -> list[Frame]:
    """Return the frames that show a changed lead as it is now."""
    return [Frame(ROOM, "lead:updated", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """Return the frames of a deleted lead: its id, and if it was merged the id of the surviving lead."""
    data = {"id": str(event.entity_id)}
    if "intoId" in event.payload:
        data["mergedInto"] = event.payload["intoId"]
    return [Frame(ROOM, "lead:deleted", event.entity, data, members=())]


def imported_frames(event: Event) -> list[Frame]:
    """Return the frames of an import: clients that show leads fetch them again."""
    data = {"importId": str(event.entity_id), "count": event.payload["count"]}
    return [Frame(ROOM, "lead:imported", event.entity, data, members=())]


def list_readers(event: Event) -> Audience:
    """Return the users who may read leads at the time of the notification."""
    return Audience(sql.leads.list_readers_after)


def group_all(event: Event) -> Entity | None:
    """Return the same for all events: notifications of new leads form one group."""
    return None


CHANGED = EventType(frames=updated_frames, public=True)
EVENTS: dict[str, EventType] = {
    "lead.created": EventType(
        (
            Notice(
                "lead_created",
                "{actor} added a lead",
                receivers=list_readers,
                why="permission",
                group=group_all,
            ),
        ),
        created_frames,
        public=True,
    ),
    "lead.score_updated": EventType(
        (
            Notice(
                "score_updated",
                "{actor} changed the score of a lead",
                receivers=list_readers,
                message="{excerpt}: {from} -> {to}",
                params=("from", "to"),
                why="permission",
            ),
        ),
        updated_frames,
        public=True,
    ),
    "lead.updated": CHANGED,
    "lead.moved": CHANGED,
    "lead.assigned": CHANGED,
    "lead.absorbed": CHANGED,
    "lead.merged": EventType(frames=deleted_frames, public=True),
    "lead.deleted": EventType(frames=deleted_frames, public=True),
    "lead.imported": EventType(
        (
            Notice(
                "import_done",
                "Your import is done",
                variant="leads",
                message="{count:lead was|leads were} made or changed.",
                params=("count",),
                receivers=lambda event: [event.actor_id],
                tells_actor=True,
            ),
            Notice(
                "lead_created",
                "{actor} imported {created:lead|leads}",
                variant="imported",
                message="",
                params=("created",),
                receivers=lambda event: list_readers(event) if event.payload["created"] else (),
                why="permission",
                entity=lambda event: None,
                group=group_all,
            ),
        ),
        imported_frames,
        public=True,
    ),
    "lead.interaction_created": CHANGED,
    "lead.interaction_updated": CHANGED,
    "lead.interaction_deleted": CHANGED,
}

NOTICE_TYPES = (NoticeType("lead_created", groupable=True), NoticeType("score_updated", groupable=True))

FRAMES = {
    "lead:created": FrameDoc("In leads: a new lead.", refer("Lead")),
    "lead:updated": FrameDoc(
        "In leads: the whole lead as it is now; with an unchanged version if an interaction with it was "
        "added, changed or deleted.",
        refer("Lead"),
    ),
    "lead:deleted": FrameDoc(
        "In leads: the lead was deleted, or merged into another one, which the frame names. Among missed "
        "frames it also replaces earlier frames of the lead.",
        shape({"id": ID}, mergedInto=ID),
    ),
    "lead:imported": FrameDoc(
        "In leads: an import made or changed this many leads, which have no frames of their own: fetch "
        "the list again.",
        shape({"importId": ID, "count": WHOLE}),
    ),
}
