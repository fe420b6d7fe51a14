-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- With a constant default no row is rewritten, and a program of the previous version can still insert.
ALTER TABLE rate_buckets ADD COLUMN lag numeric NOT NULL DEFAULT 0
    CONSTRAINT rate_buckets_lag CHECK (lag BETWEEN 0 AND 3600000000000);
COMMENT ON COLUMN rate_buckets.lag IS 'Nanoseconds added to the time of a node whose clock is 10 to 60 minutes behind counted_to.';
