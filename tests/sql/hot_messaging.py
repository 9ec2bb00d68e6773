"""The expectations of hot.py for conversations; not for searches, which are planned anew each time."""

from __future__ import annotations

BIG_MESSAGING = {"conversations", "conversation_members", "messages", "message_reactions", "blocks"}
# A message as it is shown, and a conversation as one of its members sees it.
MESSAGE = {"messages_pkey", "message_reactions_pkey", "uploads_message_id_idx", "users_pkey"}
SEEN = {"conversations_pkey", "messages_n_key", "messages_deleted_idx", "rooms_pkey", "users_pkey"}
HOT_MESSAGING: dict[str, set[str]] = {
    "conversations.count_receipts": {"conversation_members_pkey"},
    "conversations.count_unread": {
        "conversation_members_user_idx",
        "conversations_pkey",
        "messages_deleted_idx",
    },
    "conversations.find_writable": {"conversations_pkey"},
    "conversations.forget_told": {"conversation_members_pkey", "conversations_pkey", "messages_deleted_idx"},
    "conversations.get_conversation": SEEN,
    "conversations.get_member": {"users_pkey"},
    "conversations.is_member": set(),
    "conversations.list_conversations": {"conversation_members_user_idx", *SEEN},
    "conversations.list_members": {"conversation_members_pkey", "users_pkey"},
    "conversations.list_memberships": {"conversation_members_user_idx"},
    "conversations.list_receipts": {"conversation_members_pkey"},
    "conversations.list_to_notify": {"conversation_members_pkey", "conversations_pkey", "messages_n_key"},
    "conversations.list_watchers": set(),
    "conversations.lock_conversation": {"conversations_pkey"},
    "conversations.lock_conversations_of": {"conversation_members_user_idx", "conversations_pkey"},
    "conversations.mark_read": {"conversations_pkey"},
    "conversations.open_direct": {"conversations_pair_key"},
    "conversations.render_conversations": {"conversations_pkey"},
    "conversations.remove_member": {"conversation_members_pkey", "conversations_pkey"},
    "conversations.save_settings": {"conversations_pkey"},
    "messages.add_reaction": {"message_reactions_pkey"},
    "messages.claim_empty": {"conversations_empty_idx"},
    "messages.delete_message": {"messages_pkey", "conversations_pkey", "idempotency_keys_entity_idx"},
    "messages.drop_oldest": {"messages_n_key", "messages_pkey", "idempotency_keys_entity_idx"},
    "messages.find_refusal": {"conversations_pkey"},
    "messages.find_told": {"messages_n_key", "notifications_once_key_idx"},
    "messages.get_author": {"messages_n_key"},
    "messages.get_message": MESSAGE,
    "messages.list_after": {"messages_n_key", *MESSAGE},
    "messages.list_before": {"messages_n_key", *MESSAGE},
    "messages.lock_message": {"messages_pkey"},
    "messages.render_messages": MESSAGE,
    "messages.send_message": {"conversations_pkey", "messages_pkey"},
    "messages.update_message": {"messages_pkey"},
}
# Also the reactions to each message.
SORTS_MESSAGING = {
    "conversations.forget_told",
    "conversations.list_conversations",
    "conversations.list_to_notify",
    "messages.list_after",
    "messages.list_before",
}
UNLIMITED_MESSAGING = {"conversations.list_memberships", "conversations.list_watchers"}
