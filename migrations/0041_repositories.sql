-- Linked repositories: what is known of one, and its commits.
SET LOCAL lock_timeout = '5s';

CREATE TABLE repositories (
    project_id uuid CONSTRAINT repositories_pkey PRIMARY KEY
    CONSTRAINT repositories_project_id_fkey REFERENCES projects ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT uuidv7() CONSTRAINT repositories_id_key UNIQUE,
    url text NOT NULL CONSTRAINT repositories_url_length CHECK (length(url) BETWEEN 1 AND 2048),
    branch text CONSTRAINT repositories_branch_length CHECK (length(branch) BETWEEN 1 AND 250),
    default_branch text,
    status text NOT NULL DEFAULT 'pending'
    CONSTRAINT repositories_status_known CHECK (status IN ('pending', 'syncing', 'synced', 'failed')),
    reason text,
    message text,
    moved_to text CONSTRAINT repositories_moved_to_length CHECK (length(moved_to) <= 2048),
    head bytea,
    refs jsonb NOT NULL DEFAULT '{}',
    commit_count integer NOT NULL DEFAULT 0,
    last_n bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    told_at timestamptz,
    interval_s integer NOT NULL DEFAULT 900 CONSTRAINT repositories_interval CHECK (interval_s BETWEEN 300 AND 86400),
    next_at timestamptz DEFAULT now(),
    wanted_at timestamptz NOT NULL DEFAULT '-infinity',
    asked_at timestamptz NOT NULL DEFAULT '-infinity',
    started_at timestamptz,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    claim uuid,
    synced_at timestamptz,
    token bytea,
    hook_secret bytea,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX repositories_due_idx ON repositories (next_at) WHERE next_at IS NOT NULL;
COMMENT ON TABLE repositories IS 'The git repository that a project is linked to. Another address is another row, with an id of its own.';
COMMENT ON COLUMN repositories.branch IS 'The branch that is followed; NULL: the one that the remote has as its HEAD.';
COMMENT ON COLUMN repositories.default_branch IS 'The branch that was followed by the last sync that found one.';
COMMENT ON COLUMN repositories.reason IS 'Why the last sync failed, as a code; `message` says it to people.';
COMMENT ON COLUMN repositories.moved_to IS 'Where the host sent the last sync, on the same host: offered, and not followed.';
COMMENT ON COLUMN repositories.told_at IS 'When its owners were told that it wants another token; NULL: not since it last worked.';
COMMENT ON COLUMN repositories.refs IS 'Branches of the remote and the commits they are at, at most 5,000: where all are as before, nothing is fetched.';
COMMENT ON COLUMN repositories.last_n IS 'The largest git_commits.n that was given.';
COMMENT ON COLUMN repositories.next_at IS 'When it is synced next; NULL: not until somebody asks, since its token was refused five times.';
COMMENT ON COLUMN repositories.wanted_at IS 'When a sync was last asked for, by a person or a hook. Later than started_at: one more run follows.';
COMMENT ON COLUMN repositories.asked_at IS 'When a person last asked for a sync, who may once a minute.';
COMMENT ON COLUMN repositories.claim IS 'The run that is under way until lease_until; what it writes counts only while this is its own.';
COMMENT ON COLUMN repositories.token IS 'Sealed, bound to the id and the host.';
COMMENT ON COLUMN repositories.hook_secret IS 'Sealed, bound to the id.';

CREATE TABLE git_commits (
    repository_id uuid CONSTRAINT git_commits_repository_id_fkey REFERENCES repositories (id) ON DELETE CASCADE,
    sha bytea,
    n bigint NOT NULL,
    parents bytea[] NOT NULL,
    author_name text NOT NULL,
    author_email text NOT NULL,
    authored_at timestamptz NOT NULL,
    committed_at timestamptz NOT NULL,
    subject text NOT NULL,
    body text NOT NULL CONSTRAINT git_commits_body_length CHECK (length(body) <= 4000),
    gone_at timestamptz,
    CONSTRAINT git_commits_pkey PRIMARY KEY (repository_id, sha)
);
CREATE INDEX git_commits_n_idx ON git_commits (repository_id, n DESC) WHERE gone_at IS NULL;
COMMENT ON TABLE git_commits IS 'Commits of the branch that is followed.';
COMMENT ON COLUMN git_commits.n IS 'Its place in the list: parents come before children, whatever the dates say.';
COMMENT ON COLUMN git_commits.gone_at IS 'Since when the branch does not lead to it any more: it was pushed by force.';
