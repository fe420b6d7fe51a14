-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Constant defaults: no row is rewritten, and a program of the previous version can still insert and update. It leaves
-- the columns as they are: a row without observed_at was observed at verified_at, and an uninstalled row without
-- uninstalled_by counts as absent. The default of next_look_at makes every row of before due at once.
ALTER TABLE installations
    ADD COLUMN observed_at timestamptz,
    ADD COLUMN next_look_at timestamptz DEFAULT '1970-01-01 00:00:00+00',
    ADD COLUMN missing_since timestamptz,
    ADD COLUMN missing_looks bigint,
    ADD COLUMN missing_last timestamptz,
    ADD COLUMN denied_number bigint,
    ADD COLUMN ending_since timestamptz,
    ADD COLUMN uninstalled_by text CONSTRAINT installations_uninstalled_by
        CHECK (uninstalled_by IN ('deletion', 'us', 'absence')),
    ADD CONSTRAINT installations_missing_is_whole
        CHECK (num_nulls(missing_since, missing_looks, missing_last) IN (0, 3));

-- Both columns of a sweep's order, so that it reads nothing but this index.
CREATE INDEX installations_due ON installations (next_look_at, installation_id) WHERE organization IS NOT NULL;
-- Small, since few installations are denied. Unique, so that of concurrent statements that each count the denied
-- bindings and add one, one succeeds and the others count again.
CREATE UNIQUE INDEX installations_denied ON installations (denied_number) WHERE denied_number IS NOT NULL;

COMMENT ON COLUMN installations.status IS 'The status to show; missing and ending ones keep the one GitHub last reported.';
COMMENT ON COLUMN installations.verified_at IS 'The time of the last response that showed the installation.';
COMMENT ON COLUMN installations.observed_at IS 'The time of the last look; null: verified_at.';
COMMENT ON COLUMN installations.next_look_at IS 'From when a sweep looks again; null: never.';
COMMENT ON COLUMN installations.missing_since IS 'The first 404 since GitHub last showed it; null: not missing.';
COMMENT ON COLUMN installations.missing_looks IS 'The number of 404s that counted, at most one per minute.';
COMMENT ON COLUMN installations.missing_last IS 'The time of the last 404 that counted.';
COMMENT ON COLUMN installations.denied_number IS 'A number among the missing and absent installations.';
COMMENT ON COLUMN installations.ending_since IS 'When GitHub accepted our request to uninstall; null: it did not.';
COMMENT ON COLUMN installations.uninstalled_by IS 'The source of the end: deletion and us are final, absence is not.';
