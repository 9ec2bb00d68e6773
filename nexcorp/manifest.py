"""The parts that a feature contributes (`Feature`), and the service made of all features (`Product`).

A feature is a folder below nexcorp/features/ with a FEATURE, and a line in nexcorp/features/__init__.py.
The application, the event catalogue, the documents, rooms, jobs, leaving, export, search and demo data
are derived from that list.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from nexcorp.delivery.events import Event, EventType, NoticeType, Statement
from nexcorp.delivery.kinds import Kind, Renderer
from nexcorp.delivery.notices import Sentences
from nexcorp.realtime.rooms import RoomKind
from nexcorp.realtime.shapes import CommandDoc, FrameDoc

ForPerson = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class SearchKind:
    """One kind of entity that can be searched.

    `find(conn, viewer_id, text, before_score, before_recency, most)` returns rows in the shape of
    nexcorp.features.search.

    `index(conn, ids)` updates the search documents of entities, or deletes those of entities that can no
    longer be found; it returns rows of `word`: their words that search_words lacks. The worker calls it in
    batches, with ids in order.

    `events`: event type -> function returning the ids whose documents the event outdates; not the id of a
    deleted entity whose document is deleted with it. `permission`: required to find any entity.

    `list_words(conn, words)` returns rows of `word`: those of `words` that some entity still has; None if
    `index` returns no words. `list_ids(conn, before, most)` returns rows of `id`, the newest first, to
    rebuild all documents when the way they are built changes; None if they are never rebuilt. `all_with`: the
    permission to see every entity; if it is set, `find` also takes `sees_all`.
    """

    find: Statement
    index: Statement
    events: Mapping[str, Callable[[Event], Iterable[UUID]]]
    permission: str
    list_words: Statement | None = None
    list_ids: Statement | None = None
    all_with: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a person's export: the rows that statement `read` finds for `user_id`; `single`: one row.

    It holds only ids of other people, never their names or texts: the file is kept for a day, even if they
    delete those.
    """

    read: Statement
    single: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A SAQ job: `function` is "module:name", as "workers.jobs.cleanup:clean_up"; `cron` its schedule."""

    function: str
    cron: str | None = None
    seconds: int = 600

    @property
    def name(self) -> str:
        """The function's name, under which the job is queued."""
        return self.function.partition(":")[2]


@dataclass(frozen=True, slots=True)
class SocketCommand:
    """A command of clients on their sockets: `run(client, data, frame_id)`, see nexcorp.realtime.commands."""

    run: Callable[..., Awaitable[None]]
    doc: CommandDoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything that one feature contributes.

    Routes, seeds and jobs are named by text ("nexcorp.features.posts.routes:ROUTES"), so that a worker loads
    no handlers, and a web process no jobs. The permissions are inserted by a migration.

    `kinds`, `frames` and `rooms` are keyed by kind of entity, event of a frame and kind of room. `answers`
    are frames without a room's sequence number, which answer `commands`. `graphql` names, also by text, the
    nexcorp.graphql.parts.Part that the feature adds to the schema.

    `named` are the kinds of entity that the audit trail shows by name, with the permission to see that name.

    `before_leave` takes the locks that the feature needs when a person leaves, before the person's own row is
    locked; `on_leave` then removes the person's data. Both are called with `conn` and `user_id` in one
    transaction, and again for some time afterwards, for writes that were under way: both must be idempotent.

    `setup` is called with the application before it starts.
    """

    name: str
    routes: Sequence[str] = ()
    events: Mapping[str, EventType] = field(default_factory=dict)
    notice_types: Sequence[NoticeType] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    frames: Mapping[str, FrameDoc] = field(default_factory=dict)
    rooms: Mapping[str, RoomKind] = field(default_factory=dict)
    commands: Mapping[str, SocketCommand] = field(default_factory=dict)
    answers: Mapping[str, FrameDoc] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    search: Mapping[str, SearchKind] = field(default_factory=dict)
    permissions: Sequence[str] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    before_leave: ForPerson | None = None
    on_leave: ForPerson | None = None
    export: Mapping[str, Section] = field(default_factory=dict)
    setup: str | None = None
    seed: str | None = None
    graphql: str | None = None


@dataclass(slots=True)
class Demo:
    """The demo company while it is made: its people, and entities that later features refer to.

    `people`: their ids in the order of nexcorp.domain.demo.PEOPLE; `callers`: the same people for services.
    `store`: the LocalStore for pictures, None for posts without pictures. `posts`: ids by a short name.
    """

    people: list[UUID]
    callers: list[Any] = field(default_factory=list)
    store: Any = None
    posts: dict[str, UUID] = field(default_factory=dict)


def load_object(name: str) -> Any:
    """Import and return the object named "package.module:name"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def join(parts: Iterable[Mapping[str, Any]], what: str) -> dict[str, Any]:
    """Merge `parts` into one dictionary; raises ValueError if two of them have the same key."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if key in found:
                raise ValueError(f"features bring the {what} {key} twice")
            found[key] = value
    return found


def require(known: Container[str], name: str, why: str) -> None:
    """Raise ValueError unless `name` is known; `why` is the start of the message, before the name."""
    if name not in known:
        raise ValueError(f"{why} {name}, which no feature brings")


def list_subjects(types: Sequence[str]) -> tuple[str, ...]:
    """Return the types, with "subject.*" after the types of each subject."""
    subjects = dict.fromkeys(name.partition(".")[0] for name in types)
    return tuple(
        name
        for subject in subjects
        for name in (*(one for one in types if one.partition(".")[0] == subject), f"{subject}.*")
    )


class Product:
    """Everything that is derived from the features.

    `public_events`: the types of event that webhooks may receive; `public_notices`: the types of notification
    that those events cause. `notice_types`: types of notification, with the default preferences.
    `names`: the members of each group that the documents list.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        """Raises ValueError if features contradict each other, or name something that no feature defines."""
        self.features = tuple(features)
        self.events: dict[str, EventType] = join((one.events for one in features), "event")
        self.kinds: dict[str, Kind] = join((one.kinds for one in features), "kind")
        self.frames: dict[str, FrameDoc] = join((one.frames for one in features), "frame")
        self.rooms: dict[str, RoomKind] = join((one.rooms for one in features), "room")
        self.commands: dict[str, SocketCommand] = join((one.commands for one in features), "command")
        self.search: dict[str, SearchKind] = join((one.search for one in features), "search kind")
        self.export: dict[str, Section] = join((one.export for one in features), "section of the export")
        types = ({one.name: one} for feature in features for one in feature.notice_types)
        self.notice_types: dict[str, NoticeType] = join(types, "type of notification")
        self.named: dict[str, str] = join((one.named for one in features), "kind with a name")
        self.answers: dict[str, FrameDoc] = join((one.answers for one in features), "answer")
        codes = ({code: True} for one in features for code in one.permissions)
        self.permissions = tuple(join(codes, "permission"))
        jobs: dict[str, Job] = join(({job.name: job} for one in features for job in one.jobs), "job")
        self.jobs = tuple(jobs.values())
        self.public_events = tuple(name for name, event in self.events.items() if event.public)
        told = {one.type for name in self.public_events for one in self.events[name].notices}
        self.public_notices = tuple(name for name in self.notice_types if name in told)
        self.names: dict[str, tuple[str, ...]] = {
            "kinds of search": tuple(self.search),
            "types of notification": tuple(self.notice_types),
            "types for webhooks": list_subjects(
                (*self.public_events, *(f"notification.{name}" for name in self.public_notices))
            ),
        }
        self._check()
        self.sentences = Sentences(self.events, self.notice_types)
        self.renderer = Renderer(self.kinds, self.sentences)

    def _check(self) -> None:
        for name, kind in self.kinds.items():
            require(self.frames, kind.deleted, f"the kind {name} is shown as deleted by the frame")
        for name, permission in self.named.items():
            require(self.permissions, permission, f"the name of the kind {name} needs the permission")
        for name, searched in self.search.items():
            for permission in {searched.permission, searched.all_with or searched.permission}:
                require(self.permissions, permission, f"the search kind {name} needs the permission")
            for event in searched.events:
                require(self.events, event, f"the search kind {name} waits for the event")

    @property
    def job_seconds(self) -> dict[str, int]:
        """The time limit of each job in seconds, by its name."""
        return {job.name: job.seconds for job in self.jobs}

    def set_up(self, app: Any) -> None:
        """Call the `setup` of every feature with the application, before it starts."""
        for one in self.features:
            if one.setup is not None:
                load_object(one.setup)(app)

    @cached_property
    def routes(self) -> list[Any]:
        """The routes of all features.

        Raises ValueError if two have the same operation, or one needs a permission that no feature defines.
        """
        tables = (load_object(name) for one in self.features for name in one.routes)
        operations = ({f"{route.method} {route.full_path}": route} for table in tables for route in table)
        found: dict[str, Any] = join(operations, "operation")
        for name, route in found.items():
            for permission in route.access.permissions:
                require(self.permissions, permission, f"{name} needs the permission")
        return list(found.values())

    @cached_property
    def graphql(self) -> list[Any]:
        """The Parts that the features add to the GraphQL schema."""
        return [load_object(one.graphql) for one in self.features if one.graphql is not None]

    async def leave(
        self, conn: Any, user_id: UUID, take_person: Callable[[], Awaitable[Any]] | None = None
    ) -> Any:
        """Remove a person's data from every feature; return the result of `take_person`.

        `take_person` runs after every `before_leave` and before the first `on_leave`: it locks and changes
        the person's own row. None: the person has left earlier.
        """
        for one in self.features:
            if one.before_leave is not None:
                await one.before_leave(conn, user_id=user_id)
        taken = await take_person() if take_person is not None else None
        for one in self.features:
            if one.on_leave is not None:
                await one.on_leave(conn, user_id=user_id)
        return taken

    async def seed(self, conn: Any, demo: Demo) -> None:
        """Insert every feature's demo data, in the order of the features."""
        for one in self.features:
            if one.seed is not None:
                await load_object(one.seed)(conn, demo)
