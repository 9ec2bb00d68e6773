"""Search: full text over what a viewer may see."""

from collections.abc import Iterable
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Event
from nexcorp.features.search.files import index_files
from nexcorp.manifest import Feature, Job, SearchKind


def itself(event: Event) -> Iterable[UUID]:
    """Return the entity of the event."""
    return (event.entity_id,)


def nothing(event: Event) -> Iterable[UUID]:
    """Return no documents: they are deleted with their entity, and a job settles their words."""
    return ()


def files_within(event: Event) -> Iterable[UUID]:
    """Return the files of the folder that the event is about."""
    return event.get_ids("fileIds")


def changed_text(event: Event) -> Iterable[UUID]:
    """Return the entity of the event if its title or description changed."""
    changed = event.payload.get("changed", ())
    return (event.entity_id,) if {"title", "description"}.intersection(changed) else ()


FEATURE = Feature(
    name="search",
    routes=("nexcorp.features.search.routes:ROUTES",),
    # Every minute: unsettled words that no event announced, and documents that a new release changes.
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
            # Also deleted comments: a batch that read the comment earlier may have rebuilt its document.
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
        # After projects, locked before their files. No words of files are suggested: many are code.
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
