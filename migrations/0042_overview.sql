-- The admin's overview: what each process measured in the last day, and the right to have deliveries tried again.
SET LOCAL lock_timeout = '5s';

CREATE TABLE node_samples (
    at timestamptz NOT NULL,
    node_id text NOT NULL CONSTRAINT node_samples_node_id_length CHECK (length(node_id) BETWEEN 1 AND 300),
    kind text NOT NULL CONSTRAINT node_samples_kind_known CHECK (kind IN ('web', 'worker')),
    requests real,
    errors real,
    p50 real,
    p99 real,
    sockets integer,
    notified real,
    delivered real,
    queued integer,
    pool_size integer NOT NULL,
    pool_busy integer NOT NULL,
    outbox_depth bigint,
    outbox_age real,
    outbox_dead bigint,
    CONSTRAINT node_samples_pkey PRIMARY KEY (at, node_id)
);
COMMENT ON TABLE node_samples IS 'What each process measured: a row for ten seconds, kept for a day.';
COMMENT ON COLUMN node_samples.at IS 'When its ten seconds began, by the clock of PostgreSQL.';
COMMENT ON COLUMN node_samples.node_id IS 'Host, process and a random part: new with each start.';
COMMENT ON COLUMN node_samples.requests IS 'Answered a second; of web processes, as errors (5xx), latencies and sockets.';
COMMENT ON COLUMN node_samples.p50 IS 'Milliseconds; NULL where nothing was answered.';
COMMENT ON COLUMN node_samples.notified IS 'Notifications written a second; of workers, as delivered (rows of the outbox).';
COMMENT ON COLUMN node_samples.queued IS 'Jobs that wait in Redis; NULL where it could not be asked.';
COMMENT ON COLUMN node_samples.outbox_depth IS 'Measured by the first process of each ten seconds; NULL in the rows of others.';

INSERT INTO permissions (code, description) VALUES
('outbox:retry', 'Have deliveries that were given up on tried again.');
INSERT INTO role_permissions (role, permission) VALUES ('admin', 'outbox:retry');
