"""The same as hot.py for work: projects, tasks and what hangs on them."""

from __future__ import annotations

BIG_WORK = {"tasks", "task_documents", "task_labels", "task_watchers", "checklist_items", "task_links"}
# How a task is shown.
ITEM = {
    "tasks_pkey",
    "users_pkey",
    "task_labels_pkey",
    "checklist_items_task_idx",
    "tasks_parent_id_idx",
    "comments_task_id_idx",
    "uploads_task_id_idx",
}
NARROW = {"tasks_assignee_idx", "tasks_creator_idx", "tasks_parent_id_idx", "task_labels_label_idx"}
SOURCES = {"tasks_assignee_idx", "tasks_creator_idx", "project_members_user_idx"}
HOT_WORK: dict[str, set[str]] = {
    "checklists.list_items": {"checklist_items_task_idx"},
    "comments.create_task_comment": {"tasks_pkey", "comments_task_id_idx", "users_pkey"},
    "comments.delete_task_comment": {"comments_pkey", "comments_parent_id_idx", "tasks_pkey"},
    "comments.get_concerned": {"tasks_pkey"},
    "comments.list_mentioned": {"users_username_key", "tasks_pkey"},
    "comments.list_newest_task_comments": {"comments_task_id_idx", "tasks_pkey"},
    "comments.list_task_comments": {"comments_task_id_idx", "tasks_pkey"},
    "comments.lock_task_of_comment": {"comments_pkey", "tasks_pkey"},
    "search.index_tasks": {"tasks_pkey", "search_words_pkey"},
    "search.list_words_in_tasks": {"task_documents_pkey", "task_documents_words_idx", "tasks_pkey"},
    "search.search_tasks": {"task_documents_pkey", "task_documents_words_idx", "tasks_pkey", *SOURCES},
    "task_board.count_columns": {"tasks_tally_idx"},
    "task_board.list_above": {"tasks_board_idx"},
    "task_board.list_below": {"tasks_board_idx"},
    "task_board.list_column": {"tasks_board_idx", *ITEM},
    "task_links.find_cycle": {"task_links_pkey"},
    "task_links.list_links": {"task_links_blocked_idx", "task_links_pkey"},
    "task_lists.list_by_created": {"tasks_newest_idx", "tasks_project_idx", *SOURCES, *ITEM},
    "task_lists.list_by_due": {"tasks_by_due_idx", *SOURCES, *ITEM},
    "task_lists.list_by_priority": {"tasks_priority_idx", *SOURCES, *ITEM},
    "task_lists.list_by_updated": {"tasks_updated_idx", *SOURCES, *ITEM},
    "task_lists.narrow_by_created": {"tasks_project_idx", *NARROW, *ITEM},
    "task_lists.narrow_by_due": {*NARROW, *ITEM},
    "task_lists.narrow_by_priority": {*NARROW, *ITEM},
    "task_lists.narrow_by_updated": {*NARROW, *ITEM},
    "task_watchers.list_watchers": {"task_watchers_pkey"},
    "tasks.check_references": set(),
    "tasks.find_changed_task": ITEM,
    "tasks.get_changed_task": ITEM,
    "tasks.get_task": ITEM,
    "tasks.list_concerned_after": {"task_watchers_pkey", "tasks_pkey"},
    "tasks.list_hanging": {"task_links_pkey", "task_links_blocked_idx"},
    "tasks.list_old_trash": {"tasks_trash_idx"},
    "tasks.list_own_trash": {"tasks_creator_id_idx"},
    "tasks.list_seers": {"tasks_newest_idx"},
    "tasks.list_subtasks": ITEM,
    "tasks.list_task_watchers": {"tasks_pkey"},
    "tasks.list_watchers_of": {"task_watchers_pkey"},
    "tasks.lock_tasks_of": {"tasks_assignee_idx", "tasks_assignee_id_idx"},
    "tasks.may_watch_task": {"tasks_newest_idx"},
    "tasks.render_tasks": {"tasks_parent_id_idx", "task_labels_pkey", "checklist_items_task_idx"},
    "tasks.set_ranks": {"tasks_pkey"},
    "tasks.unassign_person": {"tasks_assignee_idx", "tasks_assignee_id_idx"},
    "tasks.purge_tasks": {"tasks_pkey", "comments_task_id_idx"},
    "tasks.update_task": {"tasks_pkey"},
    "uploads.attach_task_uploads": {"uploads_pkey"},
    "uploads.lock_task_uploads": {"uploads_pkey", "uploads_task_id_idx"},
    "uploads.take_off_purged": {"uploads_task_id_idx", "idempotency_keys_entity_idx"},
    "uploads.take_off_task_uploads": {"uploads_task_id_idx", "idempotency_keys_entity_idx"},
}
# Sort one page, or the labels of each of its tasks.
SORTS_WORK = {
    "task_board.list_column",
    "task_lists.list_by_created",
    "task_lists.list_by_due",
    "task_lists.list_by_priority",
    "task_lists.list_by_updated",
    "tasks.list_concerned_after",
    "tasks.list_own_trash",
}
UNLIMITED_WORK = {
    "comments.list_mentioned",
    "search.list_words_in_tasks",
    "checklists.list_items",
    "task_links.list_links",
    "tasks.list_hanging",
    "tasks.list_seers",
    "tasks.list_task_watchers",
    "tasks.list_watchers_of",
}
