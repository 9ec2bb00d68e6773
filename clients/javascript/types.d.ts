/** The API's shapes. Written by `make types`; a test compares them with the OpenAPI document. */

export type AcceptedOut = {
  status: "accepted";
};

export type AccountOut = {
  id: string;
  email: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  avatarUrl: string | null;
  role: "admin" | "manager" | "member";
  status: "active" | "deactivated" | "deleted";
  emailVerified: boolean;
  createdAt: string;
  updatedAt: string;
};

export type Activity = {
  id: string;
  /** The type of event, as `task.created` or `member.added`. */
  type: string;
  actor: Person | null;
  entityType: string;
  entityId: string;
  /** The current name or beginning of the entity; null if it is gone. */
  entityName: string | null;
  /** The member that the event is about. */
  user: Person | null;
  /** The names of the changed fields. */
  changed: Array<string>;
  /** States, ids and dates before the change. */
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  createdAt: string;
};

export type ActivityPage = {
  data: Array<Activity>;
  nextCursor: string | null;
};

export type ApiKey = {
  id: string;
  name: string;
  /** The first characters of the key. */
  shown: string;
  scopes: Array<string>;
  createdAt: string;
  /** When the key was last used, up to a minute late. */
  lastUsedAt: string | null;
  expiresAt: string | null;
};

export type ApiKeyPage = {
  data: Array<ApiKey>;
  nextCursor: string | null;
};

export type ArchiveAll = {
  /** Only notifications older than this: the id or position of a notification, or a time, which is compared with `createdAt`. Notifications that came since you fetched the list stay as they are. */
  before?: string | null;
  /** false: unread notifications as well. */
  onlyRead?: boolean;
};

export type AskQuestion = {
  content: string;
  /** The answer that it follows; null: it begins the chat anew. Absent: the newest message. */
  parentId?: string | null;
  /** Text files of the chat's project to give to the model as a whole. */
  fileIds?: Array<string>;
  /** Look for passages of the project's files that fit the question. */
  search?: boolean;
};

export type AssignPost = {
  userId: string | null;
};

export type AssignTask = {
  userId: string | null;
};

export type Attachment = {
  id: string;
  name: string;
  /** The media type. */
  type: string;
  bytes: number;
  /** Width in pixels, as shown. */
  width: number | null;
  height: number | null;
  /** Alternative text of a picture, by its owner. */
  alt: string | null;
  url: string;
  /** For images. It may come later than the upload; for a post's image it comes with a `post:updated` whose version has not changed. */
  thumbnailUrl: string | null;
};

export type AuditEvent = {
  id: string;
  type: string;
  /** The person who acted; null for the service itself, and for people who have left. */
  actor: Person | null;
  entityType: string;
  entityId: string;
  /** The current name or beginning of the entity: of posts and comments with `post:read`, of people with `user:read`; null for all others, and for entities that are gone or that you may not see. */
  entityName: string | null;
  payload: Record<string, unknown>;
  ip: string | null;
  userAgent: string | null;
  /** X-Request-Id of the request that caused it. */
  requestId: string | null;
  createdAt: string;
};

export type AuditEventPage = {
  data: Array<AuditEvent>;
  nextCursor: string | null;
};

export type AuthorizeOut = {
  authorizeUrl: string;
};

export type Before = {
  /** Only notifications older than this: the id or position of a notification, or a time, which is compared with `createdAt`. Notifications that came since you fetched the list stay as they are. */
  before?: string | null;
};

export type BlockState = {
  blocked: boolean;
};

export type Board = {
  columns: Array<Column>;
  /** Subscribe to project:{id} with `epoch` and `seq`: the frames then keep the board complete. A task in a frame replaces the task with its id, wherever that stands; `task:deleted` removes it, `task:reordered` gives new ranks. */
  epoch: string | null;
  seq: number;
};

export type Branch = {
  name: string;
  head: string;
  /** Whether it is the branch whose commits are listed. */
  followed: boolean;
};

export type Branches = {
  data: Array<Branch>;
};

export type BulkAnswer = {
  data: Array<BulkResult>;
};

export type BulkItem = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  title?: string;
  description?: string | null;
  kind?: "task" | "issue";
  status?: "todo" | "in_progress" | "review" | "done" | "cancelled";
  priority?: "low" | "medium" | "high" | "urgent";
  assigneeId?: string | null;
  /** Moving to another project gives the task a new number, and removes its labels and parent. */
  projectId?: string | null;
  /** Needs `lead:read`. */
  leadId?: string | null;
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All labels of the task from now on: labels of its project, or labels without a project if it has none. */
  labelIds?: Array<string>;
  /** All uploads of the task from now on, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** Starts a new series with this task; null ends the series. */
  repeat?: Repeat | null;
  id: string;
};

export type BulkResult = {
  id: string;
  /** The status with which a PATCH of this task alone would have been answered. */
  status: number;
  /** The code of the error; null on success. */
  code: string | null;
  message: string | null;
  errors: Record<string, Array<string>>;
  /** The task's current version; null if you may not see it. */
  version: number | null;
};

export type BulkUpdate = {
  items: Array<BulkItem>;
};

export type ChangeEmailBody = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  /** Compared without case; the domain may be international. */
  email: string;
};

export type ChangeFile = {
  importId: string;
  /** The name of the imported file; kept for 7 days, like the import. */
  name: string | null;
};

export type ChangePasswordBody = {
  currentPassword: string;
  /** The most common passwords are refused. */
  newPassword: string;
};

export type Changed = {
  /** The number of files in the folder. */
  files: number;
};

export type Channels = {
  inApp: boolean;
  /** `off`: no mail; `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email: "off" | "offline" | "always";
  push: boolean;
};

export type Chat = {
  id: string;
  title: string | null;
  /** null without a project, or if the owner may not read it any more. */
  project: ChatProject | null;
  model: string | null;
  /** The newest message of its newest branch. */
  leafId: string | null;
  isAnswering: boolean;
  version: number;
  createdAt: string;
  /** When the chat was last changed or written to. */
  updatedAt: string;
};

export type ChatMessage = {
  id: string;
  chatId: string;
  parentId: string | null;
  role: "user" | "assistant";
  /** The text; for an answer that has not ended, the part so far. */
  body: string;
  context: Array<ContextItem>;
  /** All messages that follow the same message, oldest first, including this one. */
  siblings: Array<string>;
  /** The state of an answer; null for a question. */
  status: "queued" | "running" | "done" | "incomplete" | "cancelled" | "failed" | null;
  /** Why it is incomplete or has failed (`length`, `provider_401: ...`), or why the last attempt failed, while it is queued. */
  reason: string | null;
  /** The end of `body`, as `attempt.offset`: continue after it with `/stream?after=`. */
  position: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  createdAt: string;
  endedAt: string | null;
};

export type ChatMessagePage = {
  data: Array<ChatMessage>;
  nextCursor: string | null;
};

export type ChatPage = {
  data: Array<Chat>;
  nextCursor: string | null;
};

export type ChatProject = {
  id: string;
  name: string;
};

export type Check = {
  ok: boolean;
  reason?: string;
};

export type Checklist = {
  data: Array<Item>;
};

export type Choice = {
  /** Read-only: accepted as GET shows it, and ignored. */
  default?: unknown;
  /** Read-only: accepted as GET shows it, and ignored. */
  critical?: unknown;
  inApp?: boolean | null;
  /** `off`: no mail; `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email?: "off" | "offline" | "always" | null;
  push?: boolean | null;
};

export type CollabSession = {
  id: string;
  projectId: string;
  title: string;
  /** The file that it is about; null for the whole project, or if the file was deleted. */
  file: SessionFile | null;
  /** The person who began it; null if they have left the company. */
  host: Person | null;
  /** The number of people who are in it now. */
  participantCount: number;
  createdAt: string;
  /** When it was ended, or when it had been empty for 24 hours. */
  endedAt: string | null;
  /** Whether the viewer is in it now. */
  joined: boolean;
};

export type CollabSessionPage = {
  data: Array<CollabSession>;
  nextCursor: string | null;
};

export type Column = {
  status: "todo" | "in_progress" | "review" | "done" | "cancelled";
  total: number;
  data: Array<Task>;
  nextCursor: string | null;
};

export type Comment = {
  id: string;
  /** Null for a comment on a task. */
  postId: string | null;
  /** Null for a comment on a post. */
  taskId: string | null;
  parentId: string | null;
  /** Null if deleted. */
  body: string | null;
  /** Null if deleted. */
  author: Person | null;
  deleted: boolean;
  version: number;
  createdAt: string;
  updatedAt: string;
};

export type CommentReader = {
  user: PersonSeen;
};

export type CommentReaderPage = {
  data: Array<CommentReader>;
  nextCursor: string | null;
};

export type Commit = {
  sha: string;
  parents: Array<string>;
  authorName: string;
  authorEmail: string;
  /** The user whose verified address `authorEmail` is. */
  user: Person | null;
  authoredAt: string;
  committedAt: string;
  subject: string;
  /** The body of the message, up to 4,000 characters. */
  body: string;
  /** Since when the branch does not lead to this commit, after a forced push. */
  goneAt: string | null;
};

export type CommitPage = {
  data: Array<Commit>;
  nextCursor: string | null;
};

export type ConfirmUpload = {
  publicId: string;
  version: number;
  signature: string;
  /** Alternative text: describes the picture to people who cannot see it. */
  alt?: string | null;
};

export type ContextItem = {
  fileId?: string;
  /** The version of the file. */
  version?: number;
  /** The number of a passage, from 0, that `search` found; absent: the whole file. */
  passage?: number;
  /** For an answer: whether only the beginning of the file fitted, or nothing. */
  isCut?: boolean;
  /** For a question: whether passages were searched. */
  search?: boolean;
};

export type Conversation = {
  id: string;
  kind: "direct" | "group";
  /** The title of a group. */
  title: string | null;
  memberCount: number;
  /** The number of the newest message. */
  lastN: number;
  /** The number of the oldest message that is kept. */
  minN: number;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** The other person of a direct conversation; yourself if it holds your notes. */
  person: Person | null;
  /** owner: changes title and members, deletes the group. Both people of a direct conversation are `member`. */
  role: "owner" | "member";
  unread: number;
  /** The number of the last message that you have read. */
  readN: number;
  /** `all`: you are notified of messages that stay unread for ten seconds; `mentions`: only of those that mention you; `none`: never. Default: `all`; in groups of more than 20 members `mentions`. */
  level: "all" | "mentions" | "none";
  mutedUntil: string | null;
  lastMessage: Newest | null;
  /** Subscribe to conversation:{id} with `seq` and `epoch`: the frames then keep the conversation and its messages complete. */
  seq: number;
  epoch: string | null;
};

export type ConversationMember = {
  user: Person;
  /** owner: changes title and members, deletes the group. Both people of a direct conversation are `member`. */
  role: "owner" | "member";
  joinedAt: string;
};

export type ConversationMemberPage = {
  data: Array<ConversationMember>;
  nextCursor: string | null;
};

export type ConversationPage = {
  data: Array<Conversation>;
  nextCursor: string | null;
};

export type ConversationSettings = {
  /** `all`: you are notified of messages that stay unread for ten seconds; `mentions`: only of those that mention you; `none`: never. Default: `all`; in groups of more than 20 members `mentions`. */
  level: "all" | "mentions" | "none";
  mutedUntil: string | null;
};

export type Counts = {
  created: number;
  updated: number;
  /** Rows that change nothing. */
  skipped: number;
  failed: number;
};

export type CountsLow = {
  low: number;
  medium: number;
  high: number;
  urgent: number;
};

export type CountsTask = {
  task: number;
  issue: number;
};

export type CountsTodo = {
  todo: number;
  in_progress: number;
  review: number;
  done: number;
  cancelled: number;
};

export type CreateApiKey = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  name: string;
  /** Codes of permissions that your role holds. */
  scopes: Array<string>;
  /** In 90 days if absent, in ten years at most; null: never. */
  expiresAt?: string | null;
};

export type CreateChat = {
  /** null: the beginning of its first question, once there is one. */
  title?: string | null;
  /** A project that you may read; questions are answered from its files. */
  projectId?: string | null;
  /** One of `AI_MODEL` and `AI_MODELS`; null: the first. */
  model?: string | null;
};

export type CreateComment = {
  /** The post to comment on; send this or `taskId`. */
  postId?: string;
  /** The task to comment on; send this or `postId`. */
  taskId?: string;
  parentId?: string | null;
  body: string;
};

export type CreateFile = {
  /** `docs/plan.md`: unique in its project regardless of case; NFC, at most 512 bytes. */
  path: string;
  /** The text of the file; absent: empty. */
  content?: string;
  /** The media type; absent: derived from the end of the path. */
  type?: string;
};

export type CreateInteraction = {
  kind: "call" | "mail" | "meeting" | "note";
  text: string;
  /** From 1970 to 2100. */
  happenedAt?: string;
};

export type CreateItem = {
  text: string;
  isDone?: boolean;
  place?: Place;
};

export type CreateLabel = {
  /** Unique in its project; case does not count. */
  name: string;
  color: string;
  projectId?: string | null;
};

export type CreateLead = {
  /** Required for the stage `lost`, refused for all others. */
  lostReason?: "price" | "timing" | "competitor" | "no_need" | "no_answer" | "duplicate" | "other" | null;
  lostNote?: string | null;
  company?: string | null;
  email?: string | null;
  phone?: string | null;
  jobTitle?: string | null;
  website?: string | null;
  source?: "website" | "referral" | "event" | "advertisement" | "outbound" | "partner" | "import" | "other";
  stage?: "new" | "contacted" | "qualified" | "won" | "lost";
  score?: number;
  /** A user who may read leads. */
  ownerId?: string | null;
  /** The expected value, as "1200.50"; needs a currency. */
  value?: string | null;
  /** ISO 4217, for instance EUR. */
  currency?: string | null;
  notes?: string | null;
  /** true: even if a lead with this e-mail address or phone number exists. */
  allowDuplicate?: boolean;
  name: string;
};

export type CreatePost = {
  type?: "normal" | "announcement" | "project";
  /** For announcements only; `published` if absent. */
  status?: "draft" | "published";
  title?: string | null;
  body: string;
  /** Your uploads that are not attached yet, in order. */
  uploadIds?: Array<string> | null;
  /** For posts of the type project: a project that you may edit. The assigned person becomes an editor there. */
  projectId?: string | null;
};

export type CreateProject = {
  name: string;
  description?: string | null;
  /** People who may read the project and its files, besides its members. private: nobody; internal: all signed-in users; public: everybody. Its tasks are always for members only. */
  visibility?: "private" | "internal" | "public";
};

export type CreateSession = {
  title: string;
  /** The file of the project that it is about; null: the whole project. */
  fileId?: string | null;
};

export type CreateSubscription = {
  endpoint: string;
  /** When the browser's push service ends the subscription, in milliseconds since 1970. */
  expirationTime?: number | null;
  keys: SubscriptionKeys;
};

export type CreateTask = {
  title: string;
  description?: string | null;
  kind?: "task" | "issue";
  status?: "todo" | "in_progress" | "review" | "done" | "cancelled";
  priority?: "low" | "medium" | "high" | "urgent";
  assigneeId?: string | null;
  projectId?: string | null;
  /** Needs `lead:read`. */
  leadId?: string | null;
  /** A task of the same project that is not a subtask itself. */
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All labels of the task from now on: labels of its project, or labels without a project if it has none. */
  labelIds?: Array<string>;
  /** Your uploads that are not attached yet, in order. */
  uploadIds?: Array<string> | null;
  /** Needs a dueDate. */
  repeat?: Repeat | null;
};

export type CreateView = {
  name: string;
  /** Filters and order, as parameters of `GET /tasks`. */
  query: SavedFilters;
  /** The project in which the view is shown and may be shared. */
  projectId?: string | null;
  /** Whether everybody who may see the project sees the view. */
  shared?: boolean;
};

export type CreateWebhook = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  /** https, at an address of the public internet. Redirects are not followed. */
  url: string;
  /** own: your notifications; project: what happens in `projectId`, of which you are an owner; all: every public event, with the permission `webhook:all`. */
  scope: "own" | "project" | "all";
  projectId?: string | null;
  /** Types of event, `task.*` for all of a subject; empty: all types of the scope. Your own notifications are `notification.` and their type. */
  types?: Array<string>;
  description?: string | null;
};

export type DeadLetter = {
  id: number;
  /** true: given up on; false: tried again automatically at `nextAt`. */
  dead: boolean;
  /** The type of the event; null if the event is gone. */
  type: string | null;
  attempts: number;
  lastError: string | null;
  createdAt: string;
  nextAt: string | null;
};

export type DeadLetters = {
  data: Array<DeadLetter>;
};

export type Document = Record<string, unknown>;

export type EndpointBody = {
  endpoint: string;
};

export type Entity = {
  /** `post`, `comment` or `user`; more may come. */
  type: string;
  id: string;
};

export type Error = {
  statusCode: number;
  /** Stable, for programs. Each response names its codes; go by the status if you do not know the code. */
  code: string;
  /** For people; may change. */
  message: string;
  /** Texts for people, by the name of the wrong field (`title`, `profile.firstName`), parameter or header, or `_schema` for the body as a whole. */
  errors: Record<string, Array<string>>;
  timestamp: string;
  path: string;
  requestId: string;
  /** `stale_version`: the row as it is now. */
  current?: Record<string, unknown>;
  /** `range_not_satisfiable`: the size of the file in bytes. */
  size?: number;
  /** `lead_duplicate`: the ten oldest of the existing leads. */
  leadIds?: Array<string>;
  /** `lead_merged`: the lead that it was merged into. */
  mergedInto?: string;
};

export type Excerpt = {
  id: string;
  n: number;
  author: Person | null;
  excerpt: string | null;
  deleted: boolean;
};

export type Exchange = {
  message: ChatMessage;
  answer: ChatMessage;
};

export type ExportState = {
  status?: "preparing" | "ready";
  /** The address of the file; open it with `?ticket=`. */
  downloadUrl?: string;
  expiresAt?: string;
  /** Bytes of the compressed file. */
  bytes?: number;
};

export type FeedPostPage = {
  data: Array<Post>;
  nextCursor: string | null;
  /** Subscribe to feed with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type File = {
  id: string;
  projectId: string;
  path: string;
  /** text: edited together at `/collab/{id}`; binary: replaced as a whole. */
  kind: "text" | "binary";
  type: string;
  /** The line ending of the content. */
  eol: "lf" | "crlf";
  /** The size of the newest version as stored: lines of a text end with LF. */
  bytes: number;
  /** The number of the newest version of its content. */
  contentVersion: number;
  /** The version of path and type; the content has its own. */
  version: number;
  creator: Person | null;
  createdAt: string;
  updatedAt: string;
};

export type FilePage = {
  data: Array<File>;
  nextCursor: string | null;
};

export type Folder = {
  path: string;
  files: number;
  bytes: number;
};

export type FolderPage = {
  data: Array<Folder>;
  nextCursor: string | null;
};

export type FollowState = {
  following: boolean;
};

export type ForgotBody = {
  /** Compared without case; the domain may be international. */
  email: string;
};

export type Found = {
  /** More may come. There are: `post`, `comment`, `person`, `task`, `project`, `file`. */
  kind: string;
  id: string;
  /** For a comment the title of its post, for a person the name, for a file the path. */
  title: string | null;
  /** HTML: matches are in <mark>, everything else is escaped. */
  highlight: string;
  /** Relevance: more is better. */
  score: number;
  createdAt: string;
  author: Person | null;
  person: PersonSeen | null;
  postId: string | null;
};

export type FoundMessage = {
  id: string;
  conversationId: string;
  /** The number in the conversation: 1, 2, 3 ... without gaps. Sort by it, not by time. */
  n: number;
  author: Person | null;
  /** Null once the message is deleted. */
  body: string | null;
  replyTo: Excerpt | null;
  uploads: Array<Attachment>;
  reactions: Array<Reaction>;
  deleted: boolean;
  version: number;
  createdAt: string;
  editedAt: string | null;
  /** HTML: matches are in <mark>, everything else is escaped. */
  highlight: string;
};

export type FoundMessagePage = {
  data: Array<FoundMessage>;
  nextCursor: string | null;
};

export type FoundPage = {
  data: Array<Found>;
  nextCursor: string | null;
  /** If nothing matched `q`: the words that `data` matches instead. */
  didYouMean: string | null;
};

export type GraphqlAnswer = {
  /** The requested fields by name. */
  data?: unknown;
  /** A list of `{message, locations, path, extensions}`. The extensions have `code`, `statusCode`, `requestId` and `errors`, as the envelope of REST has them. */
  errors?: unknown;
};

export type GraphqlRequest = {
  /** The document, of 20000 characters at most. */
  query: string;
  variables?: Record<string, unknown> | null;
  operationName?: string | null;
  extensions?: Record<string, unknown> | null;
};

export type Group = {
  id: string;
  /** The key that the members share: `like:post:{id}`. */
  key: string;
  /** The number of members in the list. */
  count: number;
  unread: number;
  /** The three newest people. */
  actors: Array<Person>;
};

export type Health = {
  status: string;
};

export type HeldNotification = {
  id: string;
  /** More may come. There are: `security`, `mention`, `announcement`, `project_status`, `assignment`, `like`, `interest`, `comment`, `comment_added`, `follow`, `message`, `lead_created`, `score_updated`, `task_assigned`, `task_updated`, `task_completed`, `import_done`, `task_due`, `member_added`, `webhook`, `repository`. */
  type: string;
  title: string;
  message: string;
  actor: Person | null;
  entity: Muted | null;
  postId: string | null;
  relatedLeadId: string | null;
  createdAt: string;
  reason: "muted" | "preference";
  heldAt: string;
};

export type HeldNotificationPage = {
  data: Array<HeldNotification>;
  nextCursor: string | null;
};

export type History = {
  data: Array<Message>;
  hasOlder: boolean;
  hasNewer: boolean;
  epoch: string | null;
  /** Subscribe to conversation:{id} with `seq` and `epoch`, so that you miss no frame. */
  seq: number;
};

export type IdentityListOut = {
  data: Array<IdentityOut>;
  nextCursor: string | null;
};

export type IdentityOut = {
  provider: string;
  username: string | null;
  email: string | null;
  createdAt: string;
  lastUsedAt: string;
};

export type Import = {
  id: string;
  kind: string;
  /** The name of the file in a form; null for a body of `text/csv`. */
  fileName: string | null;
  dryRun: boolean;
  /** Null until the file has been processed. */
  counts: Counts | null;
  /** The first hundred errors. */
  rowErrors: Array<RowError>;
  createdAt: string;
  finishedAt: string | null;
};

export type Interaction = {
  id: string;
  leadId: string;
  kind: "call" | "mail" | "meeting" | "note";
  happenedAt: string;
  author: Person | null;
  text: string;
  version: number;
  createdAt: string;
  updatedAt: string;
};

export type InteractionPage = {
  data: Array<Interaction>;
  nextCursor: string | null;
};

export type InterestState = {
  interested: boolean;
  interestCount: number;
  /** Grows with each change of the post's counters. Keep the counters with the highest version that you have seen, from any source. */
  countsVersion: number;
};

export type Invitation = {
  id: string;
  email: string;
  status: "pending" | "accepted" | "revoked" | "expired";
  invitedBy: Person;
  userId: string | null;
  createdAt: string;
  expiresAt: string;
};

export type InvitationPage = {
  data: Array<Invitation>;
  nextCursor: string | null;
};

export type InviteBody = {
  /** Compared without case; the domain may be international. */
  email: string;
};

export type Item = {
  id: string;
  text: string;
  isDone: boolean;
  createdAt: string;
  updatedAt: string;
};

export type JwkOut = {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
  kid: string;
  use: "sig";
  alg: "EdDSA";
};

export type JwksOut = {
  keys: Array<JwkOut>;
};

export type Label = {
  id: string;
  name: string;
  color: string;
  projectId: string | null;
  createdAt: string;
};

export type LabelPage = {
  data: Array<Label>;
  nextCursor: string | null;
};

export type Lead = {
  id: string;
  name: string;
  company: string | null;
  email: string | null;
  phone: string | null;
  jobTitle: string | null;
  website: string | null;
  source: "website" | "referral" | "event" | "advertisement" | "outbound" | "partner" | "import" | "other";
  stage: "new" | "contacted" | "qualified" | "won" | "lost";
  score: number;
  owner: Person | null;
  /** The expected value, as "1200.50". */
  value: string | null;
  currency: string | null;
  lostReason: "price" | "timing" | "competitor" | "no_need" | "no_answer" | "duplicate" | "other" | null;
  lostNote: string | null;
  notes: string | null;
  lastInteractionAt: string | null;
  createdBy: Person | null;
  version: number;
  createdAt: string;
  updatedAt: string;
};

export type LeadMove = {
  id: string;
  to: "new" | "contacted" | "qualified" | "won" | "lost";
  actor: Person | null;
  createdAt: string;
  /** The previous stage; null for the first one. */
  from: string | null;
};

export type LeadMovePage = {
  data: Array<LeadMove>;
  nextCursor: string | null;
};

export type LeadsLeadPage = {
  data: Array<Lead>;
  nextCursor: string | null;
  /** Subscribe to leads with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type LeaveBody = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
};

export type LikeState = {
  liked: boolean;
  likeCount: number;
  /** Grows with each change of the post's counters. Keep the counters with the highest version that you have seen, from any source. */
  countsVersion: number;
};

export type LinkRepository = {
  /** https alone, without a user or a password. */
  url: string;
  /** The branch to follow; null: the HEAD of the remote. */
  branch?: string | null;
  /** The token to read a private repository with; never shown. Absent: the present one stays, for the same address; null: it is deleted. */
  token?: string | null;
  /** Seconds between two regular syncs; hooks and people can request more. */
  interval?: number;
};

export type LinkedRepository = {
  id: string;
  projectId: string;
  url: string;
  branch: string | null;
  /** The branch that the last sync followed. */
  defaultBranch: string | null;
  status: "pending" | "syncing" | "synced" | "failed";
  /** Why the last sync failed. */
  reason: "url_refused" | "https_only" | "address_refused" | "host_unknown" | "auth_failed" | "not_found" | "redirected" | "unreachable" | "tls_failed" | "too_slow" | "timeout" | "too_large" | "branch_gone" | "git_failed" | null;
  /** The reason in words, for people. */
  message: string | null;
  /** The address to which the host redirected the last sync, if it is on the same host. It is not followed: link it if it is the one you mean. */
  movedTo: string | null;
  /** The newest commit. */
  head: string | null;
  commitCount: number;
  hasToken: boolean;
  /** Seconds between two regular syncs; hooks and people can request more. */
  interval: number;
  failingSince: string | null;
  lastSyncedAt: string | null;
  /** When the next regular sync is due; null: only on request, since the token was refused five times. */
  nextSyncAt: string | null;
  version: number;
  createdAt: string;
  /** Present if new: the secret that signs requests to `/hooks/repositories/{id}`, as GitHub, GitLab and Gitea do. */
  hookSecret?: string;
};

export type LinkedTask = {
  id: string;
  number: number | null;
  title: string;
  status: "todo" | "in_progress" | "review" | "done" | "cancelled";
  projectId: string | null;
};

export type Links = {
  blockers: Array<LinkedTask>;
  hiddenBlockers: number;
  blocking: Array<LinkedTask>;
  hiddenBlocking: number;
};

export type Load = {
  user: Person;
  open: number;
};

export type LoginBody = {
  /** Compared without case; the domain may be international. */
  email: string;
  password: string;
  /** web: refresh token in a cookie; mobile and cli: in the body. */
  platform?: "web" | "mobile" | "cli";
  /** A name by which you recognise the device. */
  device?: string | null;
};

export type Mark = {
  /** The number of a message; a number beyond the newest counts as the newest. */
  n: number;
};

export type MarkBody = {
  /** true: critical; null and false: as `byDesign` says. */
  critical: boolean | null;
};

export type Marks = {
  readN: number;
  deliveredN: number;
};

export type MeOut = {
  id: string;
  email: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  avatarUrl: string | null;
  role: "admin" | "manager" | "member";
  status: "active" | "deactivated" | "deleted";
  emailVerified: boolean;
  createdAt: string;
  updatedAt: string;
  /** The permissions of the role; for an API key only those among its scopes. */
  permissions: Array<string>;
  /** Unread notifications; null without `notification:read`. */
  unread: number | null;
};

export type Member = {
  user: Person;
  /** owner: settings, members, deletion; editor: writes; viewer: reads. */
  role: "owner" | "editor" | "viewer";
  /** When the person became a member. */
  createdAt: string;
};

export type MemberPage = {
  data: Array<Member>;
  nextCursor: string | null;
};

export type MergeLead = {
  fromId: string;
};

export type Message = {
  id: string;
  conversationId: string;
  /** The number in the conversation: 1, 2, 3 ... without gaps. Sort by it, not by time. */
  n: number;
  author: Person | null;
  /** Null once the message is deleted. */
  body: string | null;
  replyTo: Excerpt | null;
  uploads: Array<Attachment>;
  reactions: Array<Reaction>;
  deleted: boolean;
  version: number;
  createdAt: string;
  editedAt: string | null;
};

export type Move = {
  id: string;
  to: "draft" | "published" | "archived" | "open" | "in_progress" | "on_hold" | "completed" | "cancelled";
  actor: Person | null;
  createdAt: string;
  /** The previous status; null for the first one. */
  from: string | null;
};

export type MoveFolder = {
  /** The new path of the folder. */
  to: string;
  /** A folder: `docs`. */
  from: string;
};

export type MoveLead = {
  /** Required for the stage `lost`, refused for all others. */
  lostReason?: "price" | "timing" | "competitor" | "no_need" | "no_answer" | "duplicate" | "other" | null;
  lostNote?: string | null;
  stage: "new" | "contacted" | "qualified" | "won" | "lost";
};

export type MovePage = {
  data: Array<Move>;
  nextCursor: string | null;
};

export type MovePost = {
  status: "draft" | "published" | "archived" | "open" | "in_progress" | "on_hold" | "completed" | "cancelled";
};

export type Mute = {
  entity: Muted;
  /** The title, beginning or name of the entity; null if you cannot see it now. */
  title: string | null;
  until: string | null;
  createdAt: string;
};

export type MuteBody = {
  /** The end of the mute, at most ten years away; null: no end. */
  until?: string | null;
};

export type MutePage = {
  data: Array<Mute>;
  nextCursor: string | null;
};

export type Muted = {
  /** `post`, `comment`, `user` ... */
  type: string;
  id: string;
};

export type NewApiKey = {
  id: string;
  name: string;
  /** The first characters of the key. */
  shown: string;
  scopes: Array<string>;
  createdAt: string;
  /** When the key was last used, up to a minute late. */
  lastUsedAt: string | null;
  expiresAt: string | null;
  /** The secret, which only this answer shows. */
  key: string;
};

export type NewWebhook = {
  id: string;
  scope: "own" | "project" | "all";
  projectId: string | null;
  url: string;
  types: Array<string>;
  description: string | null;
  status: "active" | "paused" | "disabled";
  /** Why it is not active. owner: the owner paused it; failing: it failed for five days; right_lost: the owner lost the right to it; secret_lost: its secret cannot be read; gone: the endpoint answered 410. */
  reason: "owner" | "failing" | "right_lost" | "secret_lost" | "gone" | null;
  /** The number of failed attempts in a row. */
  failures: number;
  failingSince: string | null;
  lastOkAt: string | null;
  /** Until when requests are signed with the previous secret, too. */
  oldSecretUntil: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** `whsec_...`, which only this answer shows. */
  secret: string;
};

export type Newest = {
  id: string;
  n: number;
  author: Person | null;
  /** The beginning of the message; empty if it has only files. */
  excerpt: string;
  createdAt: string;
};

export type Notification = {
  id: string;
  /** More may come. There are: `security`, `mention`, `announcement`, `project_status`, `assignment`, `like`, `interest`, `comment`, `comment_added`, `follow`, `message`, `lead_created`, `score_updated`, `task_assigned`, `task_updated`, `task_completed`, `import_done`, `task_due`, `member_added`, `webhook`, `repository`. */
  type: string;
  title: string;
  /** The beginning of the text it is about; empty once the post or the comment is deleted. */
  message: string;
  isRead: boolean;
  seenAt: string | null;
  archivedAt: string | null;
  /** If this or archivedAt is set, the notification is not in the list: remove it there. */
  snoozedUntil: string | null;
  /** Sort lists by it, the greatest first. It grows when the snooze ends. */
  position: string;
  /** The group that it belongs to. */
  groupId: string | null;
  /** In a grouped list, the group that the notification stands for; null everywhere else. */
  group: Group | null;
  /** Show it without a sound: it came in quiet hours. */
  silent: boolean;
  actor: Person | null;
  entity: Entity | null;
  postId: string | null;
  relatedLeadId: string | null;
  createdAt: string;
  updatedAt: string;
};

export type NotificationPage = {
  data: Array<Notification>;
  nextCursor: string | null;
  unreadCount: number;
  epoch: string | null;
  seq: number;
};

export type NotificationType = {
  /** More may come. There are: `security`, `mention`, `announcement`, `project_status`, `assignment`, `like`, `interest`, `comment`, `comment_added`, `follow`, `message`, `lead_created`, `score_updated`, `task_assigned`, `task_updated`, `task_completed`, `import_done`, `task_due`, `member_added`, `webhook`, `repository`. */
  type: string;
  critical: boolean;
  /** true: always critical, whatever an administrator marks. */
  byDesign: boolean;
  groupable: boolean;
  default: Channels;
};

export type NotificationTypePage = {
  data: Array<NotificationType>;
  nextCursor: string | null;
};

export type OpenAtEnd = {
  day: string;
  open: number;
};

export type OpenConversation = {
  /** The title of a new group; send this or `userId`. */
  title?: string;
  /** The members of the group besides you; more can be added later. */
  userIds?: Array<string>;
  /** The other person of a direct conversation; your own id opens your notes. */
  userId?: string;
};

export type OpenFile = {
  fileId: string;
  path: string;
  /** Each person once. */
  users: Array<Person>;
};

export type OutboxState = {
  depth: number;
  /** Seconds that the oldest event has waited. */
  age: number;
  dead: number;
};

export type Overview = {
  /** Active people; from 100,000 on, an estimate of all accounts. */
  users: number;
  /** Workers seen in the last 15 seconds. */
  workers: number;
  outbox: OutboxState;
  /** The last ten seconds that are complete. */
  latest: OverviewPoint;
  nodes: Array<OverviewNode>;
};

export type OverviewHistory = {
  range: string;
  /** Seconds between two points. */
  step: number;
  data: Array<OverviewPoint>;
};

export type OverviewNode = {
  /** Requests answered, except sockets and streams. */
  requestsPerSecond: number | null;
  /** Requests answered with 5xx. */
  errorsPerSecond: number | null;
  /** The median response time in milliseconds; null without requests. */
  latencyP50: number | null;
  /** The response time in milliseconds that 99 of 100 requests did not exceed. */
  latencyP99: number | null;
  /** Open WebSockets, including those that edit files. */
  sockets: number | null;
  /** Notifications written. */
  notificationsPerSecond: number | null;
  /** Events of the outbox delivered. */
  deliveredPerSecond: number | null;
  /** Connections to PostgreSQL. */
  poolSize: number | null;
  /** Connections in use. */
  poolBusy: number | null;
  id: string;
  kind: "web" | "worker";
  at: string;
};

export type OverviewPoint = {
  /** Requests answered, except sockets and streams. */
  requestsPerSecond: number | null;
  /** Requests answered with 5xx. */
  errorsPerSecond: number | null;
  /** The median response time in milliseconds; null without requests. */
  latencyP50: number | null;
  /** The response time in milliseconds that 99 of 100 requests did not exceed. */
  latencyP99: number | null;
  /** Open WebSockets, including those that edit files. */
  sockets: number | null;
  /** Notifications written. */
  notificationsPerSecond: number | null;
  /** Events of the outbox delivered. */
  deliveredPerSecond: number | null;
  /** Connections to PostgreSQL. */
  poolSize: number | null;
  /** Connections in use. */
  poolBusy: number | null;
  /** When the step began. */
  at: string;
  /** Jobs that wait in Redis. */
  queueDepth: number | null;
  /** Events that wait for delivery. */
  outboxDepth: number | null;
  /** Seconds that the oldest event has waited. */
  outboxAge: number | null;
  /** Events given up on. */
  deadLetters: number | null;
  /** Web processes that measured. */
  webNodes: number | null;
  /** Workers that measured. */
  workers: number | null;
};

export type OwnProfile = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** The person's posts that lists show. */
  postCount: number;
  id: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  jobTitle: string | null;
  department: string | null;
  location: string | null;
  avatarUrl: string | null;
  role: "admin" | "manager" | "member";
  createdAt: string;
  email: string;
  status: "active" | "deactivated" | "deleted";
  bio: string | null;
  version: number;
  phone: string | null;
  emailVerified: boolean;
  lastSeenAt: string | null;
};

export type Participant = {
  user: Person;
  /** Whether the person is in the session now. */
  here: boolean;
  /** When the person last joined. */
  joinedAt: string;
  /** When the person was last seen; after 60 seconds more they have left. */
  seenAt: string;
  leftAt: string | null;
};

export type ParticipantPage = {
  data: Array<Participant>;
  nextCursor: string | null;
};

export type PeoplePage = {
  data: Array<PersonCard>;
  nextCursor: string | null;
  total?: number;
};

export type PermissionOut = {
  code: string;
  description: string;
};

export type PermissionsBody = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  permissions: Array<string>;
};

export type Person = {
  id: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  avatarUrl: string | null;
};

export type PersonCard = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** The person's posts that lists show. */
  postCount: number;
  id: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  jobTitle: string | null;
  department: string | null;
  location: string | null;
  avatarUrl: string | null;
  role: "admin" | "manager" | "member";
  createdAt: string;
  /** Shown to the user and to holders of `user:contact`. */
  email?: string | null;
  /** Shown to the user and to holders of `user:manage`. */
  status?: "active" | "deactivated" | "deleted";
};

export type PersonSeen = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** The person's posts that lists show. */
  postCount: number;
  id: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  avatarUrl: string | null;
};

export type PersonSince = {
  user: PersonSeen;
  createdAt: string;
};

export type PersonSincePage = {
  data: Array<PersonSince>;
  nextCursor: string | null;
};

export type Place = {
  before?: string;
  after?: string;
};

export type Post = {
  id: string;
  type: "normal" | "announcement" | "project";
  /** The status of an announcement or a project. */
  status: "draft" | "published" | "archived" | "open" | "in_progress" | "on_hold" | "completed" | "cancelled" | null;
  title: string | null;
  body: string;
  author: Person;
  assignee: Person | null;
  uploads: Array<Attachment>;
  likeCount: number;
  commentCount: number;
  interestCount: number;
  /** Grows with each change of the post's counters. Keep the counters with the highest version that you have seen, from any source. */
  countsVersion: number;
  liked: boolean;
  interested: boolean;
  /** For posts of the type project: the project that seeks people; null if the viewer may not see it. */
  projectId: string | null;
  version: number;
  createdAt: string;
  /** The time by which lists are ordered; null for drafts. */
  publishedAt: string | null;
  updatedAt: string;
};

export type PostCommentPage = {
  data: Array<Comment>;
  nextCursor: string | null;
  /** Subscribe to post:{id} with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type PostPage = {
  data: Array<Post>;
  nextCursor: string | null;
};

export type PostPersonSincePage = {
  data: Array<PersonSince>;
  nextCursor: string | null;
  /** Subscribe to post:{id} with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type PostRead = {
  /** When you first marked the post as read; for its author, when the post was made. */
  readAt: string;
};

export type Preferences = {
  types: Record<string, TypePreference>;
  quietHours: QuietShown | null;
  timezone: string;
  digest: "none" | "hourly" | "daily";
  digestAt: string;
  nextDigestAt: string | null;
};

export type PreferencesBody = {
  /** Channels by type of notification; null restores the defaults of a type. */
  types?: Record<string, Choice | null>;
  quietHours?: QuietHours | null;
  /** A time zone of the IANA database. */
  timezone?: string;
  digest?: "none" | "hourly" | "daily";
  /** When the daily digest is sent. */
  digestAt?: string;
  /** Read-only: accepted as GET shows it, and ignored. */
  nextDigestAt?: unknown;
};

export type Preparing = {
  status: "preparing";
};

export type Presence = {
  /** The open files, by path. */
  data: Array<OpenFile>;
};

export type Profile = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** The person's posts that lists show. */
  postCount: number;
  id: string;
  username: string;
  firstName: string | null;
  lastName: string | null;
  jobTitle: string | null;
  department: string | null;
  location: string | null;
  avatarUrl: string | null;
  role: "admin" | "manager" | "member";
  createdAt: string;
  /** Shown to the user and to holders of `user:contact`. */
  email?: string | null;
  /** Shown to the user and to holders of `user:manage`. */
  status?: "active" | "deactivated" | "deleted";
  bio: string | null;
  version: number;
  /** Shown to the user and to holders of `user:contact`. */
  phone?: string | null;
  /** Shown to the user and to holders of `user:manage`. */
  emailVerified?: boolean;
  /** Shown to the user and to holders of `user:manage`. */
  lastSeenAt?: string | null;
};

export type ProfileBody = {
  firstName?: string | null;
  lastName?: string | null;
  jobTitle?: string | null;
  department?: string | null;
  location?: string | null;
  bio?: string | null;
  /** Shown to the user and to holders of `user:contact`. */
  phone?: string | null;
  avatarUrl?: string | null;
};

export type ProfilePostPage = {
  data: Array<Post>;
  nextCursor: string | null;
  /** Subscribe to profile:{id} with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type Project = {
  id: string;
  name: string;
  description: string | null;
  /** People who may read the project and its files, besides its members. private: nobody; internal: all signed-in users; public: everybody. Its tasks are always for members only. */
  visibility: "private" | "internal" | "public";
  memberCount: number;
  /** Storage of its files, including those in the trash. */
  storage: Storage;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** The viewer's role: `reader` is not a member, but the project is open to them. Holders of project:manage may do everything that owners may. */
  role: "owner" | "editor" | "viewer" | "reader";
};

export type ProjectPage = {
  data: Array<Project>;
  nextCursor: string | null;
};

export type ProviderListOut = {
  data: Array<ProviderOut>;
  nextCursor: string | null;
};

export type ProviderOut = {
  provider: string;
  /** The provider's name for people. */
  name: string;
  /** The address to send a browser to. */
  loginUrl: string;
};

export type Purged = {
  purged: number;
};

export type PushKey = {
  /** `applicationServerKey`: 65 bytes as base64url, which browsers take as it is. */
  key: string;
};

export type PushSubscription = {
  id: string;
  /** The host of the browser's push service, as `fcm.googleapis.com`. */
  endpointHost: string;
  platform: string;
  device: string | null;
  userAgent: string | null;
  /** Whether the session of this request made it. */
  current: boolean;
  createdAt: string;
  /** When the browser last sent it. */
  refreshedAt: string;
  expiresAt: string | null;
  /** When a message was last taken, up to a minute late. */
  lastSuccessAt: string | null;
  failingSince: string | null;
};

export type PushSubscriptionPage = {
  data: Array<PushSubscription>;
  nextCursor: string | null;
};

export type QuietHours = {
  from: string;
  to: string;
};

export type QuietShown = {
  from: string;
  to: string;
};

export type Reaction = {
  emoji: string;
  count: number;
  /** Whether you reacted with it; absent in frames, which name the user. */
  mine?: boolean;
};

export type Reactions = {
  reactions: Array<Reaction>;
};

export type ReadComments = {
  /** The last comment read. If it is deleted, the one before it counts. */
  upTo: string;
};

export type Reader = {
  user: PersonSeen;
  /** Null for people who have not read it. */
  readAt: string | null;
};

export type ReaderPage = {
  data: Array<Reader>;
  nextCursor: string | null;
  /** The number of all readers, whatever the page lists. */
  readerCount: number;
};

export type Readiness = {
  status: string;
  checks: Record<string, Check>;
};

export type Receipt = {
  user: Person;
  delivered: boolean;
  read: boolean;
};

export type ReceiptPage = {
  people: number;
  delivered: number;
  read: number;
  data: Array<Receipt>;
  nextCursor: string | null;
};

export type RedeliverBody = {
  /** Only deliveries before this time; now if absent. */
  to?: string;
  status?: "failed";
  /** Only deliveries at this time or later; 14 days ago if absent. */
  from?: string;
};

export type Redelivered = {
  /** The number of deliveries, at most 10,000 at a time: repeat the request for the rest. */
  count: number;
};

export type RefreshBody = {
  refreshToken?: string;
};

export type RegisterBody = {
  /** Compared without case; the domain may be international. */
  email: string;
  /** The most common passwords are refused. */
  password: string;
  /** If absent, it is made from the e-mail address. */
  username?: string;
  profile?: ProfileBody;
  invitation?: string;
};

export type RegisteredOut = {
  user: AccountOut;
};

export type RenewSecret = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  /** true: the old secret stops signing at once; else requests are signed with both for 24 hours. */
  revokeOld?: boolean;
};

export type Repeat = {
  frequency: "daily" | "weekly" | "monthly";
  every?: number;
  /** The last day on which a repetition may be due. */
  until?: string | null;
  /** The time zone of the due time, as `Europe/Berlin`: the time stays the same there when clocks change. Yours by default. */
  timezone?: string | null;
};

export type RepeatOut = {
  frequency: "daily" | "weekly" | "monthly";
  every: number;
  until: string | null;
  timezone: string;
};

export type Repository = {
  id: string;
  projectId: string;
  url: string;
  branch: string | null;
  /** The branch that the last sync followed. */
  defaultBranch: string | null;
  status: "pending" | "syncing" | "synced" | "failed";
  /** Why the last sync failed. */
  reason: "url_refused" | "https_only" | "address_refused" | "host_unknown" | "auth_failed" | "not_found" | "redirected" | "unreachable" | "tls_failed" | "too_slow" | "timeout" | "too_large" | "branch_gone" | "git_failed" | null;
  /** The reason in words, for people. */
  message: string | null;
  /** The address to which the host redirected the last sync, if it is on the same host. It is not followed: link it if it is the one you mean. */
  movedTo: string | null;
  /** The newest commit. */
  head: string | null;
  commitCount: number;
  hasToken: boolean;
  /** Seconds between two regular syncs; hooks and people can request more. */
  interval: number;
  failingSince: string | null;
  lastSyncedAt: string | null;
  /** When the next regular sync is due; null: only on request, since the token was refused five times. */
  nextSyncAt: string | null;
  version: number;
  createdAt: string;
};

export type ResetBody = {
  token: string;
  /** The most common passwords are refused. */
  password: string;
};

export type RevokedOut = {
  revoked: number;
};

export type RoleBody = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  role: "admin" | "manager" | "member";
};

export type RoleList = {
  data: Array<RolePermissions>;
  permissions: Array<PermissionOut>;
  nextCursor: string | null;
};

export type RolePermissions = {
  role: "admin" | "manager" | "member";
  permissions: Array<string>;
};

export type RowError = {
  /** The number of the line; the first line of the file is 1. */
  row: number;
  field: string | null;
  code: string;
  message: string;
};

export type SavedFilters = {
  /** One or several of `todo`, `in_progress`, `review`, `done`, `cancelled`, comma-separated. */
  status?: string;
  /** One or several of `low`, `medium`, `high`, `urgent`, comma-separated. */
  priority?: string;
  kind?: "task" | "issue";
  /** A user, `me`, or `none`: unassigned tasks. */
  assignee?: string;
  /** A user, or `me`. */
  creator?: string;
  /** A project, or `none`: tasks without a project. */
  project?: string;
  label?: string;
  /** Only the subtasks of this task. */
  parent?: string;
  blocked?: boolean;
  /** Only open tasks. `overdue`: past their date; `today`: due today; `week`: due within seven days from today, by your clock. */
  due?: "overdue" | "today" | "week";
  /** Only tasks with this text in the title. */
  q?: string;
  /** `created`: newest first; `updated`: last changed first; `due`: earliest due date first, tasks without one last; `priority`: most urgent first, newest first among equals. */
  sort?: "created" | "updated" | "due" | "priority";
};

export type ScoreLead = {
  score: number;
};

export type SendMessage = {
  body?: string;
  /** An id of your choice, so that a retry does not send the message twice. */
  id?: string;
  /** A message of the same conversation. */
  replyToId?: string | null;
  /** Your uploads that are not attached yet. */
  uploadIds?: Array<string>;
};

export type SessionFile = {
  id: string;
  path: string;
};

export type SessionListOut = {
  data: Array<SessionOut>;
  nextCursor: string | null;
};

export type SessionOut = {
  id: string;
  platform: "web" | "mobile" | "cli";
  device: string | null;
  ip: string | null;
  userAgent: string | null;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
  /** True for the session of this request. */
  current: boolean;
};

export type SetConversationMember = {
  /** owner: changes title and members, deletes the group. Both people of a direct conversation are `member`. */
  role?: "owner" | "member";
};

export type SetConversationSettings = {
  /** `all`: you are notified of messages that stay unread for ten seconds; `mentions`: only of those that mention you; `none`: never. Default: `all`; in groups of more than 20 members `mentions`. */
  level?: "all" | "mentions" | "none";
  /** You get no notifications until then; null: as `level` says. */
  mutedUntil?: string | null;
};

export type SetMember = {
  /** owner: settings, members, deletion; editor: writes; viewer: reads. */
  role: "owner" | "editor" | "viewer";
};

export type SignUpload = {
  name: string;
  bytes: number;
};

export type SignedInOut = {
  accessToken: string;
  tokenType: "Bearer";
  /** Lifetime in seconds. */
  expiresIn: number;
  user: AccountOut;
  /** mobile and cli only; web gets a cookie. */
  refreshToken?: string;
};

export type StatusBody = {
  status: "active" | "deactivated";
};

export type Steps = {
  total: number;
  done: number;
};

export type Storage = {
  bytes: number;
  limit: number;
};

export type SubscriptionKeys = {
  /** The public key: 65 bytes, a point of P-256, as base64url. */
  p256dh: string;
  /** The shared secret: 16 bytes, as base64url. */
  auth: string;
};

export type SudoBody = {
  currentPassword: string;
};

export type SudoOut = {
  /** Lifetime in seconds. */
  expiresIn: number;
};

export type Task = {
  id: string;
  /** The task's number in its project. */
  number: number | null;
  kind: "task" | "issue";
  title: string;
  status: "todo" | "in_progress" | "review" | "done" | "cancelled";
  priority: "low" | "medium" | "high" | "urgent";
  creator: Person;
  assignee: Person | null;
  projectId: string | null;
  leadId: string | null;
  parentId: string | null;
  /** The order in the column, ascending; tasks with equal ranks by id. */
  rank: number;
  /** The due date as given: a day, or a time. */
  dueDate: string | null;
  /** The due date as a moment; for a day, its last second. */
  dueAt: string | null;
  dueAllDay: boolean;
  /** When the task was first in progress. */
  startedAt: string | null;
  /** When the task was done; null if it is not. */
  completedAt: string | null;
  labels: Array<TaskLabel>;
  /** Whether a task that blocks this one is still open. */
  blocked: boolean;
  checklist: Steps;
  subtasks: Steps;
  commentCount: number;
  /** How the task repeats; null if it does not, or no longer. */
  repeat: RepeatOut | null;
  seriesId: string | null;
  occurrence: number | null;
  externalRef: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  description: string | null;
  uploads: Array<Attachment>;
  /** Whether you watch the task. */
  watching: boolean;
};

export type TaskChange = {
  id: string;
  type: string;
  actor: Person | null;
  version: number | null;
  /** The names of the changed fields. */
  changed: Array<string>;
  /** States, ids and dates before the change. */
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  texts: Array<TextChange>;
  file: ChangeFile | null;
  createdAt: string;
};

export type TaskChangePage = {
  data: Array<TaskChange>;
  nextCursor: string | null;
};

export type TaskCommentPage = {
  data: Array<Comment>;
  nextCursor: string | null;
  /** Subscribe to task:{id} with `epoch` and `seq`: its frames then keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type TaskLabel = {
  id: string;
  name: string;
  color: string;
};

export type TaskList = {
  data: Array<Task>;
  nextCursor: string | null;
  /** Only if you ask for a page by its number. */
  total?: number;
  /** Whether there are more tasks than `total` says. */
  totalCapped?: boolean;
};

export type TaskPage = {
  data: Array<Task>;
  nextCursor: string | null;
};

export type TaskStats = {
  total: number;
  /** Tasks that are neither done nor cancelled. */
  open: number;
  /** Open tasks past their due date. */
  overdue: number;
  byStatus: CountsTodo;
  byPriority: CountsLow;
  byKind: CountsTask;
  /** Open tasks of a project, or all open tasks, by assignee, or by creator if unassigned: highest number first, 50 people at most. */
  byAssignee: Array<Load>;
  throughput: Array<Week>;
  /** Average seconds from start to completion of the tasks completed in these weeks. A task that was never in progress started when it was created. */
  cycleSeconds: number | null;
  /** Recorded when a day ends; later changes do not alter it. */
  burndown: Array<OpenAtEnd>;
  countedAt: string;
};

export type TextChange = {
  field: string;
  before: string | null;
  after: string | null;
};

export type TicketBody = {
  purpose: "ws" | "download";
};

export type TicketOut = {
  ticket: string;
  /** Lifetime in seconds. */
  expiresIn: number;
};

export type TokenBody = {
  token: string;
};

export type Trace = {
  data: Array<TraceStep>;
};

export type TraceStep = {
  /** `audience`, `decision`, `inApp`, `email`, `push`, `delivered`, `seen`, `read`, `archived`, `snoozed`. */
  step: string;
  /** `chosen`; `told` or `held`; `shown` or `silent`; `left_out`, `planned`, `attempt_...`, `waiting`, `sent`, `skipped` or `failed`; `acknowledged` by a device; `done`; `until`. */
  outcome: string;
  /** A code, or the other side's answer to an attempt. */
  reason: string | null;
  at: string;
};

export type TrashedFile = {
  id: string;
  projectId: string;
  path: string;
  /** text: edited together at `/collab/{id}`; binary: replaced as a whole. */
  kind: "text" | "binary";
  type: string;
  /** The line ending of the content. */
  eol: "lf" | "crlf";
  /** The size of the newest version as stored: lines of a text end with LF. */
  bytes: number;
  /** The number of the newest version of its content. */
  contentVersion: number;
  /** The version of path and type; the content has its own. */
  version: number;
  creator: Person | null;
  createdAt: string;
  updatedAt: string;
  deletedAt: string;
  deletedBy: Person | null;
};

export type TrashedFilePage = {
  data: Array<TrashedFile>;
  nextCursor: string | null;
};

export type TrashedProject = {
  id: string;
  name: string;
  description: string | null;
  /** People who may read the project and its files, besides its members. private: nobody; internal: all signed-in users; public: everybody. Its tasks are always for members only. */
  visibility: "private" | "internal" | "public";
  memberCount: number;
  /** Storage of its files, including those in the trash. */
  storage: Storage;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** The viewer's role: `reader` is not a member, but the project is open to them. Holders of project:manage may do everything that owners may. */
  role: "owner" | "editor" | "viewer" | "reader";
  deletedAt: string;
  deletedBy: Person | null;
};

export type TrashedProjectPage = {
  data: Array<TrashedProject>;
  nextCursor: string | null;
};

export type TrashedTask = {
  id: string;
  /** The task's number in its project. */
  number: number | null;
  kind: "task" | "issue";
  title: string;
  status: "todo" | "in_progress" | "review" | "done" | "cancelled";
  priority: "low" | "medium" | "high" | "urgent";
  creator: Person;
  assignee: Person | null;
  projectId: string | null;
  leadId: string | null;
  parentId: string | null;
  /** The order in the column, ascending; tasks with equal ranks by id. */
  rank: number;
  /** The due date as given: a day, or a time. */
  dueDate: string | null;
  /** The due date as a moment; for a day, its last second. */
  dueAt: string | null;
  dueAllDay: boolean;
  /** When the task was first in progress. */
  startedAt: string | null;
  /** When the task was done; null if it is not. */
  completedAt: string | null;
  labels: Array<TaskLabel>;
  /** Whether a task that blocks this one is still open. */
  blocked: boolean;
  checklist: Steps;
  subtasks: Steps;
  commentCount: number;
  /** How the task repeats; null if it does not, or no longer. */
  repeat: RepeatOut | null;
  seriesId: string | null;
  occurrence: number | null;
  externalRef: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  description: string | null;
  uploads: Array<Attachment>;
  /** Whether you watch the task. */
  watching: boolean;
  deletedAt: string;
  deletedBy: Person | null;
};

export type TrashedTaskPage = {
  data: Array<TrashedTask>;
  nextCursor: string | null;
};

export type TypePreference = {
  inApp: boolean;
  /** `off`: no mail; `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email: "off" | "offline" | "always";
  push: boolean;
  default: Channels;
  /** true: mutes, preferences and quiet hours do not hold this type, and its channels cannot be changed. */
  critical: boolean;
};

export type UnreadCount = {
  count: number;
};

export type UnreadMessages = {
  messages: number;
  conversations: number;
};

export type UpTo = {
  /** Only this notification and older ones: the id of a notification, or a position. Newer ones stay as they are. */
  upTo?: string | null;
};

export type UpdateChat = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  /** null: the beginning of its first question, once there is one. */
  title?: string | null;
  /** A project that you may read; questions are answered from its files. */
  projectId?: string | null;
  /** One of `AI_MODEL` and `AI_MODELS`; null: the first. */
  model?: string | null;
};

export type UpdateComment = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  body: string;
};

export type UpdateConversation = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  title: string;
};

export type UpdateFile = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  /** `docs/plan.md`: unique in its project regardless of case; NFC, at most 512 bytes. */
  path?: string;
  /** The media type; absent: derived from the end of the path. */
  type?: string;
};

export type UpdateInteraction = {
  kind?: "call" | "mail" | "meeting" | "note";
  text?: string;
  /** From 1970 to 2100. */
  happenedAt?: string;
  /** The version the change is based on; a stale one is 409. */
  version?: number;
};

export type UpdateItem = {
  text?: string;
  isDone?: boolean;
  place?: Place;
};

export type UpdateLabel = {
  /** Unique in its project; case does not count. */
  name?: string;
  color?: string;
};

export type UpdateLead = {
  /** Required for the stage `lost`, refused for all others. */
  lostReason?: "price" | "timing" | "competitor" | "no_need" | "no_answer" | "duplicate" | "other" | null;
  lostNote?: string | null;
  company?: string | null;
  email?: string | null;
  phone?: string | null;
  jobTitle?: string | null;
  website?: string | null;
  source?: "website" | "referral" | "event" | "advertisement" | "outbound" | "partner" | "import" | "other";
  stage?: "new" | "contacted" | "qualified" | "won" | "lost";
  score?: number;
  /** A user who may read leads. */
  ownerId?: string | null;
  /** The expected value, as "1200.50"; needs a currency. */
  value?: string | null;
  /** ISO 4217, for instance EUR. */
  currency?: string | null;
  notes?: string | null;
  /** true: even if a lead with this e-mail address or phone number exists. */
  allowDuplicate?: boolean;
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  name?: string;
};

export type UpdateMessage = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  body: string;
};

export type UpdateNotification = {
  /** true also marks it as seen; false leaves it seen. */
  isRead?: boolean;
  /** true: removes it from the list and the count, and ends a snooze. false: puts it back in its place, as it was. */
  archived?: boolean;
  /** The unread count stays. false has no effect on a read notification. */
  seen?: boolean;
  /** Until then, at most a year, it is out of the list, the archive and the count; then it is unread, on top and in no group. null: now. */
  snoozedUntil?: string | null;
};

export type UpdatePost = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  title?: string | null;
  body?: string;
  /** All uploads of the post from now on, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** For posts of the type project: a project that you may edit. */
  projectId?: string | null;
};

export type UpdateProfile = {
  firstName?: string | null;
  lastName?: string | null;
  jobTitle?: string | null;
  department?: string | null;
  location?: string | null;
  bio?: string | null;
  /** Shown to the user and to holders of `user:contact`. */
  phone?: string | null;
  /** Any http(s) address, or the `url` or `thumbnailUrl` of an image of your own, which is then kept. */
  avatarUrl?: string | null;
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  /** Compared without case. */
  username?: string;
};

export type UpdateProject = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  name?: string;
  description?: string | null;
  /** People who may read the project and its files, besides its members. private: nobody; internal: all signed-in users; public: everybody. Its tasks are always for members only. */
  visibility?: "private" | "internal" | "public";
};

export type UpdateTask = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  title?: string;
  description?: string | null;
  kind?: "task" | "issue";
  status?: "todo" | "in_progress" | "review" | "done" | "cancelled";
  priority?: "low" | "medium" | "high" | "urgent";
  assigneeId?: string | null;
  /** Moving to another project gives the task a new number, and removes its labels and parent. */
  projectId?: string | null;
  /** Needs `lead:read`. */
  leadId?: string | null;
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All labels of the task from now on: labels of its project, or labels without a project if it has none. */
  labelIds?: Array<string>;
  /** All uploads of the task from now on, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** Starts a new series with this task; null ends the series. */
  repeat?: Repeat | null;
  /** The new place in the task's column, or in the column of `status` if that is sent. */
  place?: Place;
};

export type UpdateUpload = {
  /** Alternative text: describes the picture to people who cannot see it. */
  alt: string | null;
};

export type UpdateView = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  name?: string;
  /** Filters and order, as parameters of `GET /tasks`. */
  query?: SavedFilters;
  projectId?: string | null;
  shared?: boolean;
};

export type UpdateWebhook = {
  /** Not needed within ten minutes of `POST /auth/sudo` or a proof by a provider. */
  currentPassword?: string;
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  /** https, at an address of the public internet. Redirects are not followed. */
  url?: string;
  /** Types of event, `task.*` for all of a subject; empty: all types of the scope. Your own notifications are `notification.` and their type. */
  types?: Array<string>;
  description?: string | null;
  /** Stops sending; events are kept for 14 days, until you resume it. */
  status?: "paused";
};

export type Updated = {
  updated: number;
};

export type Upload = {
  id: string;
  name: string;
  /** The media type. */
  type: string;
  bytes: number;
  /** Width in pixels, as shown. */
  width: number | null;
  height: number | null;
  /** Alternative text of a picture, by its owner. */
  alt: string | null;
  url: string;
  /** For images. It may come later than the upload; for a post's image it comes with a `post:updated` whose version has not changed. */
  thumbnailUrl: string | null;
  createdAt: string;
};

export type UploadSignature = {
  /** The id of the upload, once it is confirmed. */
  id: string;
  url: string;
  apiKey: string;
  /** The signature is valid for an hour from this time. */
  timestamp: number;
  folder: string;
  publicId: string;
  signature: string;
  fields: Record<string, string>;
};

export type Usage = {
  days: number;
  data: Array<UsageDay>;
};

export type UsageDay = {
  day: string;
  /** People who did something, or whose session was refreshed. */
  activePeople: number | null;
  /** Posts published. */
  posts: number | null;
  /** Comments written, on posts and tasks. */
  comments: number | null;
  /** Messages between people. */
  messages: number | null;
  /** Tasks completed. */
  tasksDone: number | null;
  /** The median time from a post to the first comment on it by another person, for first comments of this day; null without any. */
  firstCommentSeconds: number | null;
  /** Response time in milliseconds: the mean of the medians of every ten seconds, weighted by requests; null if nothing was measured. */
  latencyP50: number | null;
  /** The same for the time that 99 of 100 requests did not exceed. */
  latencyP99: number | null;
  /** When the day was last counted. */
  countedAt: string | null;
};

export type Version = {
  n: number;
  cause: "created" | "edited" | "put" | "restored";
  restoredFrom: number | null;
  bytes: number;
  authors: Array<Person>;
  createdAt: string;
};

export type VersionPage = {
  data: Array<Version>;
  nextCursor: string | null;
};

export type View = {
  id: string;
  name: string;
  projectId: string | null;
  /** Parameters of `GET /tasks`. */
  query: Record<string, string>;
  shared: boolean;
  owner: Person;
  /** Whether you may change the view. */
  mine: boolean;
  version: number;
  createdAt: string;
  updatedAt: string;
};

export type ViewPage = {
  data: Array<View>;
  nextCursor: string | null;
};

export type Watcher = {
  user: Person;
  createdAt: string;
};

export type WatcherPage = {
  data: Array<Watcher>;
  nextCursor: string | null;
};

export type Watching = {
  watching: boolean;
};

export type Watermark = {
  /** The last comment read, which may be deleted; null if you have not read any. */
  upTo: string | null;
  /** Comments by others after it, counted up to 100: show 100 as 99+. */
  unreadCount: number;
};

export type Webhook = {
  id: string;
  scope: "own" | "project" | "all";
  projectId: string | null;
  url: string;
  types: Array<string>;
  description: string | null;
  status: "active" | "paused" | "disabled";
  /** Why it is not active. owner: the owner paused it; failing: it failed for five days; right_lost: the owner lost the right to it; secret_lost: its secret cannot be read; gone: the endpoint answered 410. */
  reason: "owner" | "failing" | "right_lost" | "secret_lost" | "gone" | null;
  /** The number of failed attempts in a row. */
  failures: number;
  failingSince: string | null;
  lastOkAt: string | null;
  /** Until when requests are signed with the previous secret, too. */
  oldSecretUntil: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
};

export type WebhookAttempt = {
  n: number;
  at: string;
  status: number | null;
  ms: number;
  error: string | null;
  /** The first 1,024 bytes of the body. */
  response: string | null;
};

export type WebhookDelivery = {
  id: string;
  /** `msg_` and its digits are the `webhook-id` of every attempt. */
  eventId: string;
  type: string;
  status: "pending" | "delivered" | "failed";
  attempts: number;
  /** The earliest time of the next attempt; it comes later while the endpoint fails or is paused. */
  nextAttemptAt: string | null;
  lastStatus: number | null;
  /** `timeout`, `dns`, `tls`, `connection`, or why the URL is not called: `url_refused`, `https_only`, `address_refused`. */
  lastError: string | null;
  lastMs: number | null;
  createdAt: string;
  endedAt: string | null;
};

export type WebhookDeliveryLog = {
  id: string;
  /** `msg_` and its digits are the `webhook-id` of every attempt. */
  eventId: string;
  type: string;
  status: "pending" | "delivered" | "failed";
  attempts: number;
  /** The earliest time of the next attempt; it comes later while the endpoint fails or is paused. */
  nextAttemptAt: string | null;
  lastStatus: number | null;
  /** `timeout`, `dns`, `tls`, `connection`, or why the URL is not called: `url_refused`, `https_only`, `address_refused`. */
  lastError: string | null;
  lastMs: number | null;
  createdAt: string;
  endedAt: string | null;
  log: Array<WebhookAttempt>;
};

export type WebhookDeliveryPage = {
  data: Array<WebhookDelivery>;
  nextCursor: string | null;
};

export type WebhookPage = {
  data: Array<Webhook>;
  nextCursor: string | null;
};

export type Week = {
  /** The Monday on which the week begins, in UTC. */
  week: string;
  created: number;
  completed: number;
  cancelled: number;
  /** Average seconds from start to completion of the tasks completed in the week. A task that was never in progress started when it was created. */
  cycleSeconds: number | null;
};
