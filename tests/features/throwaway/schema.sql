-- What a migration would bring: shelves, open to all or their owner's alone, and the badges on them.
CREATE TABLE shelves (
    id uuid CONSTRAINT shelves_pkey PRIMARY KEY DEFAULT uuidv7(),
    owner_id uuid NOT NULL CONSTRAINT shelves_owner_fkey REFERENCES users,
    open boolean NOT NULL
);
CREATE TABLE badges (
    id uuid CONSTRAINT badges_pkey PRIMARY KEY DEFAULT uuidv7(),
    shelf_id uuid NOT NULL CONSTRAINT badges_shelf_fkey REFERENCES shelves,
    giver_id uuid NOT NULL CONSTRAINT badges_giver_fkey REFERENCES users,
    holder_id uuid NOT NULL CONSTRAINT badges_holder_fkey REFERENCES users,
    name text NOT NULL,
    thanked boolean NOT NULL DEFAULT false,
    polished boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE badge_documents (
    badge_id uuid CONSTRAINT badge_documents_pkey PRIMARY KEY
    CONSTRAINT badge_documents_badge_fkey REFERENCES badges ON DELETE CASCADE,
    words tsvector NOT NULL
);
CREATE TABLE polishings (at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE FUNCTION seen_by(s shelves, viewer_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$ SELECT (s).open OR (s).owner_id = viewer_id $$;

CREATE FUNCTION describe_badge(entity_id uuid, viewer_id uuid)
RETURNS TABLE (excerpt text, beginning text, post_id uuid)
LANGUAGE sql STABLE
AS $$ SELECT b.name, b.name, NULL::uuid FROM badges AS b WHERE b.id = $1 $$;
SELECT gather_kinds();

INSERT INTO permissions (code, description) VALUES
('badge:give', 'Give badges.'),
('badge:read', 'See badges.');
INSERT INTO role_permissions (role, permission) VALUES
('admin', 'badge:give'), ('manager', 'badge:give'),
('admin', 'badge:read'), ('manager', 'badge:read'), ('member', 'badge:read');
