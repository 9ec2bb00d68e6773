"""The API's shapes. Written by `make types`; a test compares them with the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AcceptedOut(TypedDict):
    status: Literal["accepted"]


class AccountOut(TypedDict):
    id: str
    email: str
    username: str
    firstName: str | None
    lastName: str | None
    avatarUrl: str | None
    role: Literal["admin", "manager", "member"]
    status: Literal["active", "deactivated", "deleted"]
    emailVerified: bool
    createdAt: str
    updatedAt: str


class Activity(TypedDict):
    id: str
    type: str
    actor: Person | None
    entityType: str
    entityId: str
    entityName: str | None
    user: Person | None
    changed: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    createdAt: str


class ActivityPage(TypedDict):
    data: list[Activity]
    nextCursor: str | None


class ApiKey(TypedDict):
    id: str
    name: str
    shown: str
    scopes: list[str]
    createdAt: str
    lastUsedAt: str | None
    expiresAt: str | None


class ApiKeyPage(TypedDict):
    data: list[ApiKey]
    nextCursor: str | None


class ArchiveAll(TypedDict):
    before: NotRequired[str | None]
    onlyRead: NotRequired[bool]


class AskQuestion(TypedDict):
    content: str
    parentId: NotRequired[str | None]
    fileIds: NotRequired[list[str]]
    search: NotRequired[bool]


class AssignPost(TypedDict):
    userId: str | None


class AssignTask(TypedDict):
    userId: str | None


class Attachment(TypedDict):
    id: str
    name: str
    type: str
    bytes: int
    width: int | None
    height: int | None
    alt: str | None
    url: str
    thumbnailUrl: str | None


class AuditEvent(TypedDict):
    id: str
    type: str
    actor: Person | None
    entityType: str
    entityId: str
    entityName: str | None
    payload: dict[str, Any]
    ip: str | None
    userAgent: str | None
    requestId: str | None
    createdAt: str


class AuditEventPage(TypedDict):
    data: list[AuditEvent]
    nextCursor: str | None


class AuthorizeOut(TypedDict):
    authorizeUrl: str


class Before(TypedDict):
    before: NotRequired[str | None]


class BlockState(TypedDict):
    blocked: bool


class Board(TypedDict):
    columns: list[Column]
    epoch: str | None
    seq: int


class Branch(TypedDict):
    name: str
    head: str
    followed: bool


class Branches(TypedDict):
    data: list[Branch]


class BulkAnswer(TypedDict):
    data: list[BulkResult]


class BulkItem(TypedDict):
    version: NotRequired[int]
    title: NotRequired[str]
    description: NotRequired[str | None]
    kind: NotRequired[Literal["task", "issue"]]
    status: NotRequired[Literal["todo", "in_progress", "review", "done", "cancelled"]]
    priority: NotRequired[Literal["low", "medium", "high", "urgent"]]
    assigneeId: NotRequired[str | None]
    projectId: NotRequired[str | None]
    leadId: NotRequired[str | None]
    parentId: NotRequired[str | None]
    dueDate: NotRequired[str | None]
    labelIds: NotRequired[list[str]]
    uploadIds: NotRequired[list[str] | None]
    repeat: NotRequired[Repeat | None]
    id: str


class BulkResult(TypedDict):
    id: str
    status: int
    code: str | None
    message: str | None
    errors: dict[str, list[str]]
    version: int | None


class BulkUpdate(TypedDict):
    items: list[BulkItem]


class ChangeEmailBody(TypedDict):
    currentPassword: NotRequired[str]
    email: str


class ChangeFile(TypedDict):
    importId: str
    name: str | None


class ChangePasswordBody(TypedDict):
    currentPassword: str
    newPassword: str


class Changed(TypedDict):
    files: int


class Channels(TypedDict):
    inApp: bool
    email: Literal["off", "offline", "always"]
    push: bool


class Chat(TypedDict):
    id: str
    title: str | None
    project: ChatProject | None
    model: str | None
    leafId: str | None
    isAnswering: bool
    version: int
    createdAt: str
    updatedAt: str


class ChatMessage(TypedDict):
    id: str
    chatId: str
    parentId: str | None
    role: Literal["user", "assistant"]
    body: str
    context: list[ContextItem]
    siblings: list[str]
    status: Literal["queued", "running", "done", "incomplete", "cancelled", "failed"] | None
    reason: str | None
    position: str | None
    promptTokens: int | None
    completionTokens: int | None
    createdAt: str
    endedAt: str | None


class ChatMessagePage(TypedDict):
    data: list[ChatMessage]
    nextCursor: str | None


class ChatPage(TypedDict):
    data: list[Chat]
    nextCursor: str | None


class ChatProject(TypedDict):
    id: str
    name: str


class Check(TypedDict):
    ok: bool
    reason: NotRequired[str]


class Checklist(TypedDict):
    data: list[Item]


class Choice(TypedDict):
    default: NotRequired[Any]
    critical: NotRequired[Any]
    inApp: NotRequired[bool | None]
    email: NotRequired[Literal["off", "offline", "always"] | None]
    push: NotRequired[bool | None]


class CollabSession(TypedDict):
    id: str
    projectId: str
    title: str
    file: SessionFile | None
    host: Person | None
    participantCount: int
    createdAt: str
    endedAt: str | None
    joined: bool


class CollabSessionPage(TypedDict):
    data: list[CollabSession]
    nextCursor: str | None


class Column(TypedDict):
    status: Literal["todo", "in_progress", "review", "done", "cancelled"]
    total: int
    data: list[Task]
    nextCursor: str | None


class Comment(TypedDict):
    id: str
    postId: str | None
    taskId: str | None
    parentId: str | None
    body: str | None
    author: Person | None
    deleted: bool
    version: int
    createdAt: str
    updatedAt: str


class CommentReader(TypedDict):
    user: PersonSeen


class CommentReaderPage(TypedDict):
    data: list[CommentReader]
    nextCursor: str | None


class Commit(TypedDict):
    sha: str
    parents: list[str]
    authorName: str
    authorEmail: str
    user: Person | None
    authoredAt: str
    committedAt: str
    subject: str
    body: str
    goneAt: str | None


class CommitPage(TypedDict):
    data: list[Commit]
    nextCursor: str | None


class ConfirmUpload(TypedDict):
    publicId: str
    version: int
    signature: str
    alt: NotRequired[str | None]


class ContextItem(TypedDict):
    fileId: NotRequired[str]
    version: NotRequired[int]
    passage: NotRequired[int]
    isCut: NotRequired[bool]
    search: NotRequired[bool]


class Conversation(TypedDict):
    id: str
    kind: Literal["direct", "group"]
    title: str | None
    memberCount: int
    lastN: int
    minN: int
    version: int
    createdAt: str
    updatedAt: str
    person: Person | None
    role: Literal["owner", "member"]
    unread: int
    readN: int
    level: Literal["all", "mentions", "none"]
    mutedUntil: str | None
    lastMessage: Newest | None
    seq: int
    epoch: str | None


class ConversationMember(TypedDict):
    user: Person
    role: Literal["owner", "member"]
    joinedAt: str


class ConversationMemberPage(TypedDict):
    data: list[ConversationMember]
    nextCursor: str | None


class ConversationPage(TypedDict):
    data: list[Conversation]
    nextCursor: str | None


class ConversationSettings(TypedDict):
    level: Literal["all", "mentions", "none"]
    mutedUntil: str | None


class Counts(TypedDict):
    created: int
    updated: int
    skipped: int
    failed: int


class CountsLow(TypedDict):
    low: int
    medium: int
    high: int
    urgent: int


class CountsTask(TypedDict):
    task: int
    issue: int


class CountsTodo(TypedDict):
    todo: int
    in_progress: int
    review: int
    done: int
    cancelled: int


class CreateApiKey(TypedDict):
    currentPassword: NotRequired[str]
    name: str
    scopes: list[str]
    expiresAt: NotRequired[str | None]


class CreateChat(TypedDict):
    title: NotRequired[str | None]
    projectId: NotRequired[str | None]
    model: NotRequired[str | None]


class CreateComment(TypedDict):
    postId: NotRequired[str]
    taskId: NotRequired[str]
    parentId: NotRequired[str | None]
    body: str


class CreateFile(TypedDict):
    path: str
    content: NotRequired[str]
    type: NotRequired[str]


class CreateInteraction(TypedDict):
    kind: Literal["call", "mail", "meeting", "note"]
    text: str
    happenedAt: NotRequired[str]


class CreateItem(TypedDict):
    text: str
    isDone: NotRequired[bool]
    place: NotRequired[Place]


class CreateLabel(TypedDict):
    name: str
    color: str
    projectId: NotRequired[str | None]


class CreateLead(TypedDict):
    lostReason: NotRequired[Literal["price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other"] | None]
    lostNote: NotRequired[str | None]
    company: NotRequired[str | None]
    email: NotRequired[str | None]
    phone: NotRequired[str | None]
    jobTitle: NotRequired[str | None]
    website: NotRequired[str | None]
    source: NotRequired[Literal["website", "referral", "event", "advertisement", "outbound", "partner", "import", "other"]]
    stage: NotRequired[Literal["new", "contacted", "qualified", "won", "lost"]]
    score: NotRequired[int]
    ownerId: NotRequired[str | None]
    value: NotRequired[str | None]
    currency: NotRequired[str | None]
    notes: NotRequired[str | None]
    allowDuplicate: NotRequired[bool]
    name: str


class CreatePost(TypedDict):
    type: NotRequired[Literal["normal", "announcement", "project"]]
    status: NotRequired[Literal["draft", "published"]]
    title: NotRequired[str | None]
    body: str
    uploadIds: NotRequired[list[str] | None]
    projectId: NotRequired[str | None]


class CreateProject(TypedDict):
    name: str
    description: NotRequired[str | None]
    visibility: NotRequired[Literal["private", "internal", "public"]]


class CreateSession(TypedDict):
    title: str
    fileId: NotRequired[str | None]


class CreateSubscription(TypedDict):
    endpoint: str
    expirationTime: NotRequired[float | None]
    keys: SubscriptionKeys


class CreateTask(TypedDict):
    title: str
    description: NotRequired[str | None]
    kind: NotRequired[Literal["task", "issue"]]
    status: NotRequired[Literal["todo", "in_progress", "review", "done", "cancelled"]]
    priority: NotRequired[Literal["low", "medium", "high", "urgent"]]
    assigneeId: NotRequired[str | None]
    projectId: NotRequired[str | None]
    leadId: NotRequired[str | None]
    parentId: NotRequired[str | None]
    dueDate: NotRequired[str | None]
    labelIds: NotRequired[list[str]]
    uploadIds: NotRequired[list[str] | None]
    repeat: NotRequired[Repeat | None]


class CreateView(TypedDict):
    name: str
    query: SavedFilters
    projectId: NotRequired[str | None]
    shared: NotRequired[bool]


class CreateWebhook(TypedDict):
    currentPassword: NotRequired[str]
    url: str
    scope: Literal["own", "project", "all"]
    projectId: NotRequired[str | None]
    types: NotRequired[list[str]]
    description: NotRequired[str | None]


class DeadLetter(TypedDict):
    id: int
    dead: bool
    type: str | None
    attempts: int
    lastError: str | None
    createdAt: str
    nextAt: str | None


class DeadLetters(TypedDict):
    data: list[DeadLetter]


Document = dict[str, Any]


class EndpointBody(TypedDict):
    endpoint: str


class Entity(TypedDict):
    type: str
    id: str


class Error(TypedDict):
    statusCode: int
    code: str
    message: str
    errors: dict[str, list[str]]
    timestamp: str
    path: str
    requestId: str
    current: NotRequired[dict[str, Any]]
    size: NotRequired[int]
    leadIds: NotRequired[list[str]]
    mergedInto: NotRequired[str]


class Excerpt(TypedDict):
    id: str
    n: int
    author: Person | None
    excerpt: str | None
    deleted: bool


class Exchange(TypedDict):
    message: ChatMessage
    answer: ChatMessage


class ExportState(TypedDict):
    status: NotRequired[Literal["preparing", "ready"]]
    downloadUrl: NotRequired[str]
    expiresAt: NotRequired[str]
    bytes: NotRequired[int]


class FeedPostPage(TypedDict):
    data: list[Post]
    nextCursor: str | None
    epoch: str | None
    seq: int


class File(TypedDict):
    id: str
    projectId: str
    path: str
    kind: Literal["text", "binary"]
    type: str
    eol: Literal["lf", "crlf"]
    bytes: int
    contentVersion: int
    version: int
    creator: Person | None
    createdAt: str
    updatedAt: str


class FilePage(TypedDict):
    data: list[File]
    nextCursor: str | None


class Folder(TypedDict):
    path: str
    files: int
    bytes: int


class FolderPage(TypedDict):
    data: list[Folder]
    nextCursor: str | None


class FollowState(TypedDict):
    following: bool


class ForgotBody(TypedDict):
    email: str


class Found(TypedDict):
    kind: str
    id: str
    title: str | None
    highlight: str
    score: float
    createdAt: str
    author: Person | None
    person: PersonSeen | None
    postId: str | None


class FoundMessage(TypedDict):
    id: str
    conversationId: str
    n: int
    author: Person | None
    body: str | None
    replyTo: Excerpt | None
    uploads: list[Attachment]
    reactions: list[Reaction]
    deleted: bool
    version: int
    createdAt: str
    editedAt: str | None
    highlight: str


class FoundMessagePage(TypedDict):
    data: list[FoundMessage]
    nextCursor: str | None


class FoundPage(TypedDict):
    data: list[Found]
    nextCursor: str | None
    didYouMean: str | None


class GraphqlAnswer(TypedDict):
    data: NotRequired[Any]
    errors: NotRequired[Any]


class GraphqlRequest(TypedDict):
    query: str
    variables: NotRequired[dict[str, Any] | None]
    operationName: NotRequired[str | None]
    extensions: NotRequired[dict[str, Any] | None]


class Group(TypedDict):
    id: str
    key: str
    count: int
    unread: int
    actors: list[Person]


class Health(TypedDict):
    status: str


class HeldNotification(TypedDict):
    id: str
    type: str
    title: str
    message: str
    actor: Person | None
    entity: Muted | None
    postId: str | None
    relatedLeadId: str | None
    createdAt: str
    reason: Literal["muted", "preference"]
    heldAt: str


class HeldNotificationPage(TypedDict):
    data: list[HeldNotification]
    nextCursor: str | None


class History(TypedDict):
    data: list[Message]
    hasOlder: bool
    hasNewer: bool
    epoch: str | None
    seq: int


class IdentityListOut(TypedDict):
    data: list[IdentityOut]
    nextCursor: str | None


class IdentityOut(TypedDict):
    provider: str
    username: str | None
    email: str | None
    createdAt: str
    lastUsedAt: str


class Import(TypedDict):
    id: str
    kind: str
    fileName: str | None
    dryRun: bool
    counts: Counts | None
    rowErrors: list[RowError]
    createdAt: str
    finishedAt: str | None


class Interaction(TypedDict):
    id: str
    leadId: str
    kind: Literal["call", "mail", "meeting", "note"]
    happenedAt: str
    author: Person | None
    text: str
    version: int
    createdAt: str
    updatedAt: str


class InteractionPage(TypedDict):
    data: list[Interaction]
    nextCursor: str | None


class InterestState(TypedDict):
    interested: bool
    interestCount: int
    countsVersion: int


class Invitation(TypedDict):
    id: str
    email: str
    status: Literal["pending", "accepted", "revoked", "expired"]
    invitedBy: Person
    userId: str | None
    createdAt: str
    expiresAt: str


class InvitationPage(TypedDict):
    data: list[Invitation]
    nextCursor: str | None


class InviteBody(TypedDict):
    email: str


class Item(TypedDict):
    id: str
    text: str
    isDone: bool
    createdAt: str
    updatedAt: str


class JwkOut(TypedDict):
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class JwksOut(TypedDict):
    keys: list[JwkOut]


class Label(TypedDict):
    id: str
    name: str
    color: str
    projectId: str | None
    createdAt: str


class LabelPage(TypedDict):
    data: list[Label]
    nextCursor: str | None


class Lead(TypedDict):
    id: str
    name: str
    company: str | None
    email: str | None
    phone: str | None
    jobTitle: str | None
    website: str | None
    source: Literal["website", "referral", "event", "advertisement", "outbound", "partner", "import", "other"]
    stage: Literal["new", "contacted", "qualified", "won", "lost"]
    score: int
    owner: Person | None
    value: str | None
    currency: str | None
    lostReason: Literal["price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other"] | None
    lostNote: str | None
    notes: str | None
    lastInteractionAt: str | None
    createdBy: Person | None
    version: int
    createdAt: str
    updatedAt: str


LeadMove = TypedDict(
    "LeadMove",
    {
        "id": 'str',
        "to": 'Literal["new", "contacted", "qualified", "won", "lost"]',
        "actor": 'Person | None',
        "createdAt": 'str',
        "from": 'str | None',
    },
)


class LeadMovePage(TypedDict):
    data: list[LeadMove]
    nextCursor: str | None


class LeadsLeadPage(TypedDict):
    data: list[Lead]
    nextCursor: str | None
    epoch: str | None
    seq: int


class LeaveBody(TypedDict):
    currentPassword: NotRequired[str]


class LikeState(TypedDict):
    liked: bool
    likeCount: int
    countsVersion: int


class LinkRepository(TypedDict):
    url: str
    branch: NotRequired[str | None]
    token: NotRequired[str | None]
    interval: NotRequired[int]


class LinkedRepository(TypedDict):
    id: str
    projectId: str
    url: str
    branch: str | None
    defaultBranch: str | None
    status: Literal["pending", "syncing", "synced", "failed"]
    reason: Literal["url_refused", "https_only", "address_refused", "host_unknown", "auth_failed", "not_found", "redirected", "unreachable", "tls_failed", "too_slow", "timeout", "too_large", "branch_gone", "git_failed"] | None
    message: str | None
    movedTo: str | None
    head: str | None
    commitCount: int
    hasToken: bool
    interval: int
    failingSince: str | None
    lastSyncedAt: str | None
    nextSyncAt: str | None
    version: int
    createdAt: str
    hookSecret: NotRequired[str]


class LinkedTask(TypedDict):
    id: str
    number: int | None
    title: str
    status: Literal["todo", "in_progress", "review", "done", "cancelled"]
    projectId: str | None


class Links(TypedDict):
    blockers: list[LinkedTask]
    hiddenBlockers: int
    blocking: list[LinkedTask]
    hiddenBlocking: int


class Load(TypedDict):
    user: Person
    open: int


class LoginBody(TypedDict):
    email: str
    password: str
    platform: NotRequired[Literal["web", "mobile", "cli"]]
    device: NotRequired[str | None]


class Mark(TypedDict):
    n: int


class MarkBody(TypedDict):
    critical: bool | None


class Marks(TypedDict):
    readN: int
    deliveredN: int


class MeOut(TypedDict):
    id: str
    email: str
    username: str
    firstName: str | None
    lastName: str | None
    avatarUrl: str | None
    role: Literal["admin", "manager", "member"]
    status: Literal["active", "deactivated", "deleted"]
    emailVerified: bool
    createdAt: str
    updatedAt: str
    permissions: list[str]
    unread: int | None


class Member(TypedDict):
    user: Person
    role: Literal["owner", "editor", "viewer"]
    createdAt: str


class MemberPage(TypedDict):
    data: list[Member]
    nextCursor: str | None


class MergeLead(TypedDict):
    fromId: str


class Message(TypedDict):
    id: str
    conversationId: str
    n: int
    author: Person | None
    body: str | None
    replyTo: Excerpt | None
    uploads: list[Attachment]
    reactions: list[Reaction]
    deleted: bool
    version: int
    createdAt: str
    editedAt: str | None


Move = TypedDict(
    "Move",
    {
        "id": 'str',
        "to": 'Literal["draft", "published", "archived", "open", "in_progress", "on_hold", "completed", "cancelled"]',
        "actor": 'Person | None',
        "createdAt": 'str',
        "from": 'str | None',
    },
)


MoveFolder = TypedDict(
    "MoveFolder",
    {
        "to": 'str',
        "from": 'str',
    },
)


class MoveLead(TypedDict):
    lostReason: NotRequired[Literal["price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other"] | None]
    lostNote: NotRequired[str | None]
    stage: Literal["new", "contacted", "qualified", "won", "lost"]


class MovePage(TypedDict):
    data: list[Move]
    nextCursor: str | None


class MovePost(TypedDict):
    status: Literal["draft", "published", "archived", "open", "in_progress", "on_hold", "completed", "cancelled"]


class Mute(TypedDict):
    entity: Muted
    title: str | None
    until: str | None
    createdAt: str


class MuteBody(TypedDict):
    until: NotRequired[str | None]


class MutePage(TypedDict):
    data: list[Mute]
    nextCursor: str | None


class Muted(TypedDict):
    type: str
    id: str


class NewApiKey(TypedDict):
    id: str
    name: str
    shown: str
    scopes: list[str]
    createdAt: str
    lastUsedAt: str | None
    expiresAt: str | None
    key: str


class NewWebhook(TypedDict):
    id: str
    scope: Literal["own", "project", "all"]
    projectId: str | None
    url: str
    types: list[str]
    description: str | None
    status: Literal["active", "paused", "disabled"]
    reason: Literal["owner", "failing", "right_lost", "secret_lost", "gone"] | None
    failures: int
    failingSince: str | None
    lastOkAt: str | None
    oldSecretUntil: str | None
    version: int
    createdAt: str
    updatedAt: str
    secret: str


class Newest(TypedDict):
    id: str
    n: int
    author: Person | None
    excerpt: str
    createdAt: str


class Notification(TypedDict):
    id: str
    type: str
    title: str
    message: str
    isRead: bool
    seenAt: str | None
    archivedAt: str | None
    snoozedUntil: str | None
    position: str
    groupId: str | None
    group: Group | None
    silent: bool
    actor: Person | None
    entity: Entity | None
    postId: str | None
    relatedLeadId: str | None
    createdAt: str
    updatedAt: str


class NotificationPage(TypedDict):
    data: list[Notification]
    nextCursor: str | None
    unreadCount: int
    epoch: str | None
    seq: int


class NotificationType(TypedDict):
    type: str
    critical: bool
    byDesign: bool
    groupable: bool
    default: Channels


class NotificationTypePage(TypedDict):
    data: list[NotificationType]
    nextCursor: str | None


class OpenAtEnd(TypedDict):
    day: str
    open: int


class OpenConversation(TypedDict):
    title: NotRequired[str]
    userIds: NotRequired[list[str]]
    userId: NotRequired[str]


class OpenFile(TypedDict):
    fileId: str
    path: str
    users: list[Person]


class OutboxState(TypedDict):
    depth: int
    age: float
    dead: int


class Overview(TypedDict):
    users: int
    workers: int
    outbox: OutboxState
    latest: OverviewPoint
    nodes: list[OverviewNode]


class OverviewHistory(TypedDict):
    range: str
    step: int
    data: list[OverviewPoint]


class OverviewNode(TypedDict):
    requestsPerSecond: float | None
    errorsPerSecond: float | None
    latencyP50: float | None
    latencyP99: float | None
    sockets: int | None
    notificationsPerSecond: float | None
    deliveredPerSecond: float | None
    poolSize: int | None
    poolBusy: int | None
    id: str
    kind: Literal["web", "worker"]
    at: str


class OverviewPoint(TypedDict):
    requestsPerSecond: float | None
    errorsPerSecond: float | None
    latencyP50: float | None
    latencyP99: float | None
    sockets: int | None
    notificationsPerSecond: float | None
    deliveredPerSecond: float | None
    poolSize: int | None
    poolBusy: int | None
    at: str
    queueDepth: int | None
    outboxDepth: int | None
    outboxAge: float | None
    deadLetters: int | None
    webNodes: int | None
    workers: int | None


class OwnProfile(TypedDict):
    followed: bool
    followerCount: int
    followingCount: int
    postCount: int
    id: str
    username: str
    firstName: str | None
    lastName: str | None
    jobTitle: str | None
    department: str | None
    location: str | None
    avatarUrl: str | None
    role: Literal["admin", "manager", "member"]
    createdAt: str
    email: str
    status: Literal["active", "deactivated", "deleted"]
    bio: str | None
    version: int
    phone: str | None
    emailVerified: bool
    lastSeenAt: str | None


class Participant(TypedDict):
    user: Person
    here: bool
    joinedAt: str
    seenAt: str
    leftAt: str | None


class ParticipantPage(TypedDict):
    data: list[Participant]
    nextCursor: str | None


class PeoplePage(TypedDict):
    data: list[PersonCard]
    nextCursor: str | None
    total: NotRequired[int]


class PermissionOut(TypedDict):
    code: str
    description: str


class PermissionsBody(TypedDict):
    currentPassword: NotRequired[str]
    permissions: list[str]


class Person(TypedDict):
    id: str
    username: str
    firstName: str | None
    lastName: str | None
    avatarUrl: str | None


class PersonCard(TypedDict):
    followed: bool
    followerCount: int
    followingCount: int
    postCount: int
    id: str
    username: str
    firstName: str | None
    lastName: str | None
    jobTitle: str | None
    department: str | None
    location: str | None
    avatarUrl: str | None
    role: Literal["admin", "manager", "member"]
    createdAt: str
    email: NotRequired[str | None]
    status: NotRequired[Literal["active", "deactivated", "deleted"]]


class PersonSeen(TypedDict):
    followed: bool
    followerCount: int
    followingCount: int
    postCount: int
    id: str
    username: str
    firstName: str | None
    lastName: str | None
    avatarUrl: str | None


class PersonSince(TypedDict):
    user: PersonSeen
    createdAt: str


class PersonSincePage(TypedDict):
    data: list[PersonSince]
    nextCursor: str | None


class Place(TypedDict):
    before: NotRequired[str]
    after: NotRequired[str]


class Post(TypedDict):
    id: str
    type: Literal["normal", "announcement", "project"]
    status: Literal["draft", "published", "archived", "open", "in_progress", "on_hold", "completed", "cancelled"] | None
    title: str | None
    body: str
    author: Person
    assignee: Person | None
    uploads: list[Attachment]
    likeCount: int
    commentCount: int
    interestCount: int
    countsVersion: int
    liked: bool
    interested: bool
    projectId: str | None
    version: int
    createdAt: str
    publishedAt: str | None
    updatedAt: str


class PostCommentPage(TypedDict):
    data: list[Comment]
    nextCursor: str | None
    epoch: str | None
    seq: int


class PostPage(TypedDict):
    data: list[Post]
    nextCursor: str | None


class PostPersonSincePage(TypedDict):
    data: list[PersonSince]
    nextCursor: str | None
    epoch: str | None
    seq: int


class PostRead(TypedDict):
    readAt: str


class Preferences(TypedDict):
    types: dict[str, TypePreference]
    quietHours: QuietShown | None
    timezone: str
    digest: Literal["none", "hourly", "daily"]
    digestAt: str
    nextDigestAt: str | None


class PreferencesBody(TypedDict):
    types: NotRequired[dict[str, Choice | None]]
    quietHours: NotRequired[QuietHours | None]
    timezone: NotRequired[str]
    digest: NotRequired[Literal["none", "hourly", "daily"]]
    digestAt: NotRequired[str]
    nextDigestAt: NotRequired[Any]


class Preparing(TypedDict):
    status: Literal["preparing"]


class Presence(TypedDict):
    data: list[OpenFile]


class Profile(TypedDict):
    followed: bool
    followerCount: int
    followingCount: int
    postCount: int
    id: str
    username: str
    firstName: str | None
    lastName: str | None
    jobTitle: str | None
    department: str | None
    location: str | None
    avatarUrl: str | None
    role: Literal["admin", "manager", "member"]
    createdAt: str
    email: NotRequired[str | None]
    status: NotRequired[Literal["active", "deactivated", "deleted"]]
    bio: str | None
    version: int
    phone: NotRequired[str | None]
    emailVerified: NotRequired[bool]
    lastSeenAt: NotRequired[str | None]


class ProfileBody(TypedDict):
    firstName: NotRequired[str | None]
    lastName: NotRequired[str | None]
    jobTitle: NotRequired[str | None]
    department: NotRequired[str | None]
    location: NotRequired[str | None]
    bio: NotRequired[str | None]
    phone: NotRequired[str | None]
    avatarUrl: NotRequired[str | None]


class ProfilePostPage(TypedDict):
    data: list[Post]
    nextCursor: str | None
    epoch: str | None
    seq: int


class Project(TypedDict):
    id: str
    name: str
    description: str | None
    visibility: Literal["private", "internal", "public"]
    memberCount: int
    storage: Storage
    version: int
    createdAt: str
    updatedAt: str
    role: Literal["owner", "editor", "viewer", "reader"]


class ProjectPage(TypedDict):
    data: list[Project]
    nextCursor: str | None


class ProviderListOut(TypedDict):
    data: list[ProviderOut]
    nextCursor: str | None


class ProviderOut(TypedDict):
    provider: str
    name: str
    loginUrl: str


class Purged(TypedDict):
    purged: int


class PushKey(TypedDict):
    key: str


class PushSubscription(TypedDict):
    id: str
    endpointHost: str
    platform: str
    device: str | None
    userAgent: str | None
    current: bool
    createdAt: str
    refreshedAt: str
    expiresAt: str | None
    lastSuccessAt: str | None
    failingSince: str | None


class PushSubscriptionPage(TypedDict):
    data: list[PushSubscription]
    nextCursor: str | None


QuietHours = TypedDict(
    "QuietHours",
    {
        "from": 'str',
        "to": 'str',
    },
)


QuietShown = TypedDict(
    "QuietShown",
    {
        "from": 'str',
        "to": 'str',
    },
)


class Reaction(TypedDict):
    emoji: str
    count: int
    mine: NotRequired[bool]


class Reactions(TypedDict):
    reactions: list[Reaction]


class ReadComments(TypedDict):
    upTo: str


class Reader(TypedDict):
    user: PersonSeen
    readAt: str | None


class ReaderPage(TypedDict):
    data: list[Reader]
    nextCursor: str | None
    readerCount: int


class Readiness(TypedDict):
    status: str
    checks: dict[str, Check]


class Receipt(TypedDict):
    user: Person
    delivered: bool
    read: bool


class ReceiptPage(TypedDict):
    people: int
    delivered: int
    read: int
    data: list[Receipt]
    nextCursor: str | None


RedeliverBody = TypedDict(
    "RedeliverBody",
    {
        "to": 'NotRequired[str]',
        "status": 'NotRequired[Literal["failed"]]',
        "from": 'NotRequired[str]',
    },
)


class Redelivered(TypedDict):
    count: int


class RefreshBody(TypedDict):
    refreshToken: NotRequired[str]


class RegisterBody(TypedDict):
    email: str
    password: str
    username: NotRequired[str]
    profile: NotRequired[ProfileBody]
    invitation: NotRequired[str]


class RegisteredOut(TypedDict):
    user: AccountOut


class RenewSecret(TypedDict):
    currentPassword: NotRequired[str]
    revokeOld: NotRequired[bool]


class Repeat(TypedDict):
    frequency: Literal["daily", "weekly", "monthly"]
    every: NotRequired[int]
    until: NotRequired[str | None]
    timezone: NotRequired[str | None]


class RepeatOut(TypedDict):
    frequency: Literal["daily", "weekly", "monthly"]
    every: int
    until: str | None
    timezone: str


class Repository(TypedDict):
    id: str
    projectId: str
    url: str
    branch: str | None
    defaultBranch: str | None
    status: Literal["pending", "syncing", "synced", "failed"]
    reason: Literal["url_refused", "https_only", "address_refused", "host_unknown", "auth_failed", "not_found", "redirected", "unreachable", "tls_failed", "too_slow", "timeout", "too_large", "branch_gone", "git_failed"] | None
    message: str | None
    movedTo: str | None
    head: str | None
    commitCount: int
    hasToken: bool
    interval: int
    failingSince: str | None
    lastSyncedAt: str | None
    nextSyncAt: str | None
    version: int
    createdAt: str


class ResetBody(TypedDict):
    token: str
    password: str


class RevokedOut(TypedDict):
    revoked: int


class RoleBody(TypedDict):
    currentPassword: NotRequired[str]
    role: Literal["admin", "manager", "member"]


class RoleList(TypedDict):
    data: list[RolePermissions]
    permissions: list[PermissionOut]
    nextCursor: str | None


class RolePermissions(TypedDict):
    role: Literal["admin", "manager", "member"]
    permissions: list[str]


class RowError(TypedDict):
    row: int
    field: str | None
    code: str
    message: str


class SavedFilters(TypedDict):
    status: NotRequired[str]
    priority: NotRequired[str]
    kind: NotRequired[Literal["task", "issue"]]
    assignee: NotRequired[str]
    creator: NotRequired[str]
    project: NotRequired[str]
    label: NotRequired[str]
    parent: NotRequired[str]
    blocked: NotRequired[bool]
    due: NotRequired[Literal["overdue", "today", "week"]]
    q: NotRequired[str]
    sort: NotRequired[Literal["created", "updated", "due", "priority"]]


class ScoreLead(TypedDict):
    score: int


class SendMessage(TypedDict):
    body: NotRequired[str]
    id: NotRequired[str]
    replyToId: NotRequired[str | None]
    uploadIds: NotRequired[list[str]]


class SessionFile(TypedDict):
    id: str
    path: str


class SessionListOut(TypedDict):
    data: list[SessionOut]
    nextCursor: str | None


class SessionOut(TypedDict):
    id: str
    platform: Literal["web", "mobile", "cli"]
    device: str | None
    ip: str | None
    userAgent: str | None
    createdAt: str
    lastUsedAt: str
    expiresAt: str
    current: bool


class SetConversationMember(TypedDict):
    role: NotRequired[Literal["owner", "member"]]


class SetConversationSettings(TypedDict):
    level: NotRequired[Literal["all", "mentions", "none"]]
    mutedUntil: NotRequired[str | None]


class SetMember(TypedDict):
    role: Literal["owner", "editor", "viewer"]


class SignUpload(TypedDict):
    name: str
    bytes: int


class SignedInOut(TypedDict):
    accessToken: str
    tokenType: Literal["Bearer"]
    expiresIn: int
    user: AccountOut
    refreshToken: NotRequired[str]


class StatusBody(TypedDict):
    status: Literal["active", "deactivated"]


class Steps(TypedDict):
    total: int
    done: int


class Storage(TypedDict):
    bytes: int
    limit: int


class SubscriptionKeys(TypedDict):
    p256dh: str
    auth: str


class SudoBody(TypedDict):
    currentPassword: str


class SudoOut(TypedDict):
    expiresIn: int


class Task(TypedDict):
    id: str
    number: int | None
    kind: Literal["task", "issue"]
    title: str
    status: Literal["todo", "in_progress", "review", "done", "cancelled"]
    priority: Literal["low", "medium", "high", "urgent"]
    creator: Person
    assignee: Person | None
    projectId: str | None
    leadId: str | None
    parentId: str | None
    rank: int
    dueDate: str | None
    dueAt: str | None
    dueAllDay: bool
    startedAt: str | None
    completedAt: str | None
    labels: list[TaskLabel]
    blocked: bool
    checklist: Steps
    subtasks: Steps
    commentCount: int
    repeat: RepeatOut | None
    seriesId: str | None
    occurrence: int | None
    externalRef: str | None
    version: int
    createdAt: str
    updatedAt: str
    description: str | None
    uploads: list[Attachment]
    watching: bool


class TaskChange(TypedDict):
    id: str
    type: str
    actor: Person | None
    version: int | None
    changed: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    texts: list[TextChange]
    file: ChangeFile | None
    createdAt: str


class TaskChangePage(TypedDict):
    data: list[TaskChange]
    nextCursor: str | None


class TaskCommentPage(TypedDict):
    data: list[Comment]
    nextCursor: str | None
    epoch: str | None
    seq: int


class TaskLabel(TypedDict):
    id: str
    name: str
    color: str


class TaskList(TypedDict):
    data: list[Task]
    nextCursor: str | None
    total: NotRequired[int]
    totalCapped: NotRequired[bool]


class TaskPage(TypedDict):
    data: list[Task]
    nextCursor: str | None


class TaskStats(TypedDict):
    total: int
    open: int
    overdue: int
    byStatus: CountsTodo
    byPriority: CountsLow
    byKind: CountsTask
    byAssignee: list[Load]
    throughput: list[Week]
    cycleSeconds: int | None
    burndown: list[OpenAtEnd]
    countedAt: str


class TextChange(TypedDict):
    field: str
    before: str | None
    after: str | None


class TicketBody(TypedDict):
    purpose: Literal["ws", "download"]


class TicketOut(TypedDict):
    ticket: str
    expiresIn: int


class TokenBody(TypedDict):
    token: str


class Trace(TypedDict):
    data: list[TraceStep]


class TraceStep(TypedDict):
    step: str
    outcome: str
    reason: str | None
    at: str


class TrashedFile(TypedDict):
    id: str
    projectId: str
    path: str
    kind: Literal["text", "binary"]
    type: str
    eol: Literal["lf", "crlf"]
    bytes: int
    contentVersion: int
    version: int
    creator: Person | None
    createdAt: str
    updatedAt: str
    deletedAt: str
    deletedBy: Person | None


class TrashedFilePage(TypedDict):
    data: list[TrashedFile]
    nextCursor: str | None


class TrashedProject(TypedDict):
    id: str
    name: str
    description: str | None
    visibility: Literal["private", "internal", "public"]
    memberCount: int
    storage: Storage
    version: int
    createdAt: str
    updatedAt: str
    role: Literal["owner", "editor", "viewer", "reader"]
    deletedAt: str
    deletedBy: Person | None


class TrashedProjectPage(TypedDict):
    data: list[TrashedProject]
    nextCursor: str | None


class TrashedTask(TypedDict):
    id: str
    number: int | None
    kind: Literal["task", "issue"]
    title: str
    status: Literal["todo", "in_progress", "review", "done", "cancelled"]
    priority: Literal["low", "medium", "high", "urgent"]
    creator: Person
    assignee: Person | None
    projectId: str | None
    leadId: str | None
    parentId: str | None
    rank: int
    dueDate: str | None
    dueAt: str | None
    dueAllDay: bool
    startedAt: str | None
    completedAt: str | None
    labels: list[TaskLabel]
    blocked: bool
    checklist: Steps
    subtasks: Steps
    commentCount: int
    repeat: RepeatOut | None
    seriesId: str | None
    occurrence: int | None
    externalRef: str | None
    version: int
    createdAt: str
    updatedAt: str
    description: str | None
    uploads: list[Attachment]
    watching: bool
    deletedAt: str
    deletedBy: Person | None


class TrashedTaskPage(TypedDict):
    data: list[TrashedTask]
    nextCursor: str | None


class TypePreference(TypedDict):
    inApp: bool
    email: Literal["off", "offline", "always"]
    push: bool
    default: Channels
    critical: bool


class UnreadCount(TypedDict):
    count: int


class UnreadMessages(TypedDict):
    messages: int
    conversations: int


class UpTo(TypedDict):
    upTo: NotRequired[str | None]


class UpdateChat(TypedDict):
    version: NotRequired[int]
    title: NotRequired[str | None]
    projectId: NotRequired[str | None]
    model: NotRequired[str | None]


class UpdateComment(TypedDict):
    version: NotRequired[int]
    body: str


class UpdateConversation(TypedDict):
    version: NotRequired[int]
    title: str


class UpdateFile(TypedDict):
    version: NotRequired[int]
    path: NotRequired[str]
    type: NotRequired[str]


class UpdateInteraction(TypedDict):
    kind: NotRequired[Literal["call", "mail", "meeting", "note"]]
    text: NotRequired[str]
    happenedAt: NotRequired[str]
    version: NotRequired[int]


class UpdateItem(TypedDict):
    text: NotRequired[str]
    isDone: NotRequired[bool]
    place: NotRequired[Place]


class UpdateLabel(TypedDict):
    name: NotRequired[str]
    color: NotRequired[str]


class UpdateLead(TypedDict):
    lostReason: NotRequired[Literal["price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other"] | None]
    lostNote: NotRequired[str | None]
    company: NotRequired[str | None]
    email: NotRequired[str | None]
    phone: NotRequired[str | None]
    jobTitle: NotRequired[str | None]
    website: NotRequired[str | None]
    source: NotRequired[Literal["website", "referral", "event", "advertisement", "outbound", "partner", "import", "other"]]
    stage: NotRequired[Literal["new", "contacted", "qualified", "won", "lost"]]
    score: NotRequired[int]
    ownerId: NotRequired[str | None]
    value: NotRequired[str | None]
    currency: NotRequired[str | None]
    notes: NotRequired[str | None]
    allowDuplicate: NotRequired[bool]
    version: NotRequired[int]
    name: NotRequired[str]


class UpdateMessage(TypedDict):
    version: NotRequired[int]
    body: str


class UpdateNotification(TypedDict):
    isRead: NotRequired[bool]
    archived: NotRequired[bool]
    seen: NotRequired[bool]
    snoozedUntil: NotRequired[str | None]


class UpdatePost(TypedDict):
    version: NotRequired[int]
    title: NotRequired[str | None]
    body: NotRequired[str]
    uploadIds: NotRequired[list[str] | None]
    projectId: NotRequired[str | None]


class UpdateProfile(TypedDict):
    firstName: NotRequired[str | None]
    lastName: NotRequired[str | None]
    jobTitle: NotRequired[str | None]
    department: NotRequired[str | None]
    location: NotRequired[str | None]
    bio: NotRequired[str | None]
    phone: NotRequired[str | None]
    avatarUrl: NotRequired[str | None]
    version: NotRequired[int]
    username: NotRequired[str]


class UpdateProject(TypedDict):
    version: NotRequired[int]
    name: NotRequired[str]
    description: NotRequired[str | None]
    visibility: NotRequired[Literal["private", "internal", "public"]]


class UpdateTask(TypedDict):
    version: NotRequired[int]
    title: NotRequired[str]
    description: NotRequired[str | None]
    kind: NotRequired[Literal["task", "issue"]]
    status: NotRequired[Literal["todo", "in_progress", "review", "done", "cancelled"]]
    priority: NotRequired[Literal["low", "medium", "high", "urgent"]]
    assigneeId: NotRequired[str | None]
    projectId: NotRequired[str | None]
    leadId: NotRequired[str | None]
    parentId: NotRequired[str | None]
    dueDate: NotRequired[str | None]
    labelIds: NotRequired[list[str]]
    uploadIds: NotRequired[list[str] | None]
    repeat: NotRequired[Repeat | None]
    place: NotRequired[Place]


class UpdateUpload(TypedDict):
    alt: str | None


class UpdateView(TypedDict):
    version: NotRequired[int]
    name: NotRequired[str]
    query: NotRequired[SavedFilters]
    projectId: NotRequired[str | None]
    shared: NotRequired[bool]


class UpdateWebhook(TypedDict):
    currentPassword: NotRequired[str]
    version: NotRequired[int]
    url: NotRequired[str]
    types: NotRequired[list[str]]
    description: NotRequired[str | None]
    status: NotRequired[Literal["paused"]]


class Updated(TypedDict):
    updated: int


class Upload(TypedDict):
    id: str
    name: str
    type: str
    bytes: int
    width: int | None
    height: int | None
    alt: str | None
    url: str
    thumbnailUrl: str | None
    createdAt: str


class UploadSignature(TypedDict):
    id: str
    url: str
    apiKey: str
    timestamp: int
    folder: str
    publicId: str
    signature: str
    fields: dict[str, str]


class Usage(TypedDict):
    days: int
    data: list[UsageDay]


class UsageDay(TypedDict):
    day: str
    activePeople: int | None
    posts: int | None
    comments: int | None
    messages: int | None
    tasksDone: int | None
    firstCommentSeconds: float | None
    latencyP50: float | None
    latencyP99: float | None
    countedAt: str | None


class Version(TypedDict):
    n: int
    cause: Literal["created", "edited", "put", "restored"]
    restoredFrom: int | None
    bytes: int
    authors: list[Person]
    createdAt: str


class VersionPage(TypedDict):
    data: list[Version]
    nextCursor: str | None


class View(TypedDict):
    id: str
    name: str
    projectId: str | None
    query: dict[str, str]
    shared: bool
    owner: Person
    mine: bool
    version: int
    createdAt: str
    updatedAt: str


class ViewPage(TypedDict):
    data: list[View]
    nextCursor: str | None


class Watcher(TypedDict):
    user: Person
    createdAt: str


class WatcherPage(TypedDict):
    data: list[Watcher]
    nextCursor: str | None


class Watching(TypedDict):
    watching: bool


class Watermark(TypedDict):
    upTo: str | None
    unreadCount: int


class Webhook(TypedDict):
    id: str
    scope: Literal["own", "project", "all"]
    projectId: str | None
    url: str
    types: list[str]
    description: str | None
    status: Literal["active", "paused", "disabled"]
    reason: Literal["owner", "failing", "right_lost", "secret_lost", "gone"] | None
    failures: int
    failingSince: str | None
    lastOkAt: str | None
    oldSecretUntil: str | None
    version: int
    createdAt: str
    updatedAt: str


class WebhookAttempt(TypedDict):
    n: int
    at: str
    status: int | None
    ms: int
    error: str | None
    response: str | None


class WebhookDelivery(TypedDict):
    id: str
    eventId: str
    type: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    nextAttemptAt: str | None
    lastStatus: int | None
    lastError: str | None
    lastMs: int | None
    createdAt: str
    endedAt: str | None


class WebhookDeliveryLog(TypedDict):
    id: str
    eventId: str
    type: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    nextAttemptAt: str | None
    lastStatus: int | None
    lastError: str | None
    lastMs: int | None
    createdAt: str
    endedAt: str | None
    log: list[WebhookAttempt]


class WebhookDeliveryPage(TypedDict):
    data: list[WebhookDelivery]
    nextCursor: str | None


class WebhookPage(TypedDict):
    data: list[Webhook]
    nextCursor: str | None


class Week(TypedDict):
    week: str
    created: int
    completed: int
    cancelled: int
    cycleSeconds: int | None
