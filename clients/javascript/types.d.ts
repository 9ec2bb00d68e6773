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
  /** As `task.created` or `member.added`. */
  type: string;
  actor: Person | null;
  entityType: string;
  entityId: string;
  /** What it is called now, or how it begins; null of what is gone. */
  entityName: string | null;
  /** Whom it is about: a member. */
  user: Person | null;
  /** Names of members. */
  changed: Array<string>;
  /** States, ids and dates as they were. */
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
  /** Up to a minute late. */
  lastUsedAt: string | null;
  expiresAt: string | null;
};

export type ApiKeyPage = {
  data: Array<ApiKey>;
  nextCursor: string | null;
};

export type ArchiveAll = {
  /** Only those before it in the list, where it is the id of a notification or its position, or with an earlier `createdAt`, where it is a time. What came since you fetched the list stays as it is. */
  before?: string | null;
  /** false: unread ones as well. */
  onlyRead?: boolean;
};

export type AskQuestion = {
  content: string;
  /** The answer that it follows; null: it begins the chat anew. Left out: the newest message. */
  parentId?: string | null;
  /** Text files of the chat's project that the model is given as a whole. */
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
  /** Media type. */
  type: string;
  bytes: number;
  /** Pixels, as it is shown. */
  width: number | null;
  height: number | null;
  /** What a picture shows, in its owner's words. */
  alt: string | null;
  url: string;
  /** Of images. It may come later than the upload; of one on a post with a `post:updated` whose version has not changed. */
  thumbnailUrl: string | null;
};

export type AuditEvent = {
  id: string;
  type: string;
  /** null for the service itself, and for people who have left. */
  actor: Person | null;
  entityType: string;
  entityId: string;
  /** What it is called now, or how it begins: posts and comments with `post:read`, people with `user:read`. null for all else, and for what is gone or not yours to see. */
  entityName: string | null;
  payload: Record<string, unknown>;
  ip: string | null;
  userAgent: string | null;
  /** X-Request-Id of the request behind it. */
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
  /** Only those before it in the list, where it is the id of a notification or its position, or with an earlier `createdAt`, where it is a time. What came since you fetched the list stays as it is. */
  before?: string | null;
};

export type BlockState = {
  blocked: boolean;
};

export type Board = {
  columns: Array<Column>;
  /** Subscribe to project:{id} with both: the frames from there on keep it complete. A task that a frame brings replaces the one of its id, wherever that stands; `task:deleted` takes it away, `task:reordered` gives ranks. */
  epoch: string | null;
  seq: number;
};

export type Branch = {
  name: string;
  head: string;
  /** Its commits are listed. */
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
  /** In another project it gets another number, loses its labels and parent. */
  projectId?: string | null;
  /** Needs `lead:read`. */
  leadId?: string | null;
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All that it is to have: labels of its project, or of none. */
  labelIds?: Array<string>;
  /** All that the task is to have, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** Begins a new series with this task; null: no more of them come. */
  repeat?: Repeat | null;
  id: string;
};

export type BulkResult = {
  id: string;
  /** As a PATCH of this task alone would have answered. */
  status: number;
  /** Of the error; null where it is done. */
  code: string | null;
  message: string | null;
  errors: Record<string, Array<string>>;
  /** The version that it has now; null where you may not see it. */
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
  /** Kept for 7 days, as the import is. */
  name: string | null;
};

export type ChangePasswordBody = {
  currentPassword: string;
  /** The most common ones are refused. */
  newPassword: string;
};

export type Changed = {
  /** How many files it had. */
  files: number;
};

export type Channels = {
  inApp: boolean;
  /** `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email: "off" | "offline" | "always";
  push: boolean;
};

export type Chat = {
  id: string;
  title: string | null;
  /** null: no project, or one that its owner may not read any more. */
  project: ChatProject | null;
  model: string | null;
  /** The newest message of its newest branch. */
  leafId: string | null;
  isAnswering: boolean;
  version: number;
  createdAt: string;
  /** Or when it was last written to. */
  updatedAt: string;
};

export type ChatMessage = {
  id: string;
  chatId: string;
  parentId: string | null;
  role: "user" | "assistant";
  /** Of an answer that has not ended what there is of it. */
  body: string;
  context: Array<ContextItem>;
  /** All that answer the same message, the oldest first, this one among them. */
  siblings: Array<string>;
  /** Of an answer; null of a question. */
  status: "queued" | "running" | "done" | "incomplete" | "cancelled" | "failed" | null;
  /** Why it is incomplete or has failed (`length`, `provider_401: ...`), or why the last attempt failed, while it is queued. */
  reason: string | null;
  /** Where `body` ends, `attempt.offset`: go on behind it with `/stream?after=`. */
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
  /** As GET shows it; changes nothing. */
  default?: unknown;
  /** As GET shows it; changes nothing. */
  critical?: unknown;
  inApp?: boolean | null;
  /** `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email?: "off" | "offline" | "always" | null;
  push?: boolean | null;
};

export type CollabSession = {
  id: string;
  projectId: string;
  title: string;
  /** null: the whole project, or a file that was deleted. */
  file: SessionFile | null;
  /** null: they have left the company. */
  host: Person | null;
  /** How many are there now. */
  participantCount: number;
  createdAt: string;
  /** When it was ended, or had been empty for 24 hours. */
  endedAt: string | null;
  /** Whether the viewer is there now. */
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
  /** Null where it is on a task. */
  postId: string | null;
  /** Null where it is on a post. */
  taskId: string | null;
  parentId: string | null;
  /** Null where deleted. */
  body: string | null;
  /** Null where deleted. */
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
  /** Whose verified address that is. */
  user: Person | null;
  authoredAt: string;
  committedAt: string;
  subject: string;
  /** Up to 4,000 characters of it. */
  body: string;
  /** Since when the branch does not lead to it: it was pushed by force. */
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
  /** What a picture shows, for those who cannot see it. */
  alt?: string | null;
};

export type ContextItem = {
  fileId?: string;
  /** The version of the file. */
  version?: number;
  /** A part of it, as `search` found it; else all of it. */
  passage?: number;
  /** Of an answer: only the beginning of the file did fit, or nothing of it. */
  isCut?: boolean;
  /** Of a question: passages were looked for. */
  search?: boolean;
};

export type Conversation = {
  id: string;
  kind: "direct" | "group";
  /** Of groups. */
  title: string | null;
  memberCount: number;
  /** The number of the newest message. */
  lastN: number;
  /** That of the oldest that is kept. */
  minN: number;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** The other one of a direct conversation; yourself: notes. */
  person: Person | null;
  /** owner: title, members, deletion. Both of a direct conversation are members. */
  role: "owner" | "member";
  unread: number;
  /** You have read up to this number. */
  readN: number;
  /** Of what you are notified when it has waited for ten seconds: all; mentions of you; nothing. Unless you choose, all, in a group of more than 20 mentions. */
  level: "all" | "mentions" | "none";
  mutedUntil: string | null;
  lastMessage: Newest | null;
  /** Subscribe to conversation:{id} with it and `epoch`: the frames from there on keep it, and its messages, complete. */
  seq: number;
  epoch: string | null;
};

export type ConversationMember = {
  user: Person;
  /** owner: title, members, deletion. Both of a direct conversation are members. */
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
  /** Of what you are notified when it has waited for ten seconds: all; mentions of you; nothing. Unless you choose, all, in a group of more than 20 mentions. */
  level: "all" | "mentions" | "none";
  mutedUntil: string | null;
};

export type Counts = {
  created: number;
  updated: number;
  /** Those that change nothing. */
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
  /** In 90 days where it is not given, in ten years at most; null for no end. */
  expiresAt?: string | null;
};

export type CreateChat = {
  /** null: how its first question begins, once there is one. */
  title?: string | null;
  /** A project that the caller reads, whose files questions are answered from. */
  projectId?: string | null;
  /** One of `AI_MODEL` and `AI_MODELS`; null: the first. */
  model?: string | null;
};

export type CreateComment = {
  /** The post that it is on, or: */
  postId?: string;
  /** The task that it is on. */
  taskId?: string;
  parentId?: string | null;
  body: string;
};

export type CreateFile = {
  /** `docs/plan.md`: unique in its project regardless of case; NFC, at most 512 bytes. */
  path: string;
  /** Absent: it is empty. */
  content?: string;
  /** The media type; absent: by the end of the path. */
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
  /** Unique in its project, whatever the case. */
  name: string;
  color: string;
  projectId?: string | null;
};

export type CreateLead = {
  /** Needed where the stage is lost, and nowhere else. */
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
  /** Somebody who may read leads. */
  ownerId?: string | null;
  /** What it may be worth, as "1200.50"; needs a currency. */
  value?: string | null;
  /** ISO 4217, for instance EUR. */
  currency?: string | null;
  notes?: string | null;
  /** Also where a lead of this e-mail address or phone number exists. */
  allowDuplicate?: boolean;
  name: string;
};

export type CreatePost = {
  type?: "normal" | "announcement" | "project";
  /** Of announcements: published where absent. */
  status?: "draft" | "published";
  title?: string | null;
  body: string;
  /** Uploads of one's own that are on no post, in order. */
  uploadIds?: Array<string> | null;
  /** Of posts of the type project: a project in which you write. Whoever is assigned becomes an editor there. */
  projectId?: string | null;
};

export type CreateProject = {
  name: string;
  description?: string | null;
  /** Who reads it, with its files, beside its members: private nobody, internal whoever is signed in, public everybody. Tasks are its members' in any case. */
  visibility?: "private" | "internal" | "public";
};

export type CreateSession = {
  title: string;
  /** The file of the project that it is about; null: the whole project. */
  fileId?: string | null;
};

export type CreateSubscription = {
  endpoint: string;
  /** When the browser's push service ends it, in milliseconds since 1970. */
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
  /** A task of the same project that is no subtask itself. */
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All that it is to have: labels of its project, or of none. */
  labelIds?: Array<string>;
  /** Uploads of your own that are on nothing, in order. */
  uploadIds?: Array<string> | null;
  /** Needs a dueDate. */
  repeat?: Repeat | null;
};

export type CreateView = {
  name: string;
  /** Filters and order, as `GET /tasks` takes them. */
  query: SavedFilters;
  /** Where it is shown and may be shared. */
  projectId?: string | null;
  /** Whether all who see the project see it, too. */
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
  /** Types of event, `task.*` for all of a subject; empty: every one of the scope. Those of your own notifications are `notification.` and the type. */
  types?: Array<string>;
  description?: string | null;
};

export type DeadLetter = {
  id: number;
  /** Given up on; else it is tried again by itself at `nextAt`. */
  dead: boolean;
  /** null where its event is gone. */
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
  /** Stable, for programs. Each response names its codes; go by the status where you know none of them. */
  code: string;
  /** For people; may change. */
  message: string;
  /** What is wrong with which field, for people: the name of a field (`title`, `profile.firstName`), of a parameter or a header, or `_schema` for the body as a whole. */
  errors: Record<string, Array<string>>;
  timestamp: string;
  path: string;
  requestId: string;
  /** `stale_version`: the row as it is now. */
  current?: Record<string, unknown>;
  /** `range_not_satisfiable`: how many bytes the file has. */
  size?: number;
  /** `lead_duplicate`: the ten oldest. */
  leadIds?: Array<string>;
  /** `lead_merged`: the lead that lives on. */
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
  /** Open it with `?ticket=`. */
  downloadUrl?: string;
  expiresAt?: string;
  /** Compressed. */
  bytes?: number;
};

export type FeedPostPage = {
  data: Array<Post>;
  nextCursor: string | null;
  /** Subscribe to feed with both: its frames from there on keep the list complete. */
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
  /** How lines of its content end. */
  eol: "lf" | "crlf";
  /** Of the newest version as it is kept: lines of a text end with LF. */
  bytes: number;
  /** The number of the newest version of its content. */
  contentVersion: number;
  /** Of path and type. */
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
  /** Of a comment the post's; of a person their name; of a file its path. */
  title: string | null;
  /** HTML: what was found in <mark>, everything else escaped. */
  highlight: string;
  /** How well it matches: more is better. */
  score: number;
  createdAt: string;
  author: Person | null;
  person: PersonSeen | null;
  postId: string | null;
};

export type FoundMessage = {
  id: string;
  conversationId: string;
  /** Its place: 1, 2, 3 ... without gaps. Sort by it, not by time. */
  n: number;
  author: Person | null;
  /** Null once it is deleted. */
  body: string | null;
  replyTo: Excerpt | null;
  uploads: Array<Attachment>;
  reactions: Array<Reaction>;
  deleted: boolean;
  version: number;
  createdAt: string;
  editedAt: string | null;
  /** HTML: what was found in <mark>, everything else escaped. */
  highlight: string;
};

export type FoundMessagePage = {
  data: Array<FoundMessage>;
  nextCursor: string | null;
};

export type FoundPage = {
  data: Array<Found>;
  nextCursor: string | null;
  /** Where nothing was found for `q`: what `data` was found for instead. */
  didYouMean: string | null;
};

export type GraphqlAnswer = {
  /** By the names of the fields that were asked for. */
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
  /** What they have in common: `like:post:{id}`. */
  key: string;
  /** How many are in the list. */
  count: number;
  unread: number;
  /** The newest three people. */
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
  /** Subscribe to conversation:{id} with it and `epoch`: nothing is missed. */
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
  /** Of a form; null for a body of `text/csv`. */
  fileName: string | null;
  dryRun: boolean;
  /** Null until it is read in. */
  counts: Counts | null;
  /** The first hundred. */
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
  /** Goes up with each change of the post's counters. Keep the counters with the highest one that you have seen, wherever they came from. */
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
  /** As "1200.50". */
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
  /** null: the stage it was made in. */
  from: string | null;
};

export type LeadMovePage = {
  data: Array<LeadMove>;
  nextCursor: string | null;
};

export type LeadsLeadPage = {
  data: Array<Lead>;
  nextCursor: string | null;
  /** Subscribe to leads with both: its frames from there on keep the list complete. */
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
  /** Goes up with each change of the post's counters. Keep the counters with the highest one that you have seen, wherever they came from. */
  countsVersion: number;
};

export type LinkRepository = {
  /** https alone, without a user or a password. */
  url: string;
  /** null: the one that the remote has as its HEAD. */
  branch?: string | null;
  /** To read a private repository with; never shown. Absent: the one there is stays, for the same address; null: it is dropped. */
  token?: string | null;
  /** Seconds between two syncs, beside those that hooks and people ask for. */
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
  /** The same for people. */
  message: string | null;
  /** Where the host, by the last sync, sends to, if that is on the same host: link it if it is the one you mean; it is not followed. */
  movedTo: string | null;
  /** The newest commit. */
  head: string | null;
  commitCount: number;
  hasToken: boolean;
  /** Seconds between two syncs, beside those that hooks and people ask for. */
  interval: number;
  failingSince: string | null;
  lastSyncedAt: string | null;
  /** null: not before somebody asks, since the token was refused five times. */
  nextSyncAt: string | null;
  version: number;
  createdAt: string;
  /** When it is new: sign with it what is sent to `/hooks/repositories/{id}`, as GitHub, GitLab and Gitea do. */
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
  /** A name to recognise it by. */
  device?: string | null;
};

export type Mark = {
  /** The number of a message; one that is not there yet counts as the newest. */
  n: number;
};

export type MarkBody = {
  /** null and false: as by design. */
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
  /** Of the role; of an API key only those among its scopes. */
  permissions: Array<string>;
  /** Unread notifications; null without `notification:read`. */
  unread: number | null;
};

export type Member = {
  user: Person;
  /** owner: settings, members, deletion; editor: writes; viewer: reads. */
  role: "owner" | "editor" | "viewer";
  /** Since when. */
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
  /** Its place: 1, 2, 3 ... without gaps. Sort by it, not by time. */
  n: number;
  author: Person | null;
  /** Null once it is deleted. */
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
  /** null: the status it was made with. */
  from: string | null;
};

export type MoveFolder = {
  /** The folder as it is to be called. */
  to: string;
  /** A folder: `docs`. */
  from: string;
};

export type MoveLead = {
  /** Needed where the stage is lost, and nowhere else. */
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
  /** Its title, its beginning or its name; null where you cannot see it now. */
  title: string | null;
  until: string | null;
  createdAt: string;
};

export type MuteBody = {
  /** At most ten years away. */
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
  /** Up to a minute late. */
  lastUsedAt: string | null;
  expiresAt: string | null;
  /** The secret, shown this once. */
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
  /** Why it is not active: owner paused it; failing for five days; right_lost by the owner; secret_lost; gone: the endpoint answered 410. */
  reason: "owner" | "failing" | "right_lost" | "secret_lost" | "gone" | null;
  /** How many attempts in a row failed. */
  failures: number;
  failingSince: string | null;
  lastOkAt: string | null;
  /** Until when the secret before signs, too. */
  oldSecretUntil: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** `whsec_...`, shown this once. */
  secret: string;
};

export type Newest = {
  id: string;
  n: number;
  author: Person | null;
  /** How it begins; empty: files alone. */
  excerpt: string;
  createdAt: string;
};

export type Notification = {
  id: string;
  /** More may come. There are: `security`, `mention`, `announcement`, `project_status`, `assignment`, `like`, `interest`, `comment`, `comment_added`, `follow`, `message`, `lead_created`, `score_updated`, `task_assigned`, `task_updated`, `task_completed`, `import_done`, `task_due`, `member_added`, `webhook`, `repository`. */
  type: string;
  title: string;
  /** How what it tells of begins; empty once the post or the comment is deleted. */
  message: string;
  isRead: boolean;
  seenAt: string | null;
  archivedAt: string | null;
  /** Where this or archivedAt is set, it is not in the list: drop it there. */
  snoozedUntil: string | null;
  /** Sort lists by it, the greatest first. It grows when a snoozed one wakes. */
  position: string;
  /** The group that it belongs to. */
  groupId: string | null;
  /** In a grouped list, where it stands for several; null everywhere else. */
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
  /** It is critical whatever an administrator marks. */
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
  /** Of a group; or `userId`. */
  title?: string;
  /** Who is in the group beside you; more can be added later. */
  userIds?: Array<string>;
  /** With whom a direct one is; yourself: notes. */
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
  /** Seconds that the oldest has waited. */
  age: number;
  dead: number;
};

export type Overview = {
  /** Active people; from 100,000 on an estimate of accounts. */
  users: number;
  /** Seen in the last 15 seconds. */
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
  /** Requests answered, but sockets and streams. */
  requestsPerSecond: number | null;
  /** Those answered 5xx. */
  errorsPerSecond: number | null;
  /** Half of the requests took no longer, in milliseconds; null where there were none. */
  latencyP50: number | null;
  /** 99 of 100 took no longer, in milliseconds. */
  latencyP99: number | null;
  /** Open WebSockets, those of files that are edited too. */
  sockets: number | null;
  /** Notifications written. */
  notificationsPerSecond: number | null;
  /** Events of the outbox delivered. */
  deliveredPerSecond: number | null;
  /** Connections to PostgreSQL. */
  poolSize: number | null;
  /** Those in use. */
  poolBusy: number | null;
  id: string;
  kind: "web" | "worker";
  at: string;
};

export type OverviewPoint = {
  /** Requests answered, but sockets and streams. */
  requestsPerSecond: number | null;
  /** Those answered 5xx. */
  errorsPerSecond: number | null;
  /** Half of the requests took no longer, in milliseconds; null where there were none. */
  latencyP50: number | null;
  /** 99 of 100 took no longer, in milliseconds. */
  latencyP99: number | null;
  /** Open WebSockets, those of files that are edited too. */
  sockets: number | null;
  /** Notifications written. */
  notificationsPerSecond: number | null;
  /** Events of the outbox delivered. */
  deliveredPerSecond: number | null;
  /** Connections to PostgreSQL. */
  poolSize: number | null;
  /** Those in use. */
  poolBusy: number | null;
  /** When the step began. */
  at: string;
  /** Jobs that wait in Redis. */
  queueDepth: number | null;
  /** Events that wait for delivery. */
  outboxDepth: number | null;
  /** For how many seconds the oldest has waited. */
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
  /** Those that stand in lists. */
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
  /** Whether they are there now. */
  here: boolean;
  /** When they last came. */
  joinedAt: string;
  /** When they were last heard of; 60 seconds later they have left. */
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
  /** Those that stand in lists. */
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
  /** For the user and holders of `user:contact`. */
  email?: string | null;
  /** For the user and holders of `user:manage`. */
  status?: "active" | "deactivated" | "deleted";
};

export type PersonSeen = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** Those that stand in lists. */
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
  /** Of announcements and projects. */
  status: "draft" | "published" | "archived" | "open" | "in_progress" | "on_hold" | "completed" | "cancelled" | null;
  title: string | null;
  body: string;
  author: Person;
  assignee: Person | null;
  uploads: Array<Attachment>;
  likeCount: number;
  commentCount: number;
  interestCount: number;
  /** Goes up with each change of the post's counters. Keep the counters with the highest one that you have seen, wherever they came from. */
  countsVersion: number;
  liked: boolean;
  interested: boolean;
  /** The project that a post of the type project looks for people for; null where the viewer may not see it. */
  projectId: string | null;
  version: number;
  createdAt: string;
  /** What lists are ordered by; null for drafts. */
  publishedAt: string | null;
  updatedAt: string;
};

export type PostCommentPage = {
  data: Array<Comment>;
  nextCursor: string | null;
  /** Subscribe to post:{id} with both: its frames from there on keep the list complete. */
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
  /** Subscribe to post:{id} with both: its frames from there on keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type PostRead = {
  /** When they said so first; for its author, when the post was made. */
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
  /** By type of notification; null: all of its channels as by default. */
  types?: Record<string, Choice | null>;
  quietHours?: QuietHours | null;
  /** A name of the IANA database. */
  timezone?: string;
  digest?: "none" | "hourly" | "daily";
  /** When the daily one is sent. */
  digestAt?: string;
  /** As GET shows it; changes nothing. */
  nextDigestAt?: unknown;
};

export type Preparing = {
  status: "preparing";
};

export type Presence = {
  /** By path. */
  data: Array<OpenFile>;
};

export type Profile = {
  /** Whether the viewer follows them. */
  followed: boolean;
  followerCount: number;
  followingCount: number;
  /** Those that stand in lists. */
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
  /** For the user and holders of `user:contact`. */
  email?: string | null;
  /** For the user and holders of `user:manage`. */
  status?: "active" | "deactivated" | "deleted";
  bio: string | null;
  version: number;
  /** For the user and holders of `user:contact`. */
  phone?: string | null;
  /** For the user and holders of `user:manage`. */
  emailVerified?: boolean;
  /** For the user and holders of `user:manage`. */
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
  /** Subscribe to profile:{id} with both: its frames from there on keep the list complete. */
  epoch: string | null;
  seq: number;
};

export type Project = {
  id: string;
  name: string;
  description: string | null;
  /** Who reads it, with its files, beside its members: private nobody, internal whoever is signed in, public everybody. Tasks are its members' in any case. */
  visibility: "private" | "internal" | "public";
  memberCount: number;
  /** Of files, those in the trash too. */
  storage: Storage;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** What the viewer may do: `reader` is no member of a project that is open to them; holders of project:manage may what owners may. */
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
  /** For people. */
  name: string;
  /** Where to send a browser. */
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
  /** The host of its push service, as `fcm.googleapis.com`. */
  endpointHost: string;
  platform: string;
  device: string | null;
  userAgent: string | null;
  /** Whether the session that asks has made it. */
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
  /** Whether one is yours; not in frames, which say whose each was. */
  mine?: boolean;
};

export type Reactions = {
  reactions: Array<Reaction>;
};

export type ReadComments = {
  /** The last comment read. Where it is gone, the one before it counts. */
  upTo: string;
};

export type Reader = {
  user: PersonSeen;
  /** Null for those who have not. */
  readAt: string | null;
};

export type ReaderPage = {
  data: Array<Reader>;
  nextCursor: string | null;
  /** All who read it, whatever the page lists. */
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
  /** Before this time; now where it is not given. */
  to?: string;
  status?: "failed";
  /** Not before this time; 14 days ago where it is not given. */
  from?: string;
};

export type Redelivered = {
  /** At most 10,000 at a time: ask again. */
  count: number;
};

export type RefreshBody = {
  refreshToken?: string;
};

export type RegisterBody = {
  /** Compared without case; the domain may be international. */
  email: string;
  /** The most common ones are refused. */
  password: string;
  /** Made from the e-mail address where absent. */
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
  /** At once no longer; else requests have a signature by both for 24 hours. */
  revokeOld?: boolean;
};

export type Repeat = {
  frequency: "daily" | "weekly" | "monthly";
  every?: number;
  /** The last day on which one may be due. */
  until?: string | null;
  /** Whose clock its time is of, as `Europe/Berlin`: it stays what it is there when clocks change. Yours unless you name one. */
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
  /** The same for people. */
  message: string | null;
  /** Where the host, by the last sync, sends to, if that is on the same host: link it if it is the one you mean; it is not followed. */
  movedTo: string | null;
  /** The newest commit. */
  head: string | null;
  commitCount: number;
  hasToken: boolean;
  /** Seconds between two syncs, beside those that hooks and people ask for. */
  interval: number;
  failingSince: string | null;
  lastSyncedAt: string | null;
  /** null: not before somebody asks, since the token was refused five times. */
  nextSyncAt: string | null;
  version: number;
  createdAt: string;
};

export type ResetBody = {
  token: string;
  /** The most common ones are refused. */
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
  /** The first line of the file is 1. */
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
  /** A user, `me`, or `none`: those of nobody. */
  assignee?: string;
  /** A user, or `me`. */
  creator?: string;
  /** A project, or `none`: those of no project. */
  project?: string;
  label?: string;
  /** The subtasks of one. */
  parent?: string;
  blocked?: boolean;
  /** Open ones that are past their date, or due today or in seven days from today, by your clock. */
  due?: "overdue" | "today" | "week";
  /** Only those with this in the title. */
  q?: string;
  /** `created`: the newest first; `updated`: changed last first; `due`: due first first, without a date last; `priority`: the most urgent first, of those the newest. */
  sort?: "created" | "updated" | "due" | "priority";
};

export type ScoreLead = {
  score: number;
};

export type SendMessage = {
  body?: string;
  /** An id of your own, so that a retry sends nothing twice. */
  id?: string;
  /** A message of the same conversation. */
  replyToId?: string | null;
  /** Uploads of yours that are on nothing yet. */
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
  /** owner: title, members, deletion. Both of a direct conversation are members. */
  role?: "owner" | "member";
};

export type SetConversationSettings = {
  /** Of what you are notified when it has waited for ten seconds: all; mentions of you; nothing. Unless you choose, all, in a group of more than 20 mentions. */
  level?: "all" | "mentions" | "none";
  /** Until then you are notified of nothing; null: by `level`. */
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
  /** Seconds. */
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
  /** Seconds. */
  expiresIn: number;
};

export type Task = {
  id: string;
  /** Counts in its project. */
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
  /** Its place in its column, ascending; of equal ones, by id. */
  rank: number;
  /** As it was given: a day, or a time. */
  dueDate: string | null;
  /** The moment; of a day its last second. */
  dueAt: string | null;
  dueAllDay: boolean;
  /** When it was first in progress. */
  startedAt: string | null;
  /** When it was done; null where it is not. */
  completedAt: string | null;
  labels: Array<TaskLabel>;
  /** Whether a task that blocks it is still to be done. */
  blocked: boolean;
  checklist: Steps;
  subtasks: Steps;
  commentCount: number;
  /** How it comes again; null where it does not, or no more. */
  repeat: RepeatOut | null;
  seriesId: string | null;
  occurrence: number | null;
  externalRef: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  description: string | null;
  uploads: Array<Attachment>;
  /** Whether you watch it. */
  watching: boolean;
};

export type TaskChange = {
  id: string;
  type: string;
  actor: Person | null;
  version: number | null;
  /** Names of members. */
  changed: Array<string>;
  /** States, ids and dates as they were. */
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
  /** Subscribe to task:{id} with both: its frames from there on keep the list complete. */
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
  /** Where a page was asked for by its number. */
  total?: number;
  /** Whether there are more than `total` says. */
  totalCapped?: boolean;
};

export type TaskPage = {
  data: Array<Task>;
  nextCursor: string | null;
};

export type TaskStats = {
  total: number;
  /** Those that are neither done nor cancelled. */
  open: number;
  /** Open ones past their date. */
  overdue: number;
  byStatus: CountsTodo;
  byPriority: CountsLow;
  byKind: CountsTask;
  /** Open ones of a project, or of all, by whom they are assigned to, else who created them: the most first, 50 at most. */
  byAssignee: Array<Load>;
  throughput: Array<Week>;
  /** From the start to the end of those completed in these weeks, in seconds on average. Those that never were in progress started when they were created. */
  cycleSeconds: number | null;
  /** Kept when a day ends, so that later changes leave it as it was. */
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
  /** Seconds. */
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
  /** A code; of an attempt, what the other side answered. */
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
  /** How lines of its content end. */
  eol: "lf" | "crlf";
  /** Of the newest version as it is kept: lines of a text end with LF. */
  bytes: number;
  /** The number of the newest version of its content. */
  contentVersion: number;
  /** Of path and type. */
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
  /** Who reads it, with its files, beside its members: private nobody, internal whoever is signed in, public everybody. Tasks are its members' in any case. */
  visibility: "private" | "internal" | "public";
  memberCount: number;
  /** Of files, those in the trash too. */
  storage: Storage;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** What the viewer may do: `reader` is no member of a project that is open to them; holders of project:manage may what owners may. */
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
  /** Counts in its project. */
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
  /** Its place in its column, ascending; of equal ones, by id. */
  rank: number;
  /** As it was given: a day, or a time. */
  dueDate: string | null;
  /** The moment; of a day its last second. */
  dueAt: string | null;
  dueAllDay: boolean;
  /** When it was first in progress. */
  startedAt: string | null;
  /** When it was done; null where it is not. */
  completedAt: string | null;
  labels: Array<TaskLabel>;
  /** Whether a task that blocks it is still to be done. */
  blocked: boolean;
  checklist: Steps;
  subtasks: Steps;
  commentCount: number;
  /** How it comes again; null where it does not, or no more. */
  repeat: RepeatOut | null;
  seriesId: string | null;
  occurrence: number | null;
  externalRef: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
  description: string | null;
  uploads: Array<Attachment>;
  /** Whether you watch it. */
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
  /** `offline`: unless a device showed it within two minutes; `always`: unless it was read. */
  email: "off" | "offline" | "always";
  push: boolean;
  default: Channels;
  /** Neither mutes, preferences nor quiet hours hold it: it cannot be changed. */
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
  /** Only this one and those behind it in the list: the id of a notification, or a position. What came after it stays as it is. */
  upTo?: string | null;
};

export type UpdateChat = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  /** null: how its first question begins, once there is one. */
  title?: string | null;
  /** A project that the caller reads, whose files questions are answered from. */
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
  /** The media type; absent: by the end of the path. */
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
  /** Unique in its project, whatever the case. */
  name?: string;
  color?: string;
};

export type UpdateLead = {
  /** Needed where the stage is lost, and nowhere else. */
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
  /** Somebody who may read leads. */
  ownerId?: string | null;
  /** What it may be worth, as "1200.50"; needs a currency. */
  value?: string | null;
  /** ISO 4217, for instance EUR. */
  currency?: string | null;
  notes?: string | null;
  /** Also where a lead of this e-mail address or phone number exists. */
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
  /** Read is seen as well; unread again, it stays seen. */
  isRead?: boolean;
  /** true: out of the list and the count; ends a snooze. false: back in its place, as it was. */
  archived?: boolean;
  /** The count stays. false changes nothing of what is read. */
  seen?: boolean;
  /** Out of the list, the archive and the count until then, at most a year; then unread, on top and by itself. null: now. */
  snoozedUntil?: string | null;
};

export type UpdatePost = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  title?: string | null;
  body?: string;
  /** All that the post is to have, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** Of posts of the type project: one in which you write. */
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
  /** Who reads it, with its files, beside its members: private nobody, internal whoever is signed in, public everybody. Tasks are its members' in any case. */
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
  /** In another project it gets another number, loses its labels and parent. */
  projectId?: string | null;
  /** Needs `lead:read`. */
  leadId?: string | null;
  parentId?: string | null;
  /** A day (`2026-01-31`), which ends by the clock of the assignee, else of the creator, or a time with its zone. */
  dueDate?: string | null;
  /** All that it is to have: labels of its project, or of none. */
  labelIds?: Array<string>;
  /** All that the task is to have, in order; those left out are removed. */
  uploadIds?: Array<string> | null;
  /** Begins a new series with this task; null: no more of them come. */
  repeat?: Repeat | null;
  /** Where in its column, that of `status` if it is sent, it is to stand. */
  place?: Place;
};

export type UpdateUpload = {
  /** What a picture shows, for those who cannot see it. */
  alt: string | null;
};

export type UpdateView = {
  /** The version the change is based on; a stale one is 409. */
  version?: number;
  name?: string;
  /** Filters and order, as `GET /tasks` takes them. */
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
  /** Types of event, `task.*` for all of a subject; empty: every one of the scope. Those of your own notifications are `notification.` and the type. */
  types?: Array<string>;
  description?: string | null;
  /** Stop sending; what happens is kept for 14 days, until you resume it. */
  status?: "paused";
};

export type Updated = {
  updated: number;
};

export type Upload = {
  id: string;
  name: string;
  /** Media type. */
  type: string;
  bytes: number;
  /** Pixels, as it is shown. */
  width: number | null;
  height: number | null;
  /** What a picture shows, in its owner's words. */
  alt: string | null;
  url: string;
  /** Of images. It may come later than the upload; of one on a post with a `post:updated` whose version has not changed. */
  thumbnailUrl: string | null;
  createdAt: string;
};

export type UploadSignature = {
  /** Of the upload, once it is confirmed. */
  id: string;
  url: string;
  apiKey: string;
  /** Good for an hour from then. */
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
  /** The median time from a post to the first comment on it by another person, of such comments of this day; null where there was none. */
  firstCommentSeconds: number | null;
  /** Milliseconds until requests were answered: the medians of ten seconds, weighted by requests; null where nothing was measured. */
  latencyP50: number | null;
  /** The same of what 99 of 100 requests took at most. */
  latencyP99: number | null;
  /** When it was counted last. */
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
  /** Whether you may change it. */
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
  /** The last comment read, which may be deleted; null for not at all. */
  upTo: string | null;
  /** Comments of others behind it, counted to 100: show 100 as 99+. */
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
  /** Why it is not active: owner paused it; failing for five days; right_lost by the owner; secret_lost; gone: the endpoint answered 410. */
  reason: "owner" | "failing" | "right_lost" | "secret_lost" | "gone" | null;
  /** How many attempts in a row failed. */
  failures: number;
  failingSince: string | null;
  lastOkAt: string | null;
  /** Until when the secret before signs, too. */
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
  /** Not before this time; later while the endpoint fails or is paused. */
  nextAttemptAt: string | null;
  lastStatus: number | null;
  /** `timeout`, `dns`, `tls`, `connection`, or why the URL is not asked: `url_refused`, `https_only`, `address_refused`. */
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
  /** Not before this time; later while the endpoint fails or is paused. */
  nextAttemptAt: string | null;
  lastStatus: number | null;
  /** `timeout`, `dns`, `tls`, `connection`, or why the URL is not asked: `url_refused`, `https_only`, `address_refused`. */
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
  /** The Monday it begins on, UTC. */
  week: string;
  created: number;
  completed: number;
  cancelled: number;
  /** From the start to the end of those completed in the week, in seconds on average. Those that never were in progress started when they were created. */
  cycleSeconds: number | null;
};
