-- How much the service is used: a row a day, counted by a worker.
SET LOCAL lock_timeout = '5s';

CREATE TABLE usage_days (
    day date CONSTRAINT usage_days_pkey PRIMARY KEY,
    active_people integer NOT NULL,
    posts integer NOT NULL,
    comments integer NOT NULL,
    messages integer NOT NULL,
    tasks_done integer NOT NULL,
    first_comment_seconds real,
    latency_p50 real,
    latency_p99 real,
    counted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE usage_days IS 'How much the service was used on each day, UTC: numbers alone, of nobody. Today is counted anew every ten minutes, a day that is over once more.';
COMMENT ON COLUMN usage_days.active_people IS 'People who did something that the trail has, or whose session was refreshed.';
COMMENT ON COLUMN usage_days.messages IS 'Messages between people.';
COMMENT ON COLUMN usage_days.tasks_done IS 'Tasks that were completed on that day, and still were when it was counted.';
COMMENT ON COLUMN usage_days.first_comment_seconds IS 'The median time from a post to the first comment on it by somebody else, of such first comments of the day; NULL without one.';
COMMENT ON COLUMN usage_days.latency_p50 IS 'Milliseconds: the medians that processes measured, weighted by requests; as latency_p99. NULL where nothing was measured.';
