-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- In microseconds all numbers fit into bigint, whose arithmetic is faster than that of numeric. A table of its own, so that
-- nodes of the previous version go on with theirs; a later migration drops it. Only the key is indexed, and pages are half
-- empty, so that a charge rewrites nothing but its row.
CREATE TABLE budgets (
    key text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    per_minute bigint NOT NULL CONSTRAINT budgets_per_minute CHECK (per_minute BETWEEN 0 AND 4294967295),
    level bigint NOT NULL CONSTRAINT budgets_level CHECK (level >= 0),
    used_today bigint NOT NULL CONSTRAINT budgets_used_today CHECK (used_today BETWEEN 0 AND 4294967295),
    counted_to bigint NOT NULL,
    lag bigint NOT NULL CONSTRAINT budgets_lag CHECK (lag BETWEEN 0 AND 3600000000),
    CONSTRAINT budgets_pkey PRIMARY KEY (key, class)
) WITH (fillfactor = 50);
COMMENT ON TABLE budgets IS 'Levels of the budgets that were charged lately.';
COMMENT ON COLUMN budgets.key IS 'The API key, or org: and the organization.';
COMMENT ON COLUMN budgets.class IS 'Reads or writes.';
COMMENT ON COLUMN budgets.per_minute IS 'Requests per minute, by the tier at the last charge.';
COMMENT ON COLUMN budgets.level IS 'The level; one permit is 60,000,000 units, and a limit of n per minute gains n per microsecond.';
COMMENT ON COLUMN budgets.used_today IS 'Permits charged within the UTC day, if the class has a daily cap.';
COMMENT ON COLUMN budgets.counted_to IS 'The time of the level: microseconds since 1970, UTC.';
COMMENT ON COLUMN budgets.lag IS 'Microseconds added to the time of a node whose clock is 10 to 60 minutes behind counted_to.';

INSERT INTO budgets (key, class, per_minute, level, used_today, counted_to, lag)
    SELECT key_id, class, per_minute, trunc(level / 1000)::bigint, used_today, trunc(counted_to / 1000)::bigint,
        trunc(lag / 1000)::bigint
    FROM rate_buckets;
