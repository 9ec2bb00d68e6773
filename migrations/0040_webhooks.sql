-- Webhooks: what happens is told to other systems over HTTP.
SET LOCAL lock_timeout = '5s';

CREATE TABLE webhooks (
    id uuid DEFAULT uuidv7() CONSTRAINT webhooks_pkey PRIMARY KEY,
    owner_id uuid NOT NULL CONSTRAINT webhooks_owner_id_fkey REFERENCES users ON DELETE CASCADE,
    scope text NOT NULL CONSTRAINT webhooks_scope_known CHECK (scope IN ('own', 'project', 'all')),
    project_id uuid CONSTRAINT webhooks_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    url text NOT NULL CONSTRAINT webhooks_url_length CHECK (length(url) BETWEEN 1 AND 2048),
    types text[] NOT NULL DEFAULT '{}' CONSTRAINT webhooks_types_count CHECK (cardinality(types) <= 100),
    description text CONSTRAINT webhooks_description_length CHECK (length(description) BETWEEN 1 AND 200),
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamptz,
    status text NOT NULL DEFAULT 'active' CONSTRAINT webhooks_status_known CHECK (status IN ('active', 'paused', 'disabled')),
    reason text,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_ok_at timestamptz,
    due_at timestamptz,
    rest_until timestamptz,
    lease_until timestamptz,
    worker_id text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhooks_project_of_scope CHECK ((scope = 'project') = (project_id IS NOT NULL)),
    CONSTRAINT webhooks_reason_of_status CHECK ((status = 'active') = (reason IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX webhooks_owner_id_idx ON webhooks (owner_id, id);
CREATE INDEX webhooks_project_id_idx ON webhooks (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX webhooks_all_idx ON webhooks (id) WHERE scope = 'all';
CREATE INDEX webhooks_due_idx ON webhooks (due_at) WHERE status = 'active' AND due_at IS NOT NULL;
COMMENT ON TABLE webhooks IS 'Addresses of other systems that are told what happens. Each is a lane: one worker at a time sends what is due in it.';
COMMENT ON COLUMN webhooks.scope IS 'own: the notifications of its owner; project: events of a project; all: every public event of the trail.';
COMMENT ON COLUMN webhooks.types IS 'The types it wants, "task.*" for all of a subject; empty: every one.';
COMMENT ON COLUMN webhooks.secret IS 'The key of its signatures, sealed (nexcorp/security/vault.py).';
COMMENT ON COLUMN webhooks.old_secret IS 'The one before, sealed, which signs as well until old_until.';
COMMENT ON COLUMN webhooks.status IS 'paused: what happens is kept and sent when it is resumed; disabled: nothing is kept.';
COMMENT ON COLUMN webhooks.reason IS 'Why it is not active: owner, failing, right_lost, secret_lost or gone (the endpoint answered 410).';
COMMENT ON COLUMN webhooks.failures IS 'How many attempts in a row have failed.';
COMMENT ON COLUMN webhooks.failing_since IS 'When the first of them failed.';
COMMENT ON COLUMN webhooks.due_at IS 'When its lane has something to do; NULL: nothing.';
COMMENT ON COLUMN webhooks.rest_until IS 'Until when a failing endpoint is left alone.';
COMMENT ON COLUMN webhooks.lease_until IS 'Until when worker_id has its lane alone.';

CREATE TABLE webhook_deliveries (
    id uuid DEFAULT uuidv7() CONSTRAINT webhook_deliveries_pkey PRIMARY KEY,
    webhook_id uuid NOT NULL CONSTRAINT webhook_deliveries_webhook_id_fkey REFERENCES webhooks ON DELETE CASCADE,
    event_id uuid NOT NULL,
    event_at timestamptz NOT NULL,
    type text NOT NULL,
    notification_id uuid,
    status text NOT NULL DEFAULT 'pending'
    CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts smallint NOT NULL DEFAULT 0,
    tries smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    last_status smallint,
    last_error text,
    last_ms integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT webhook_deliveries_event_key UNIQUE (webhook_id, event_id)
) WITH (fillfactor = 70);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, next_at, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (webhook_id, id) WHERE status = 'failed';
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
COMMENT ON TABLE webhook_deliveries IS 'Which event is told to which webhook, and how far that is: references, from which the body is rendered at each attempt. Kept for 14 days.';
COMMENT ON COLUMN webhook_deliveries.event_at IS 'When the event was recorded, which finds it in its month.';
COMMENT ON COLUMN webhook_deliveries.type IS 'What the body says: the type of the event, or for own notifications "notification." and theirs.';
COMMENT ON COLUMN webhook_deliveries.notification_id IS 'The notification of its owner, where the webhook is for these.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'How often it was sent in all.';
COMMENT ON COLUMN webhook_deliveries.tries IS 'How often since it was last asked for: the place in the schedule of retries.';

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL
    CONSTRAINT webhook_attempts_delivery_id_fkey REFERENCES webhook_deliveries ON DELETE CASCADE,
    n smallint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    status smallint,
    ms integer NOT NULL,
    error text,
    response text CONSTRAINT webhook_attempts_response_length CHECK (length(response) <= 1024),
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, n)
);
COMMENT ON TABLE webhook_attempts IS 'The log of what endpoints answered. What they were sent is not kept.';
COMMENT ON COLUMN webhook_attempts.status IS 'The HTTP status; NULL where there was no answer, which error explains.';
COMMENT ON COLUMN webhook_attempts.response IS 'How the body of the answer begins.';

INSERT INTO permissions (code, description) VALUES
('webhook:read', 'See one''s own webhooks and what became of their deliveries.'),
('webhook:create', 'Have other systems told of one''s notifications, and of what happens in projects of which one is an owner.'),
('webhook:all', 'Have other systems told of every public event.');
INSERT INTO role_permissions (role, permission)
SELECT r.role, p.code
FROM (VALUES ('member', 1), ('manager', 2), ('admin', 3)) AS r (role, level)
INNER JOIN (VALUES ('webhook:read', 1), ('webhook:create', 1), ('webhook:all', 3)) AS p (code, level) ON p.level <= r.level
ON CONFLICT ON CONSTRAINT role_permissions_pkey DO NOTHING;
