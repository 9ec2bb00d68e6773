"""Search: full text over what a viewer may see."""

from collections.abc import Iterable
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Event
from nexcorp.features.search.files import index_files
from nexcorp.manifest import Feature, Job, SearchKind


def itself(event: Event) -> Iterable[UUID]:
    """The entity of the event."""
    return (event.entity_id,)


def nothing(event: Event) -> Iterable[UUID]:
    """No documents: they went with their entity, and their words are left in doubt."""
    return ()


def files_within(event: Event) -> Iterable[UUID]:
    """The files of the folder that the event is about."""
    return event.get_ids("fileIds")


def changed_text(event: Event) -> Iterable[UUID]:
    """The entity of the event, where it says that a text of it has changed."""
    changed = event.payload.get("changed", ())
    return (event.entity_id,) if {"title", "description"}.intersection(changed) else ()


FEATURE = Feature(
    name="search",
    routes=("nexcorp.features.search.routes:ROUTES",),
    # Each minute for what was left in doubt and no event told of, and for what a release makes otherwise.
    jobs=(
        Job("workers.jobs.words:settle_words", cron="* * * * *"),
        Job("workers.jobs.documents:rebuild_documents", cron="* * * * *"),
    ),
    on_leave=sql.search.forget_person,
    search={
        "post": SearchKind(
            sql.search.search_posts,
            sql.search.index_posts,
            {
                "post.created": itself,
                "post.drafted": itself,
                "post.published": itself,
                "post.updated": itself,
                "post.draft_updated": itself,
                "post.moved": itself,
                "post.deleted": nothing,
            },
            permission="post:read",
            list_words=sql.search.list_words_in_posts,
            list_ids=sql.search.list_posts_before,
        ),
        "comment": SearchKind(
            sql.search.search_comments,
            sql.search.index_comments,
            # A batch may have read what became a placeholder before, and have made its document again.
            dict.fromkeys(("comment.created", "comment.updated", "comment.deleted"), itself),
            permission="post:read",
            list_words=sql.search.list_words_in_comments,
            list_ids=sql.search.list_comments_before,
        ),
        "person": SearchKind(
            sql.search.search_people,
            sql.search.index_people,
            dict.fromkeys(("user.registered", "user.updated", "user.status_changed", "user.deleted"), itself),
            permission="user:read",
            list_words=sql.search.list_words_in_people,
            list_ids=sql.search.list_people_before,
        ),
        "task": SearchKind(
            sql.search.search_tasks,
            sql.search.index_tasks,
            {"task.created": itself, "task.updated": changed_text, "task.purged": nothing},
            permission="task:read",
            list_words=sql.search.list_words_in_tasks,
            list_ids=sql.search.list_tasks_before,
            all_with="task:manage",
        ),
        "project": SearchKind(
            sql.search.search_projects,
            sql.search.index_projects,
            {"project.created": itself, "project.updated": itself, "project.purged": nothing},
            permission="project:read",
            list_words=sql.search.list_words_in_projects,
            list_ids=sql.search.list_projects_before,
            all_with="project:manage",
        ),
        # Behind projects, which are held before their files. No word of theirs is suggested: many are code.
        "file": SearchKind(
            sql.search.search_files,
            index_files,
            {
                **dict.fromkeys(("file.created", "file.updated", "file.saved"), itself),
                "folder.moved": files_within,
            },
            permission="project:read",
            list_ids=sql.search.list_files_before,
            all_with="project:manage",
        ),
    },
)
