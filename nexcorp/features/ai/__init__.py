"""The assistant: private chats with a language model. Workers write the answers."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.ai.events import EVENTS, FRAMES
from nexcorp.features.ai.schemas import RoomChat
from nexcorp.features.ai.service import forget_person
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="ai",
    routes=("nexcorp.features.ai.routes:ROUTES",),
    events=EVENTS,
    kinds={"ai_chat": Kind(sql.ai_chats.render_chats, RoomChat, deleted="ai-chat:deleted")},
    frames=FRAMES,
    jobs=(
        Job("workers.jobs.answers:write_answers"),
        Job("workers.jobs.answers:forget_usage", cron="41 3 * * *"),
    ),
    permissions=("ai:use",),
    on_leave=forget_person,
    export={
        "aiChats": Section(sql.ai_chats.export_chats),
        "aiMessages": Section(sql.ai_chats.export_messages),
    },
    setup="nexcorp.features.ai.following:set_up",
)
