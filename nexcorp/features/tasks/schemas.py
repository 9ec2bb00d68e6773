"""Schemas of tasks: requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.attachments import upload_ids
from nexcorp.domain.fields import ME, NOBODY, Body, IdOrWord, Items, Out, PatchBody, Query, Text
from nexcorp.domain.shapes import Attachment, Person
from nexcorp.features.tasks.due import Day, check_year, due_date
from nexcorp.web.paging import DEFAULT_LIMIT, MAX_LIMIT, PageQuery

KINDS = ("task", "issue")
STATUSES = ("todo", "in_progress", "review", "done", "cancelled")
CLOSED = ("done", "cancelled")
# The table stores them as numbers from 1.
PRIORITIES = ("low", "medium", "high", "urgent")
FREQUENCIES = ("daily", "weekly", "monthly")
MAX_LABELS = 20
# The depth limit of numbered pages, and the greatest exact total.
MAX_TOTAL = 10_000


def one_of(known: tuple[str, ...], **more: Any) -> fields.String:
    """Make a field that takes one of these words."""
    return fields.String(validate=validate.OneOf(known), **more)


def check_once(ids: list[object]) -> None:
    """Raise ValidationError for a label that is named twice."""
    if len(set(ids)) < len(ids):
        raise ValidationError("Names a label twice.")


def label_ids(**more: Any) -> Items:
    """Make the field of all labels of a task."""
    return Items(
        fields.UUID(),
        most=MAX_LABELS,
        checks=[check_once],
        metadata={
            "description": "All labels of the task from now on: labels of its project, or labels "
            "without a project if it has none."
        },
        **more,
    )


class Repeat(Body):
    """The interval of a repeated task; when it is done, the next one is made."""

    frequency = one_of(FREQUENCIES, required=True)
    every = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 99))
    until = Day(
        load_default=None,
        allow_none=True,
        validate=check_year,
        metadata={"description": "The last day on which a repetition may be due."},
    )
    timezone = Text(
        least=1,
        most=64,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The time zone of the due time, as `Europe/Berlin`: the time stays the same "
            "there when clocks change. Yours by default."
        },
    )


class CreateTask(Body):
    """A new task."""

    title = Text(least=1, most=200, required=True)
    description = Text(least=1, most=20_000, load_default=None, allow_none=True)
    kind = one_of(KINDS, load_default="task")
    status = one_of(STATUSES, load_default="todo")
    priority = one_of(PRIORITIES, load_default="medium")
    assigneeId = fields.UUID(load_default=None, allow_none=True)
    projectId = fields.UUID(load_default=None, allow_none=True)
    leadId = fields.UUID(load_default=None, allow_none=True, metadata={"description": "Needs `lead:read`."})
    parentId = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "A task of the same project that is not a subtask itself."},
    )
    dueDate = due_date(load_default=None)
    labelIds = label_ids(load_default=list)
    uploadIds = upload_ids("Your uploads that are not attached yet, in order.")
    repeat = fields.Nested(
        Repeat, load_default=None, allow_none=True, metadata={"description": "Needs a dueDate."}
    )


class Place(Body):
    """The neighbour in the column before or after which the task moves."""

    before = fields.UUID()
    after = fields.UUID()

    @validates_schema
    def require_one(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError unless there is one neighbour; two could contradict each other."""
        if len(data) != 1:
            raise ValidationError("Send before or after.")


class UpdateTask(PatchBody):
    """Fields to change; null clears an optional field."""

    title = Text(least=1, most=200)
    description = Text(least=1, most=20_000, allow_none=True)
    kind = one_of(KINDS)
    status = one_of(STATUSES)
    priority = one_of(PRIORITIES)
    assigneeId = fields.UUID(allow_none=True)
    projectId = fields.UUID(
        allow_none=True,
        metadata={
            "description": "Moving to another project gives the task a new number, and removes its "
            "labels and parent."
        },
    )
    leadId = fields.UUID(allow_none=True, metadata={"description": "Needs `lead:read`."})
    parentId = fields.UUID(allow_none=True)
    dueDate = due_date()
    labelIds = label_ids()
    uploadIds = upload_ids("All uploads of the task from now on, in order; those left out are removed.")
    repeat = fields.Nested(
        Repeat,
        allow_none=True,
        metadata={"description": "Starts a new series with this task; null ends the series."},
    )
    place = fields.Nested(
        Place(),
        metadata={
            "description": "The new place in the task's column, or in the column of `status` if that is sent."
        },
    )

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send what is to change.")


class AssignTask(Body):
    """The new assignee; null for nobody."""

    userId = fields.UUID(required=True, allow_none=True)


class TaskLabel(Out):
    """A label as a task shows it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    color = fields.String(required=True)


class Label(TaskLabel):
    """A label in a list of labels."""

    projectId = fields.UUID(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


class Steps(Out):
    """The number of steps or subtasks, and the number of those that are done."""

    total = fields.Integer(required=True)
    done = fields.Integer(required=True)


class RepeatOut(Out):
    """How often a task comes again."""

    frequency = one_of(FREQUENCIES, required=True)
    every = fields.Integer(required=True)
    until = fields.Date(required=True, allow_none=True)
    timezone = fields.String(required=True)


class TaskItem(Out):
    """The fields of a task that are the same everywhere."""

    id = fields.UUID(required=True)
    number = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The task's number in its project."}
    )
    kind = one_of(KINDS, required=True)
    title = fields.String(required=True)
    status = one_of(STATUSES, required=True)
    priority = one_of(PRIORITIES, required=True)
    creator = fields.Nested(Person, required=True)
    assignee = fields.Nested(Person, required=True, allow_none=True)
    projectId = fields.UUID(required=True, allow_none=True)
    leadId = fields.UUID(required=True, allow_none=True)
    parentId = fields.UUID(required=True, allow_none=True)
    rank = fields.Integer(
        required=True,
        metadata={
            "format": "int64",
            "description": "The order in the column, ascending; tasks with equal ranks by id.",
        },
    )
    dueDate = fields.String(
        required=True, allow_none=True, metadata={"description": "The due date as given: a day, or a time."}
    )
    dueAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "The due date as a moment; for a day, its last second."},
    )
    dueAllDay = fields.Boolean(required=True)
    startedAt = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the task was first in progress."}
    )
    completedAt = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the task was done; null if it is not."}
    )
    labels = fields.List(fields.Nested(TaskLabel), required=True)
    blocked = fields.Boolean(
        required=True, metadata={"description": "Whether a task that blocks this one is still open."}
    )
    checklist = fields.Nested(Steps, required=True)
    subtasks = fields.Nested(Steps, required=True)
    commentCount = fields.Integer(required=True)
    repeat = fields.Nested(
        RepeatOut,
        required=True,
        allow_none=True,
        metadata={"description": "How the task repeats; null if it does not, or no longer."},
    )
    seriesId = fields.UUID(required=True, allow_none=True)
    occurrence = fields.Integer(required=True, allow_none=True)
    externalRef = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class Task(TaskItem):
    """A task as one viewer sees it."""

    description = fields.String(required=True, allow_none=True)
    uploads = fields.List(fields.Nested(Attachment), required=True)
    watching = fields.Boolean(required=True, metadata={"description": "Whether you watch the task."})


class RoomTask(TaskItem):
    """A task in the frames of a room."""

    description = fields.String(
        allow_none=True, metadata={"description": "Absent in user:{id}, whose readers may lack `task:read`."}
    )
    uploads = fields.List(
        fields.Nested(Attachment), metadata={"description": "Absent in user:{id}, like `description`."}
    )
    changed = fields.List(fields.String(), metadata={"description": "The names of the changed fields."})


SORTS = ("created", "updated", "due", "priority")


class OneOrMore(Text):
    """One or several of the known words, comma-separated; repeats are dropped."""

    def __init__(self, known: tuple[str, ...], **more: Any) -> None:
        self.known = known
        listed = ", ".join(f"`{word}`" for word in known)
        about = f"One or several of {listed}, comma-separated."
        super().__init__(most=100, metadata={"description": about}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        words = super()._deserialize(value, attr, data, **more).lower().split(",")
        if not set(words) <= set(self.known):
            raise ValidationError(f"Must be of: {', '.join(self.known)}.")
        return list(dict.fromkeys(words))


class TaskFilters(Query):
    """Filters and order of tasks, which a saved view keeps."""

    status = OneOrMore(STATUSES)
    priority = OneOrMore(PRIORITIES)
    kind = one_of(KINDS)
    assignee = IdOrWord(NOBODY, ME, about="A user, `me`, or `none`: unassigned tasks.")
    creator = IdOrWord(ME, about="A user, or `me`.")
    project = IdOrWord(NOBODY, about="A project, or `none`: tasks without a project.")
    label = fields.UUID()
    parent = fields.UUID(metadata={"description": "Only the subtasks of this task."})
    blocked = fields.Boolean()
    due = one_of(
        ("overdue", "today", "week"),
        metadata={
            "description": "Only open tasks. `overdue`: past their date; `today`: due today; `week`: due "
            "within seven days from today, by your clock."
        },
    )
    q = Text(
        least=1, most=200, shows=False, metadata={"description": "Only tasks with this text in the title."}
    )
    sort = one_of(
        SORTS,
        load_default="created",
        metadata={
            "description": "`created`: newest first; `updated`: last changed first; `due`: earliest due "
            "date first, tasks without one last; `priority`: most urgent first, newest first among "
            "equals."
        },
    )


class TaskQuery(TaskFilters, PageQuery):
    """Filters of tasks, and a page: by `cursor` and `limit`, or by `page` and `pageSize`."""

    page = fields.Integer(
        validate=validate.Range(1, MAX_TOTAL),
        metadata={"description": "The number of the page, from 1; the answer then has `total`."},
    )
    pageSize = fields.Integer(validate=validate.Range(1, MAX_LIMIT))

    @validates_schema(pass_original=True)
    def refuse_mixture(self, data: dict[str, Any], original: dict[str, Any], **more: object) -> None:
        """Raise ValidationError for a page both by number and by cursor, and for one that is too deep."""
        if ("page" in data or "pageSize" in data) and {"cursor", "limit"} & original.keys():
            raise ValidationError("Send cursor and limit, or page and pageSize.", "page")
        if data.get("page", 1) * data.get("pageSize", DEFAULT_LIMIT) > MAX_TOTAL:
            raise ValidationError(f"Pages go no deeper than {MAX_TOTAL} tasks; a cursor does.", "page")


class TaskList(Out):
    """A list of tasks."""

    data = fields.List(fields.Nested(Task), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    total = fields.Integer(metadata={"description": "Only if you ask for a page by its number."})
    totalCapped = fields.Boolean(metadata={"description": "Whether there are more tasks than `total` says."})
