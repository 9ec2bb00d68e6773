"""Codes that a trace shows: why a person was told or not, and why a channel was left out."""

from __future__ import annotations

# Why the receiver was chosen: `why` of a feature's Notice.
CHOSEN = {
    "mentioned": "The text mentions you.",
    "author": "You wrote the post, or the comment that was answered.",
    "assignee": "The project is, or was, assigned to you.",
    "member": "It concerns your membership.",
    "owner": "You own the project that it concerns.",
    "watcher": "You take part in it.",
    "conversation": "It was written in a conversation of yours, where you had not read it.",
    "followed": "Somebody followed you.",
    "permission": "You hold a permission whose holders are notified.",
    "everyone": "Everybody is notified.",
    "account": "It concerns your account.",
}
HELD = {
    "muted": "You muted it, something that it belongs to, or the person who did it.",
    "preference": "You, or the defaults of this type, switched it off.",
}
CHANNELS = {
    "quiet_hours": "It came in quiet hours: in the list without a sound; mail and push waited.",
    "digest": "It waits for the digest.",
    "not_configured": "This service does not send on this channel.",
    "no_address": "There was no verified address.",
    "bounced": "The address refused mail.",
    "no_subscription": "No browser was subscribed.",
    "read": "It had been read.",
    "archived": "It had been archived.",
    "snoozed": "It had been snoozed.",
    "shown": "A device had shown it.",
    "gone": "The notification had been deleted, or the browser's subscription had ended.",
    "entity_gone": "The entity that it leads to was gone, or no longer visible to you.",
    "refused": "The other side refused it.",
    "restored": "It was due before the service came back from a backup, and was most likely sent.",
    "failed": "The other side could not be reached, or could not take it.",
}
REASONS = {**CHOSEN, **HELD, **CHANNELS}


def describe_reasons() -> str:
    """Describe all codes for the API documents, as a list in Markdown."""
    return "\n".join(f"- `{code}`: {meaning}" for code, meaning in REASONS.items())
