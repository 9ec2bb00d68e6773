"""Errors of tasks."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound


class NotYourTask(Forbidden):
    """The caller sees the task, but may not do this; the message says who may."""

    code = "not_your_task"
    message = "Only the creator, the assignee and editors of the project may change a task."
    meaning = "The caller may see the task, but may not do this; the message says who may."


class HasSubtasks(Conflict):
    """The task has subtasks, so it cannot move to another project or become a subtask."""

    code = "has_subtasks"
    message = "The task has subtasks: it cannot move to another project, or become a subtask."
    meaning = "The task has subtasks, so it cannot move to another project or become a subtask."


class LinkCycle(Conflict):
    """With the link, a task would wait for itself, or for its own parent or subtask."""

    code = "link_cycle"
    message = "With this link a task would wait for itself, or for a part of itself."
    meaning = "A task would wait for itself, through one or more links, or for its own parent or subtask."


class TooManyLinks(Conflict):
    """The task has the greatest number of links."""

    code, message = "too_many_links", "The task is linked with 50 others already: remove a link first."
    meaning = "A task may be linked with at most 50 others."


class TooManyWatchers(Conflict):
    """The task has the greatest number of watchers."""

    code, message = "too_many_watchers", "The task is watched by 200 people already."
    meaning = "At most 200 people watch a task."


class ProjectDeleted(Conflict):
    """The task cannot be restored, because its project is in the trash."""

    code, message = "project_deleted", "The project of the task is deleted; restore that first."
    meaning = "The project of the task is deleted; restore that first."


class NotInTrash(Conflict):
    """The task is not in the trash, so it cannot be purged."""

    code, message = "not_in_trash", "Delete the task first: only what is in the trash can be purged."
    meaning = "The task is not in the trash."


class LabelNotFound(NotFound):
    """The label does not exist, or the viewer may not see its project."""

    code, message = "label_not_found", "There is no such label."
    meaning = "The label does not exist, or the viewer may not see its project."


class NotYourLabel(Forbidden):
    """The caller may not change the labels of the project, or of tasks without one."""

    code = "not_your_label"
    message = "Only owners and editors of the project, and holders of task:manage may do this."
    meaning = "Labels are changed by owners and editors of their project, and by holders of `task:manage`."


class LabelTaken(Conflict):
    """The project has a label of this name."""

    code, message = "label_taken", "There is a label with this name already."
    meaning = "A label with this name exists already (case does not count)."


class TooManyLabels(Conflict):
    """The project has the greatest number of labels."""

    code, message = "too_many_labels", "There are 200 labels already: delete one first."
    meaning = "A project, and tasks of no project, have at most 200 labels."


class ItemNotFound(NotFound):
    """The task has no such item on its checklist."""

    code, message = "item_not_found", "There is no such item."
    meaning = "The task's checklist has no item with this id."


class TooManyItems(Conflict):
    """The checklist is full."""

    code, message = "too_many_items", "The checklist has 100 items already: delete one first."
    meaning = "A checklist has at most 100 items."


class ViewNotFound(NotFound):
    """The saved view does not exist, or is neither the viewer's own nor shared with them."""

    code, message = "view_not_found", "There is no such view."
    meaning = "The saved view does not exist, or is neither your own nor shared with you."


class NotYourView(Forbidden):
    """The view is another user's, who shares it with the caller."""

    code, message = "not_your_view", "Only the owner may change a view."
    meaning = "The view is shared with you; only its owner may change it."


class TooManyViews(Conflict):
    """The caller has the greatest number of views."""

    code, message = "too_many_views", "You have 100 views already: delete one first."
    meaning = "A person has at most 100 saved views."


class ImportNotFound(NotFound):
    """The import does not exist, is over 7 days old, or is another user's."""

    code, message = "import_not_found", "There is no such import."
    meaning = "The import does not exist, is over 7 days old, or belongs to another user."
