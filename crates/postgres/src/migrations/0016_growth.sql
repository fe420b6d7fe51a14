-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Small, since a 200 sets both columns to the same time. A sweep finds by it which looks a wrong clock dated in the future.
CREATE INDEX installations_ahead ON installations (app, observed_at)
    WHERE organization IS NOT NULL AND observed_at > verified_at;

-- The sum is read with deliveries. Few queues have bytes.
CREATE INDEX outbox_queues_held ON outbox_queues (app, bytes) WHERE bytes > 0;

-- A purge reads the table page by page; a program of the previous version reads all of it.
DROP INDEX installers_by_time;

-- With the default, a table of ten million rows is vacuumed after two million dead ones, which a sweep leaves at the head of
-- its index, and a purge at that of the states.
ALTER TABLE installations SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE install_states SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE outbox_entries SET (autovacuum_vacuum_scale_factor = 0.02);

-- Room for second versions of the rows that the time of the last use rewrites. Applies to new pages.
ALTER TABLE api_keys SET (fillfactor = 90);
