"""The expectations of hot.py for the assistant: chats, answers and their sources."""

from __future__ import annotations

BIG_AI = {
    "ai_chats",
    "ai_messages",
    "ai_answers",
    "ai_chunks",
    "ai_usage",
    "files",
    "file_versions",
    "file_passages",
}
# A chat and a message as they are shown.
CHAT = {"ai_answers_one_per_chat"}
MESSAGE = {"ai_messages_pkey", "ai_messages_chat_id_idx", "ai_messages_parent_id_idx", "ai_answers_pkey"}
HOT_AI: dict[str, set[str]] = {
    "ai_answers.cancel_answer": {"ai_answers_pkey", "ai_chunks_pkey"},
    "ai_answers.charge_running": {"ai_answers_live_idx"},
    "ai_answers.claim_answers": {"ai_answers_one_per_chat", "ai_answers_pkey"},
    "ai_answers.count_live": {"ai_answers_live_idx"},
    "ai_answers.drop_chunks": {"ai_chunks_pkey"},
    "ai_answers.end_answer": {"ai_answers_pkey", "ai_chunks_pkey", "ai_messages_pkey"},
    "ai_answers.find_chat": {"ai_answers_pkey"},
    "ai_answers.flush_answers": {"ai_answers_lease_idx"},
    "ai_answers.get_asked": {"ai_messages_pkey", "ai_chats_pkey"},
    "ai_answers.get_live": {"ai_answers_one_per_chat"},
    "ai_answers.list_cancelled": {"ai_answers_lease_idx"},
    "ai_answers.put_off_answer": {"ai_answers_pkey"},
    "ai_answers.read_on": {"ai_answers_pkey", "ai_messages_pkey"},
    "ai_answers.read_question": {"ai_messages_pkey"},
    "ai_chats.add_reply": {"ai_chats_pkey", "ai_messages_pkey"},
    "ai_chats.delete_chat": {"ai_chats_pkey", "ai_messages_chat_id_idx", "idempotency_keys_entity_idx"},
    "ai_chats.delete_chats_of": {"ai_chats_owner_id_idx"},
    "ai_chats.export_chats": {"ai_chats_owner_id_idx"},
    "ai_chats.export_messages": {"ai_chats_owner_id_idx", "ai_messages_chat_id_idx"},
    "ai_chats.find_message": {"ai_messages_chat_id_idx"},
    "ai_chats.get_chat": {"ai_chats_pkey", *CHAT},
    "ai_chats.get_messages": MESSAGE,
    "ai_chats.list_chats": {"ai_chats_owner_id_idx", *CHAT},
    "ai_chats.list_path": MESSAGE,
    "ai_chats.lock_chat": {"ai_chats_pkey"},
    "ai_chats.render_chats": {"ai_chats_pkey", *CHAT},
    "ai_chats.update_chat": {"ai_chats_pkey"},
    "ai_context.find_passages": {"file_passages_words_idx", "file_passages_pkey", "files_pkey"},
    "ai_context.list_files": {"file_versions_pkey"},
    "ai_context.list_stale": {"file_versions_pkey", "file_passages_pkey"},
    "ai_context.save_passages": {"file_passages_pkey", "files_pkey"},
}
# Sorts the texts of one project by size.
SORTS_AI = {"ai_context.list_stale"}
# These sort one person's chats, which may be in one project, and the ancestors of one message.
SORTS_OWN_AI = {"ai_chats.list_chats", "ai_chats.list_path"}
# The few files that a question names, and the answers that one worker writes.
UNLIMITED_AI = {"ai_context.list_files", "ai_answers.list_cancelled"}
