"""Messages between people: direct conversations, groups, and notes to oneself."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.messaging.commands import ANSWERS, COMMANDS
from nexcorp.features.messaging.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.messaging.rooms import may_join_conversation
from nexcorp.features.messaging.schemas import RoomConversation, RoomMessage
from nexcorp.features.messaging.service import forget_person
from nexcorp.manifest import Feature, Section
from nexcorp.realtime.rooms import RoomKind, Watch

FEATURE = Feature(
    name="messaging",
    routes=tuple(
        f"nexcorp.features.messaging.{name}:ROUTES" for name in ("routes", "message_routes", "marks_routes")
    ),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={
        "message": Kind(
            sql.messages.render_messages,
            RoomMessage,
            deleted="message:deleted",
            keeps=("conversationId", "n"),
        ),
        "conversation": Kind(
            sql.conversations.render_conversations, RoomConversation, deleted="conversation:deleted"
        ),
    },
    frames=FRAMES,
    rooms={
        "conversation": RoomKind(
            "message:read",
            may_join_conversation,
            watch=Watch(None, sql.conversations.list_watchers, each_time=False),
        )
    },
    commands=COMMANDS,
    answers=ANSWERS,
    before_leave=sql.conversations.lock_conversations_of,
    on_leave=forget_person,
    export={
        "conversations": Section(sql.conversations.export_conversations),
        "messages": Section(sql.messages.export_messages),
        "messageReactions": Section(sql.messages.export_reactions),
        "blocks": Section(sql.conversations.export_blocks),
    },
    permissions=("message:read", "message:create"),
    setup="nexcorp.features.messaging.setup:set_up",
    seed="nexcorp.features.messaging.seed:insert_demo_messages",
)
