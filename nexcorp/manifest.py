"""What a feature brings along (`Feature`), and what the service is made of (`Product`): all of them.

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
    """One kind of thing that is searched.

    `find(conn, viewer_id, text, before_score, before_recency, most)` gives rows of nexcorp.features.search's
    shape. `index(conn, ids)` makes the entities findable, or not any more, and gives rows of `word`: those of
    their words that search_words has not yet. The worker calls it in batches, with ids in order.
    `events`: event type -> the ids that it makes outdated; of what is gone none, if its document goes along.
    `permission`: what a viewer needs to find any. `list_words(conn, words)` gives rows of `word`: those of
    `words` that some entity still has. None where `index` gives no words.
    `list_ids(conn, before, most)` gives rows of `id`, the newest first, to make all documents anew when their
    making changes; None: they never are. `all_with`: the permission with which a viewer sees every one: then
    `find` takes `sees_all`, too.
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
    """A section of a person's export: the rows of `read`, a statement of `user_id`; `single`: the one row.

    Of what others wrote and are called it has ids only: the file is kept for a day, whatever they delete.
    """

    read: Statement
    single: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A SAQ job: `function` is where it is, as "workers.jobs.cleanup:clean_up"; `cron` runs it by itself."""

    function: str
    cron: str | None = None
    seconds: int = 600

    @property
    def name(self) -> str:
        """The function's own name, under which it is queued."""
        return self.function.partition(":")[2]


@dataclass(frozen=True, slots=True)
class SocketCommand:
    """A command of clients on their sockets: `run(client, data, frame_id)`, see nexcorp.realtime.commands."""

    run: Callable[..., Awaitable[None]]
    doc: CommandDoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one feature brings along.

    Routes, seeds and jobs are named by text ("nexcorp.features.posts.routes:ROUTES"), so that a worker loads
    no handlers, and a web process no jobs. The permissions are inserted by a migration.

    `kinds`, `frames` and `rooms` are keyed by kind of entity, by event of a frame, by the kind of a room.
    `answers` are frames without a room's number: those that answer `commands`. `graphql` names, by text as
    well, the nexcorp.graphql.parts.Part that the feature adds to the schema.
    `named` are the kinds of entity that the audit trail shows by name, with the permission that this needs.
    `before_leave` takes the locks that the feature needs when a person leaves, ahead of the person's own row;
    `on_leave` then removes what is theirs. Both are called with `conn` and `user_id`, in one transaction, and
    again for some time afterwards, for what was on its way: to run twice must be as good as once.
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
    """The demo company while it is made: who is in it, and what features made, for those behind them.

    `people`: their ids in the order of nexcorp.domain.demo.PEOPLE, `callers`: the same people for services.
    `store`: the LocalStore for pictures; None: posts have none. `posts`: by a short name of the seed's.
    """

    people: list[UUID]
    callers: list[Any] = field(default_factory=list)
    store: Any = None
    posts: dict[str, UUID] = field(default_factory=dict)


def load_object(name: str) -> Any:
    """What "package.module:name" names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def join(parts: Iterable[Mapping[str, Any]], what: str) -> dict[str, Any]:
    """One dictionary of all `parts`; raises ValueError where two of them have the same key."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if key in found:
                raise ValueError(f"features bring the {what} {key} twice")
            found[key] = value
    return found


def require(known: Container[str], name: str, why: str) -> None:
    """Raises ValueError unless `name` is known; `why` ends before the name."""
    if name not in known:
        raise ValueError(f"{why} {name}, which no feature brings")


def list_subjects(types: Sequence[str]) -> tuple[str, ...]:
    """The types, and behind those of each subject "subject.*" for all of these."""
    subjects = dict.fromkeys(name.partition(".")[0] for name in types)
    return tuple(
        name
        for subject in subjects
        for name in (*(one for one in types if one.partition(".")[0] == subject), f"{subject}.*")
    )


class Product:
    """All that is derived from the features.

    `public_events`: the types of event that other systems may hear of, for webhooks; `public_notices`: the
    types of notification that these lead to. `notice_types`: of notifications, with what preferences begin
    with. `names`: what there is of each group that documents list.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        """Raises ValueError where features contradict each other, or name what nobody brings."""
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
        """How long a run of each job may take, by its name."""
        return {job.name: job.seconds for job in self.jobs}

    def set_up(self, app: Any) -> None:
        """Give the application what features need of their own, before it starts."""
        for one in self.features:
            if one.setup is not None:
                load_object(one.setup)(app)

    @cached_property
    def routes(self) -> list[Any]:
        """The route tables of all features, in one.

        Raises ValueError where two have the same operation, or one needs a permission that nobody brings.
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
        """What the features add to the GraphQL schema."""
        return [load_object(one.graphql) for one in self.features if one.graphql is not None]

    async def leave(
        self, conn: Any, user_id: UUID, take_person: Callable[[], Awaitable[Any]] | None = None
    ) -> Any:
        """Remove what is a person's from every feature; returns what `take_person`, which locks and changes
        the person's own row between the two rounds, returns. Without it the person has left before."""
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
