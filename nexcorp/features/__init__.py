"""What the product does: a folder each, none importing another. This is the one list of them."""

from nexcorp.features import (
    ai,
    audit,
    auth,
    comments,
    explore,
    feed,
    files,
    follows,
    keys,
    leads,
    messaging,
    notifications,
    posts,
    preferences,
    projects,
    push,
    reactions,
    readers,
    repositories,
    search,
    sending,
    service,
    sessions,
    tasks,
    uploads,
    users,
)
from nexcorp.manifest import Product

FEATURES = (
    service.FEATURE,
    auth.FEATURE,
    keys.FEATURE,
    audit.FEATURE,
    users.FEATURE,
    posts.FEATURE,
    reactions.FEATURE,
    comments.FEATURE,
    readers.FEATURE,
    follows.FEATURE,
    feed.FEATURE,
    explore.FEATURE,
    search.FEATURE,
    # Ahead of notifications: a worker that tells of messages takes members' rows, then counters.
    messaging.FEATURE,
    # What is planned of notifications goes before them when a person leaves.
    sending.FEATURE,
    preferences.FEATURE,
    notifications.FEATURE,
    push.FEATURE,
    uploads.FEATURE,
    leads.FEATURE,
    tasks.FEATURE,
    # Behind posts and tasks: whoever locks one of those and a project, too, locks them in this order.
    projects.FEATURE,
    files.FEATURE,
    sessions.FEATURE,
    repositories.FEATURE,
    ai.FEATURE,
)
PRODUCT = Product(FEATURES)
