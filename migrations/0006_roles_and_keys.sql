CREATE TABLE permissions (
    code text CONSTRAINT permissions_pkey PRIMARY KEY,
    description text NOT NULL
);
COMMENT ON TABLE permissions IS 'What can be allowed. Routes name these codes; each release brings its own.';
COMMENT ON COLUMN permissions.code IS 'thing:action, for instance post:create; also the scope of an API key.';

CREATE TABLE role_permissions (
    role text NOT NULL,
    permission text NOT NULL CONSTRAINT role_permissions_permission_fkey REFERENCES permissions ON DELETE CASCADE,
    CONSTRAINT role_permissions_pkey PRIMARY KEY (role, permission),
    CONSTRAINT role_permissions_role_known CHECK (role IN ('admin', 'manager', 'member'))
);
COMMENT ON TABLE role_permissions IS 'What each role may do; admins edit it.';
CREATE INDEX role_permissions_permission_idx ON role_permissions (permission);

INSERT INTO permissions (code, description) VALUES
('profile:read', 'Read one''s own account.'),
('profile:update', 'Change one''s own profile.'),
('user:read', 'Find people and read their profiles.'),
('user:follow', 'Follow people.'),
('user:contact', 'Read the contact data of others: e-mail address and telephone.'),
('user:manage', 'Change the role and the status of others.'),
('role:manage', 'Change what each role may do.'),
('post:read', 'Read posts, comments and likes.'),
('post:create', 'Publish posts, and change or delete one''s own.'),
('post:announce', 'Publish announcements.'),
('post:like', 'Like posts.'),
('comment:create', 'Comment, and change or delete one''s own comments.'),
('notification:read', 'Read one''s own notifications.'),
('notification:update', 'Mark one''s own notifications as read, archive and delete them.'),
('audit:read', 'Read the whole audit trail; one''s own events are always readable.');

INSERT INTO role_permissions (role, permission)
SELECT 'admin', code FROM permissions;
INSERT INTO role_permissions (role, permission)
SELECT 'manager', code FROM permissions
WHERE code NOT IN ('user:manage', 'role:manage', 'audit:read');
INSERT INTO role_permissions (role, permission)
SELECT 'member', code FROM permissions
WHERE code NOT IN ('user:manage', 'role:manage', 'audit:read', 'user:contact', 'post:announce');

ALTER TABLE users ADD COLUMN role_changed_at timestamptz;
COMMENT ON COLUMN users.role_changed_at IS 'When role_version last went up: nodes ask for the changes of the last 16 minutes.';
CREATE FUNCTION note_role_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.role_version := OLD.role_version + 1;
    NEW.role_changed_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION note_role_change() IS 'Makes access tokens of an older role or status worthless, whoever changes them: the service or a DBA.';
CREATE TRIGGER note_role_change BEFORE UPDATE ON users
FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role OR OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION note_role_change();

CREATE TABLE api_keys (
    id uuid CONSTRAINT api_keys_pkey PRIMARY KEY DEFAULT uuidv7(),
    user_id uuid NOT NULL CONSTRAINT api_keys_user_id_fkey REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    shown text NOT NULL,
    secret_hash bytea NOT NULL CONSTRAINT api_keys_secret_hash_key UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_scopes_some CHECK (cardinality(scopes) > 0)
);
COMMENT ON TABLE api_keys IS 'Keys with which programs act for a person: what both its scopes and that person''s role allow.';
COMMENT ON COLUMN api_keys.shown IS 'The beginning of the key, to recognise it by.';
COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of the key; the key itself is shown once and never stored.';
COMMENT ON COLUMN api_keys.scopes IS 'Codes of permissions.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Up to a minute late.';
CREATE INDEX api_keys_user_id_idx ON api_keys (user_id, id);
CREATE INDEX api_keys_revoked_at_idx ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE notifications DROP CONSTRAINT notifications_type_known;
ALTER TABLE notifications ADD CONSTRAINT notifications_type_known CHECK (
    type IN (
        'like', 'comment', 'mention', 'follow', 'interest', 'assignment', 'announcement', 'project_status',
        'lead_created', 'score_updated', 'task_assigned', 'task_updated', 'task_completed', 'task_due',
        'comment_added', 'member_added', 'security'
    )
) NOT VALID;
