-- Work: projects and their members, tasks with all that hangs on them, and leads.

CREATE TABLE projects (
    id uuid DEFAULT uuidv7() CONSTRAINT projects_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT projects_name_length CHECK (length(name) BETWEEN 1 AND 120),
    description text CONSTRAINT projects_description_length CHECK (length(description) BETWEEN 1 AND 5000),
    visibility text NOT NULL DEFAULT 'private'
    CONSTRAINT projects_visibility_known CHECK (visibility IN ('private', 'internal', 'public')),
    task_number integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
COMMENT ON TABLE projects IS 'What people work on together.';
COMMENT ON COLUMN projects.visibility IS 'Who else may read it: private nobody, internal whoever is signed in, public everybody.';
COMMENT ON COLUMN projects.task_number IS 'The number of its newest task.';
COMMENT ON COLUMN projects.deleted_at IS 'When it went into the trash.';

CREATE TABLE project_members (
    project_id uuid CONSTRAINT project_members_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    user_id uuid CONSTRAINT project_members_user_id_fkey REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CONSTRAINT project_members_role_known CHECK (role IN ('owner', 'editor', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT project_members_pkey PRIMARY KEY (project_id, user_id)
);
CREATE INDEX project_members_user_idx ON project_members (user_id, project_id) INCLUDE (role);
COMMENT ON TABLE project_members IS 'Who works on a project, and as what.';
COMMENT ON COLUMN project_members.role IS 'owner: settings, members, deletion; editor: writes; viewer: reads.';

CREATE TABLE leads (
    id uuid DEFAULT uuidv7() CONSTRAINT leads_pkey PRIMARY KEY,
    name text CONSTRAINT leads_name_length CHECK (length(name) BETWEEN 1 AND 200),
    company text CONSTRAINT leads_company_length CHECK (length(company) BETWEEN 1 AND 200),
    email text CONSTRAINT leads_email_length CHECK (length(email) BETWEEN 3 AND 254),
    phone text CONSTRAINT leads_phone_length CHECK (length(phone) BETWEEN 3 AND 40),
    job_title text CONSTRAINT leads_job_title_length CHECK (length(job_title) BETWEEN 1 AND 100),
    website text CONSTRAINT leads_website_length CHECK (length(website) BETWEEN 4 AND 1000),
    source text NOT NULL DEFAULT 'other' CONSTRAINT leads_source_known
    CHECK (source IN ('website', 'referral', 'event', 'advertisement', 'outbound', 'partner', 'import', 'other')),
    stage text NOT NULL DEFAULT 'new'
    CONSTRAINT leads_stage_known CHECK (stage IN ('new', 'contacted', 'qualified', 'won', 'lost')),
    score smallint NOT NULL DEFAULT 0 CONSTRAINT leads_score_range CHECK (score BETWEEN 0 AND 100),
    owner_id uuid CONSTRAINT leads_owner_id_fkey REFERENCES users,
    value numeric(14, 2) CONSTRAINT leads_value_positive CHECK (value >= 0),
    currency text CONSTRAINT leads_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    lost_reason text CONSTRAINT leads_lost_reason_known
    CHECK (lost_reason IN ('price', 'timing', 'competitor', 'no_need', 'no_answer', 'duplicate', 'other')),
    lost_note text CONSTRAINT leads_lost_note_length CHECK (length(lost_note) BETWEEN 1 AND 1000),
    notes text CONSTRAINT leads_notes_length CHECK (length(notes) BETWEEN 1 AND 10000),
    email_key text,
    phone_key text,
    merged_into uuid CONSTRAINT leads_merged_into_fkey REFERENCES leads ON DELETE CASCADE,
    version integer NOT NULL DEFAULT 1,
    created_by uuid CONSTRAINT leads_created_by_fkey REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leads_name_set CHECK (name IS NOT NULL OR merged_into IS NOT NULL),
    CONSTRAINT leads_lost_has_reason CHECK (stage <> 'lost' OR lost_reason IS NOT NULL),
    CONSTRAINT leads_currency_set CHECK (value IS NULL OR currency IS NOT NULL)
) WITH (fillfactor = 85);
CREATE INDEX leads_stage_idx ON leads (stage, id) WHERE merged_into IS NULL;
CREATE INDEX leads_owner_id_idx ON leads (owner_id, id);
CREATE INDEX leads_created_by_idx ON leads (created_by);
CREATE INDEX leads_merged_into_idx ON leads (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX leads_email_key_idx ON leads (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX leads_phone_key_idx ON leads (phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX leads_score_idx ON leads (score, id) WHERE merged_into IS NULL;
CREATE INDEX leads_updated_at_idx ON leads (updated_at, id) WHERE merged_into IS NULL;
CREATE INDEX leads_value_idx ON leads (coalesce((value * 100)::bigint, -1), id) WHERE merged_into IS NULL;
COMMENT ON TABLE leads IS 'People and companies who may become customers.';
COMMENT ON COLUMN leads.email_key IS 'The address as duplicates are found by.';
COMMENT ON COLUMN leads.phone_key IS 'The number as duplicates are found by: its digits.';
COMMENT ON COLUMN leads.merged_into IS 'Where it was merged with another one, which lives on: this row has no texts any more.';
COMMENT ON COLUMN leads.value IS 'What it may be worth, in `currency`.';

CREATE TABLE lead_interactions (
    id uuid DEFAULT uuidv7() CONSTRAINT lead_interactions_pkey PRIMARY KEY,
    lead_id uuid NOT NULL CONSTRAINT lead_interactions_lead_id_fkey REFERENCES leads ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT lead_interactions_kind_known CHECK (kind IN ('call', 'mail', 'meeting', 'note')),
    happened_at timestamptz NOT NULL DEFAULT now(),
    author_id uuid CONSTRAINT lead_interactions_author_id_fkey REFERENCES users,
    text text NOT NULL CONSTRAINT lead_interactions_text_length CHECK (length(text) BETWEEN 1 AND 5000),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lead_interactions_lead_idx ON lead_interactions (lead_id, happened_at, id);
CREATE INDEX lead_interactions_author_id_idx ON lead_interactions (author_id);
COMMENT ON TABLE lead_interactions IS 'Calls, mails, meetings and notes with or about a lead.';

CREATE TABLE lead_stage_log (
    id uuid DEFAULT uuidv7() CONSTRAINT lead_stage_log_pkey PRIMARY KEY,
    lead_id uuid NOT NULL CONSTRAINT lead_stage_log_lead_id_fkey REFERENCES leads ON DELETE CASCADE,
    from_stage text,
    to_stage text NOT NULL,
    actor_id uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lead_stage_log_lead_idx ON lead_stage_log (lead_id, id);
COMMENT ON TABLE lead_stage_log IS 'Every move of a lead between stages.';

CREATE TABLE task_series (
    id uuid DEFAULT uuidv7() CONSTRAINT task_series_pkey PRIMARY KEY,
    frequency text NOT NULL
    CONSTRAINT task_series_frequency_known CHECK (frequency IN ('daily', 'weekly', 'monthly')),
    every smallint NOT NULL DEFAULT 1 CONSTRAINT task_series_every_range CHECK (every BETWEEN 1 AND 99),
    -- squawk-ignore prefer-timestamp-tz
    starts_at timestamp NOT NULL,
    all_day boolean NOT NULL DEFAULT false,
    timezone text NOT NULL,
    until date,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE task_series IS 'Tasks that come again: when one is done, the next one is made.';
COMMENT ON COLUMN task_series.starts_at IS 'The first due time, by the wall clock of `timezone`; occurrence n is n times `every` later.';

CREATE TABLE tasks (
    id uuid DEFAULT uuidv7() CONSTRAINT tasks_pkey PRIMARY KEY,
    number integer,
    kind text NOT NULL DEFAULT 'task' CONSTRAINT tasks_kind_known CHECK (kind IN ('task', 'issue')),
    title text NOT NULL CONSTRAINT tasks_title_length CHECK (length(title) BETWEEN 1 AND 200),
    description text CONSTRAINT tasks_description_length CHECK (length(description) BETWEEN 1 AND 20000),
    status text NOT NULL DEFAULT 'todo'
    CONSTRAINT tasks_status_known CHECK (status IN ('todo', 'in_progress', 'review', 'done', 'cancelled')),
    priority smallint NOT NULL DEFAULT 2 CONSTRAINT tasks_priority_range CHECK (priority BETWEEN 1 AND 4),
    creator_id uuid NOT NULL CONSTRAINT tasks_creator_id_fkey REFERENCES users,
    assignee_id uuid CONSTRAINT tasks_assignee_id_fkey REFERENCES users,
    project_id uuid CONSTRAINT tasks_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    lead_id uuid CONSTRAINT tasks_lead_id_fkey REFERENCES leads ON DELETE SET NULL,
    parent_id uuid CONSTRAINT tasks_parent_id_fkey REFERENCES tasks ON DELETE SET NULL,
    rank bigint NOT NULL DEFAULT 0 CONSTRAINT tasks_rank_range CHECK (abs(rank) <= 4503599627370496),
    due_at timestamptz,
    due_on date,
    remind_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    series_id uuid CONSTRAINT tasks_series_id_fkey REFERENCES task_series ON DELETE SET NULL,
    occurrence integer,
    external_ref text CONSTRAINT tasks_external_ref_length CHECK (length(external_ref) BETWEEN 1 AND 200),
    version integer NOT NULL DEFAULT 1,
    deleted_at timestamptz,
    deleted_by uuid CONSTRAINT tasks_deleted_by_fkey REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tasks_number_set CHECK ((number IS NULL) = (project_id IS NULL)),
    CONSTRAINT tasks_parent_other CHECK (parent_id <> id),
    CONSTRAINT tasks_done_completed CHECK ((status = 'done') = (completed_at IS NOT NULL)),
    CONSTRAINT tasks_due_on_timed CHECK (due_on IS NULL OR due_at IS NOT NULL),
    CONSTRAINT tasks_occurrence_set CHECK (occurrence IS NOT NULL OR series_id IS NULL)
) WITH (fillfactor = 85);
-- With both columns: what a project may hold is found by number and by reference alike.
CREATE UNIQUE INDEX tasks_number_idx ON tasks (project_id, number);
CREATE UNIQUE INDEX tasks_external_ref_idx ON tasks (project_id, external_ref) NULLS NOT DISTINCT
WHERE external_ref IS NOT NULL;
CREATE UNIQUE INDEX tasks_occurrence_idx ON tasks (series_id, occurrence) WHERE series_id IS NOT NULL;
CREATE INDEX tasks_newest_idx ON tasks (id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator_idx ON tasks (creator_id, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_assignee_idx ON tasks (assignee_id, id) INCLUDE (status, priority) WHERE deleted_at IS NULL;
CREATE INDEX tasks_project_idx ON tasks (project_id, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_tally_idx ON tasks (project_id, status, priority) INCLUDE (assignee_id, creator_id, due_at)
WHERE deleted_at IS NULL;
CREATE INDEX tasks_board_idx ON tasks (project_id, status, rank, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_due_idx ON tasks (due_at, id)
WHERE deleted_at IS NULL AND due_at IS NOT NULL AND status NOT IN ('done', 'cancelled');
CREATE INDEX tasks_by_due_idx ON tasks ((coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_updated_idx ON tasks (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_priority_idx ON tasks (priority, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_completed_idx ON tasks (completed_at) INCLUDE (started_at, project_id)
WHERE completed_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX tasks_remind_idx ON tasks (remind_at)
WHERE remind_at IS NOT NULL AND deleted_at IS NULL AND status NOT IN ('done', 'cancelled');
CREATE INDEX tasks_trash_idx ON tasks (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_deleted_by_idx ON tasks (deleted_by, deleted_at) WHERE deleted_by IS NOT NULL;
-- For what refers to a task, whether it is in the trash or not.
CREATE INDEX tasks_creator_id_idx ON tasks (creator_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_assignee_id_idx ON tasks (assignee_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_lead_id_idx ON tasks (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_parent_id_idx ON tasks (parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE tasks IS 'What is to be done. Soft-deleted ones are in the trash.';
COMMENT ON COLUMN tasks.number IS 'Counts in its project, for people to speak of it; NULL without one. A restored task keeps it.';
COMMENT ON COLUMN tasks.priority IS '1 low, 2 medium, 3 high, 4 urgent.';
COMMENT ON COLUMN tasks.parent_id IS 'The task of the same project that this is a part of; that one has no parent.';
COMMENT ON COLUMN tasks.rank IS 'Its place in its column, ascending, then by id; within what JavaScript counts exactly.';
COMMENT ON COLUMN tasks.due_on IS 'A day without a time; NULL where it is due at a time, or never.';
COMMENT ON COLUMN tasks.due_at IS 'Of a day its end, by the clock of the assignee, else of the creator; see keep_task().';
COMMENT ON COLUMN tasks.remind_at IS 'When the next reminder is due.';
COMMENT ON COLUMN tasks.cancelled_at IS 'When it was cancelled; NULL where it is not.';
COMMENT ON COLUMN tasks.started_at IS 'When it was first in_progress.';
COMMENT ON COLUMN tasks.external_ref IS 'What an import knows it by: importing again finds it.';
COMMENT ON COLUMN tasks.version IS 'Goes up with every change, but for its place in a column.';

CREATE TABLE labels (
    id uuid DEFAULT uuidv7() CONSTRAINT labels_pkey PRIMARY KEY,
    project_id uuid CONSTRAINT labels_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL CONSTRAINT labels_name_length CHECK (length(name) BETWEEN 1 AND 50),
    color text NOT NULL CONSTRAINT labels_color_form CHECK (color ~ '^#[0-9a-f]{6}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX labels_name_idx ON labels (project_id, lower(name)) NULLS NOT DISTINCT;
COMMENT ON TABLE labels IS 'What tasks can be marked with: those of a project, or, without one, for tasks of no project.';

CREATE TABLE task_labels (
    task_id uuid CONSTRAINT task_labels_task_id_fkey REFERENCES tasks ON DELETE CASCADE,
    label_id uuid CONSTRAINT task_labels_label_id_fkey REFERENCES labels ON DELETE CASCADE,
    CONSTRAINT task_labels_pkey PRIMARY KEY (task_id, label_id)
);
CREATE INDEX task_labels_label_idx ON task_labels (label_id, task_id);
COMMENT ON TABLE task_labels IS 'Which labels a task has.';

CREATE TABLE checklist_items (
    id uuid DEFAULT uuidv7() CONSTRAINT checklist_items_pkey PRIMARY KEY,
    task_id uuid NOT NULL CONSTRAINT checklist_items_task_id_fkey REFERENCES tasks ON DELETE CASCADE,
    text text NOT NULL CONSTRAINT checklist_items_text_length CHECK (length(text) BETWEEN 1 AND 500),
    is_done boolean NOT NULL DEFAULT false,
    rank bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX checklist_items_task_idx ON checklist_items (task_id, rank, id);
COMMENT ON TABLE checklist_items IS 'Small steps of a task, in their order.';

CREATE TABLE task_watchers (
    task_id uuid CONSTRAINT task_watchers_task_id_fkey REFERENCES tasks ON DELETE CASCADE,
    user_id uuid CONSTRAINT task_watchers_user_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT task_watchers_pkey PRIMARY KEY (task_id, user_id)
);
CREATE INDEX task_watchers_user_idx ON task_watchers (user_id, task_id);
COMMENT ON TABLE task_watchers IS 'Who wants to hear of a task. It grants no sight: whoever may not see it is told nothing.';

CREATE TABLE task_links (
    blocker_id uuid CONSTRAINT task_links_blocker_id_fkey REFERENCES tasks ON DELETE CASCADE,
    blocked_id uuid CONSTRAINT task_links_blocked_id_fkey REFERENCES tasks ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT task_links_pkey PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT task_links_other CHECK (blocker_id <> blocked_id)
);
CREATE INDEX task_links_blocked_idx ON task_links (blocked_id, blocker_id);
COMMENT ON TABLE task_links IS 'What should be done before what. It informs and forbids nothing; there are no cycles.';

CREATE TABLE saved_views (
    id uuid DEFAULT uuidv7() CONSTRAINT saved_views_pkey PRIMARY KEY,
    owner_id uuid NOT NULL CONSTRAINT saved_views_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    project_id uuid CONSTRAINT saved_views_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL CONSTRAINT saved_views_name_length CHECK (length(name) BETWEEN 1 AND 100),
    query jsonb NOT NULL,
    shared boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX saved_views_owner_idx ON saved_views (owner_id, id);
CREATE INDEX saved_views_project_idx ON saved_views (project_id, id) WHERE shared;
CREATE INDEX saved_views_project_id_idx ON saved_views (project_id) WHERE NOT shared;
COMMENT ON TABLE saved_views IS 'Filters of the list of tasks under a name.';
COMMENT ON COLUMN saved_views.query IS 'The parameters of GET /tasks.';
COMMENT ON COLUMN saved_views.shared IS 'Whether all members of the project see it.';

CREATE TABLE task_revisions (
    task_id uuid CONSTRAINT task_revisions_task_id_fkey REFERENCES tasks ON DELETE CASCADE,
    version integer NOT NULL,
    field text NOT NULL CONSTRAINT task_revisions_field_known CHECK (field IN ('title', 'description')),
    old_text text,
    actor_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT task_revisions_pkey PRIMARY KEY (task_id, version, field)
);
COMMENT ON TABLE task_revisions IS 'What texts of a task were before a change; they go with the task.';
COMMENT ON COLUMN task_revisions.version IS 'The version that the change made.';

CREATE TABLE task_tallies (
    scope uuid NOT NULL,
    slot smallint NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    priority smallint NOT NULL,
    n integer NOT NULL,
    CONSTRAINT task_tallies_pkey PRIMARY KEY (scope, slot, kind, status, priority)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE task_tallies IS 'How many tasks there are that are not in the trash: the sum over the slots. Written by triggers alone.';
COMMENT ON COLUMN task_tallies.scope IS 'A project; a person, for the tasks that are assigned to them, and those they created that are assigned to nobody; all zeros for every task.';
COMMENT ON COLUMN task_tallies.slot IS 'Each transaction writes into one that is its own until it ends: see take_tally_slot().';

CREATE TABLE task_days (
    scope uuid NOT NULL,
    day date NOT NULL,
    slot smallint NOT NULL,
    created integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    cycle_seconds bigint NOT NULL DEFAULT 0,
    open_at_end integer,
    CONSTRAINT task_days_pkey PRIMARY KEY (scope, day, slot)
) WITH (fillfactor = 60);
COMMENT ON TABLE task_days IS 'What became of tasks day by day, in UTC: the sum over the slots. Written by triggers, and open_at_end once a day.';
COMMENT ON COLUMN task_days.scope IS 'As in task_tallies.';
COMMENT ON COLUMN task_days.slot IS 'As in task_tallies; -1 for open_at_end.';
COMMENT ON COLUMN task_days.cycle_seconds IS 'From the start, or else the creation, to the end of those completed on the day, together. Reopening takes it off the day it was added to.';
COMMENT ON COLUMN task_days.open_at_end IS 'How many were open at the end of the day; never computed anew.';

CREATE TABLE task_loads (
    person_id uuid NOT NULL,
    slot smallint NOT NULL,
    open integer NOT NULL,
    CONSTRAINT task_loads_pkey PRIMARY KEY (person_id, slot)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE task_loads IS 'How many open tasks each person has, as in task_tallies, for the list of all people.';

CREATE TABLE imports (
    id uuid DEFAULT uuidv7() CONSTRAINT imports_pkey PRIMARY KEY,
    owner_id uuid NOT NULL CONSTRAINT imports_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT imports_kind_known CHECK (kind IN ('tasks', 'leads')),
    options jsonb NOT NULL,
    body bytea,
    counts jsonb,
    row_errors jsonb,
    next_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX imports_owner_idx ON imports (owner_id, id);
CREATE INDEX imports_waiting_idx ON imports (next_at) WHERE finished_at IS NULL;
COMMENT ON TABLE imports IS 'CSV files that a worker reads in, and what came of them; kept for 7 days.';
COMMENT ON COLUMN imports.body IS 'The file, until it is read in.';
COMMENT ON COLUMN imports.counts IS 'How many rows were created, updated, skipped, failed.';
COMMENT ON COLUMN imports.row_errors IS 'The first errors: row, field, code.';

INSERT INTO permissions (code, description) VALUES
('task:read', 'Read the tasks that one created, is assigned to, or that are of one''s projects.'),
('task:create', 'Create tasks, and change those one created, is assigned to, or that are of projects one edits.'),
('task:manage', 'Read and change every task, and the labels of tasks without a project.'),
('task:purge', 'Remove tasks from the trash for good.'),
('lead:read', 'Read leads and their interactions.'),
('lead:create', 'Create and import leads.'),
('lead:update', 'Change, move, score and merge leads, and add interactions.'),
('lead:delete', 'Delete leads.');
INSERT INTO role_permissions (role, permission)
SELECT r.role, p.code
FROM (VALUES ('member', 1), ('manager', 2), ('admin', 3)) AS r (role, level)
INNER JOIN (VALUES
    ('task:read', 1), ('task:create', 1), ('task:manage', 2), ('task:purge', 3),
    ('lead:read', 2), ('lead:create', 2), ('lead:update', 2), ('lead:delete', 2)
) AS p (code, level) ON p.level <= r.level;
