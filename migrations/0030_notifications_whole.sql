-- transactional: false
-- The inbox: a place in the list that can change, groups, snoozing; what is decided of a notification, and what is sent of it.
-- The runner puts no transaction around this file, which can be run again from its beginning. Rows get their place in
-- batches, each committed by itself, while the service runs.
SET lock_timeout = '5s';

ALTER TABLE notifications
ADD COLUMN IF NOT EXISTS position uuid,
ADD COLUMN IF NOT EXISTS group_id uuid,
ADD COLUMN IF NOT EXISTS snoozed_until timestamptz,
ADD COLUMN IF NOT EXISTS why text,
ADD COLUMN IF NOT EXISTS plan jsonb;
ALTER TABLE notifications ALTER COLUMN position SET DEFAULT uuidv7();
COMMENT ON COLUMN notifications.position IS 'Its place in lists, the newest first: its id, or a later one since it woke from a snooze.';
COMMENT ON COLUMN notifications.group_id IS 'The row of notification_groups that it was folded into; NULL for one by itself.';
COMMENT ON COLUMN notifications.snoozed_until IS 'Out of lists and count until then. What is archived is not snoozed.';
COMMENT ON COLUMN notifications.why IS 'Why the receiver was chosen: mentioned, author, assignee, watcher, permission, everyone ...';
COMMENT ON COLUMN notifications.plan IS 'What was decided when it was written: `silent`, and for each channel that was left out the reason. NULL where nothing was left out.';

DO $$
DECLARE
    after uuid := '00000000-0000-0000-0000-000000000000';
    last uuid;
BEGIN
    LOOP
        SELECT max(p.id::text)::uuid INTO last
        FROM (SELECT n.id FROM notifications AS n WHERE n.id > after ORDER BY n.id LIMIT 5000) AS p;
        EXIT WHEN last IS NULL;
        UPDATE notifications SET position = id WHERE id > after AND id <= last AND position IS NULL;
        after := last;
        COMMIT;
    END LOOP;
END
$$;
-- squawk-ignore ban-drop-constraint
ALTER TABLE notifications DROP CONSTRAINT IF EXISTS notifications_position_set;
ALTER TABLE notifications ADD CONSTRAINT notifications_position_set CHECK (position IS NOT NULL) NOT VALID;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE notifications VALIDATE CONSTRAINT notifications_position_set;

-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_listed_idx ON notifications (receiver_id, position)
WHERE archived_at IS NULL AND snoozed_until IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_new_idx ON notifications (receiver_id, position)
WHERE NOT is_read AND archived_at IS NULL AND snoozed_until IS NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_single_idx ON notifications (receiver_id, is_read, position)
WHERE archived_at IS NULL AND snoozed_until IS NULL AND group_id IS NULL;
-- Whom a group is from is counted without reading its rows.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_group_idx ON notifications (group_id, position)
INCLUDE (actor_id, archived_at)
WHERE group_id IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_archived_idx ON notifications (receiver_id, position)
WHERE archived_at IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_snoozed_idx ON notifications (snoozed_until)
WHERE snoozed_until IS NOT NULL;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_sleeping_idx ON notifications (receiver_id, position)
WHERE snoozed_until IS NOT NULL;
-- Lists go by position now; the unread ones that are snoozed are not unread any more.
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS notifications_unread_idx;
-- squawk-ignore ban-concurrent-index-creation-in-transaction
DROP INDEX CONCURRENTLY IF EXISTS notifications_receiver_idx;

CREATE TABLE IF NOT EXISTS notification_groups (
    id uuid DEFAULT uuidv7() CONSTRAINT notification_groups_pkey PRIMARY KEY,
    receiver_id uuid NOT NULL CONSTRAINT notification_groups_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    position uuid NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    size integer NOT NULL DEFAULT 0,
    members integer NOT NULL DEFAULT 0,
    unread integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX IF NOT EXISTS notification_groups_open_idx ON notification_groups (receiver_id, key)
WHERE closed_at IS NULL;
CREATE INDEX IF NOT EXISTS notification_groups_listed_idx ON notification_groups (receiver_id, position)
WHERE members > 0;
CREATE INDEX IF NOT EXISTS notification_groups_new_idx ON notification_groups (receiver_id, position)
WHERE unread > 0;
CREATE INDEX IF NOT EXISTS notification_groups_empty_idx ON notification_groups (receiver_id, opened_at)
WHERE members = 0;
COMMENT ON TABLE notification_groups IS 'Notifications of a person that a grouped list shows as one. One is open for each key; it closes when a member is read, after a day, and at 100.';
COMMENT ON COLUMN notification_groups.key IS 'What its members have in common, for instance like:post:{id}.';
COMMENT ON COLUMN notification_groups.position IS 'Its place in a grouped list: that of the newest member that joined it.';
COMMENT ON COLUMN notification_groups.closed_at IS 'Nothing joins it from then on.';
COMMENT ON COLUMN notification_groups.size IS 'How many ever joined it.';
COMMENT ON COLUMN notification_groups.members IS 'How many of them are listed: neither archived, snoozed nor deleted. Changes with them.';
COMMENT ON COLUMN notification_groups.unread IS 'How many of these are unread.';

CREATE TABLE IF NOT EXISTS notifications_archive (
    id uuid CONSTRAINT notifications_archive_pkey PRIMARY KEY,
    receiver_id uuid NOT NULL CONSTRAINT notifications_archive_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    event_id uuid NOT NULL,
    actor_id uuid,
    type text NOT NULL,
    once_key text,
    is_read boolean NOT NULL,
    read_at timestamptz,
    seen_at timestamptz,
    archived_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    variant text NOT NULL,
    entity_type text,
    entity_id uuid,
    params jsonb NOT NULL,
    position uuid NOT NULL,
    group_id uuid,
    snoozed_until timestamptz,
    why text,
    plan jsonb,
    -- The planner leaves the table out of lists of what is not archived.
    CONSTRAINT notifications_archive_archived CHECK (archived_at IS NOT NULL)
);
CREATE INDEX IF NOT EXISTS notifications_archive_receiver_idx ON notifications_archive (receiver_id, position);
CREATE INDEX IF NOT EXISTS notifications_archive_archived_at_idx ON notifications_archive (archived_at);
COMMENT ON TABLE notifications_archive IS 'Notifications that retention took out of the inbox: the columns of notifications. They are listed with the archived ones.';

CREATE TABLE IF NOT EXISTS notifications_held (
    id uuid DEFAULT uuidv7() CONSTRAINT notifications_held_pkey PRIMARY KEY,
    receiver_id uuid NOT NULL CONSTRAINT notifications_held_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    event_id uuid NOT NULL,
    actor_id uuid,
    type text NOT NULL,
    variant text NOT NULL DEFAULT '',
    why text,
    entity_type text,
    entity_id uuid,
    params jsonb NOT NULL DEFAULT '{}',
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notifications_held_receiver_id_event_id_key UNIQUE (receiver_id, event_id)
);
CREATE INDEX IF NOT EXISTS notifications_held_receiver_idx ON notifications_held (receiver_id, id);
CREATE INDEX IF NOT EXISTS notifications_held_at_idx ON notifications_held (held_at);
COMMENT ON TABLE notifications_held IS 'What a person was not told because of a mute or a preference: neither listed nor counted. Kept for 14 days.';
COMMENT ON COLUMN notifications_held.reason IS 'muted or preference.';

CREATE TABLE IF NOT EXISTS notification_types (
    type text CONSTRAINT notification_types_pkey PRIMARY KEY,
    critical boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid CONSTRAINT notification_types_updated_by_fkey REFERENCES users ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS notification_types_updated_by_idx ON notification_types (updated_by);
COMMENT ON TABLE notification_types IS 'Types of notification that an administrator marked; what the others are, the manifests of the features say.';
COMMENT ON COLUMN notification_types.critical IS 'Neither mutes nor preferences nor quiet hours hold it.';

CREATE TABLE IF NOT EXISTS notification_preferences (
    user_id uuid CONSTRAINT notification_preferences_user_id_fkey REFERENCES users ON DELETE CASCADE,
    type text NOT NULL,
    in_app boolean,
    email text CONSTRAINT notification_preferences_email_known CHECK (email IN ('off', 'offline', 'always')),
    push boolean,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (user_id, type)
);
COMMENT ON TABLE notification_preferences IS 'Where a person wants a type of notification otherwise than its feature declares; NULL: as declared.';
COMMENT ON COLUMN notification_preferences.email IS 'off, offline (unless a device showed it), always.';

CREATE TABLE IF NOT EXISTS notification_settings (
    user_id uuid CONSTRAINT notification_settings_pkey PRIMARY KEY
    CONSTRAINT notification_settings_user_id_fkey REFERENCES users ON DELETE CASCADE,
    timezone text NOT NULL DEFAULT 'UTC',
    quiet_from time,
    quiet_to time,
    digest text NOT NULL DEFAULT 'none'
    CONSTRAINT notification_settings_digest_known CHECK (digest IN ('none', 'hourly', 'daily')),
    digest_at time NOT NULL DEFAULT '08:00',
    next_digest_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_settings_quiet_whole CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
    CONSTRAINT notification_settings_quiet_some CHECK (quiet_from <> quiet_to)
);
CREATE INDEX IF NOT EXISTS notification_settings_next_digest_at_idx ON notification_settings (next_digest_at)
WHERE next_digest_at IS NOT NULL;
COMMENT ON TABLE notification_settings IS 'When a person wants to be reached. No row: at any time, mail by mail.';
COMMENT ON COLUMN notification_settings.timezone IS 'Name of the IANA database; the clock of quiet_from, quiet_to and digest_at.';
COMMENT ON COLUMN notification_settings.quiet_from IS 'Push and mail wait from then until quiet_to, over midnight too.';
COMMENT ON COLUMN notification_settings.digest IS 'none: mail by mail; hourly, daily: what is unread in one.';
COMMENT ON COLUMN notification_settings.digest_at IS 'When the daily one is sent.';
COMMENT ON COLUMN notification_settings.next_digest_at IS 'When the next one is due; NULL without digests.';

CREATE TABLE IF NOT EXISTS notification_mutes (
    user_id uuid CONSTRAINT notification_mutes_user_id_fkey REFERENCES users ON DELETE CASCADE,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_mutes_pkey PRIMARY KEY (user_id, entity_type, entity_id)
);
COMMENT ON TABLE notification_mutes IS 'What a person wants to hear nothing of: an entity with all that belongs to it, or, of the type user, what a person does.';
COMMENT ON COLUMN notification_mutes.until IS 'NULL: until it is taken back.';

CREATE TABLE IF NOT EXISTS deliveries (
    notification_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT deliveries_channel_known CHECK (channel IN ('email', 'push')),
    target text NOT NULL DEFAULT '',
    receiver_id uuid NOT NULL CONSTRAINT deliveries_receiver_id_fkey REFERENCES users ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting'
    CONSTRAINT deliveries_state_known CHECK (state IN ('waiting', 'sent', 'skipped', 'failed')),
    reason text,
    frame_seq bigint,
    bundle text,
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    claimed_until timestamptz,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT deliveries_pkey PRIMARY KEY (notification_id, channel, target)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX IF NOT EXISTS deliveries_due_idx ON deliveries (channel, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_receiver_idx ON deliveries (receiver_id, channel, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_created_at_idx ON deliveries (created_at);
COMMENT ON TABLE deliveries IS 'What is sent of a notification outside of the service. No foreign key to it: what becomes of a deleted one is found when it is due.';
COMMENT ON COLUMN deliveries.target IS 'Of push the id of the subscription; empty for mail, which goes to the address as it is when it is sent.';
COMMENT ON COLUMN deliveries.reason IS 'Why it was skipped or failed: read, gone, preference, no_address, bounced ...';
COMMENT ON COLUMN deliveries.frame_seq IS 'The number of the frame that showed it: a device that acknowledged it has shown it.';
COMMENT ON COLUMN deliveries.bundle IS 'The message that it goes out in with others, a digest or a summary; it keeps its name over all attempts.';
COMMENT ON COLUMN deliveries.due_at IS 'Not before this.';
COMMENT ON COLUMN deliveries.claimed_until IS 'A worker is at it; one that dies leaves it for others from then on.';

CREATE TABLE IF NOT EXISTS delivery_attempts (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL CONSTRAINT delivery_attempts_outcome_known CHECK (outcome IN ('begun', 'sent', 'failed', 'refused', 'gone')),
    code text,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (notification_id, channel, target, at),
    CONSTRAINT delivery_attempts_delivery_fkey FOREIGN KEY (notification_id, channel, target) REFERENCES deliveries
    ON DELETE CASCADE
);
COMMENT ON TABLE delivery_attempts IS 'Each attempt to send one: `begun` before, the outcome behind it.';
COMMENT ON COLUMN delivery_attempts.code IS 'What the other side answered, as a number or a word; never its text.';

CREATE TABLE IF NOT EXISTS digests (
    user_id uuid CONSTRAINT digests_user_id_fkey REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT digests_kind_known CHECK (kind IN ('hourly', 'daily')),
    period text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT digests_pkey PRIMARY KEY (user_id, kind, period)
);
CREATE INDEX IF NOT EXISTS digests_created_at_idx ON digests (created_at);
COMMENT ON TABLE digests IS 'Digests that were made: one a period, whatever becomes of the clock or the settings meanwhile.';
COMMENT ON COLUMN digests.period IS 'The local date of a daily one; the hour in UTC of an hourly one.';

ALTER TABLE users ADD COLUMN IF NOT EXISTS email_bounced_at timestamptz;
COMMENT ON COLUMN users.email_bounced_at IS 'When a mail server refused the address for good; no mail of notifications until it is verified anew.';
RESET lock_timeout;
