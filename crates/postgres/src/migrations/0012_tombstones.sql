-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- A final end is kept for ever, without the account. This index has only what is left to purge; a program of the previous
-- version reads the table instead.
CREATE INDEX installations_purgeable ON installations (verified_at) WHERE organization IS NULL
    AND (account_id IS NOT NULL OR uninstalled_by IS NULL OR uninstalled_by = 'absence');
DROP INDEX installations_unbound;

CREATE TABLE tombstone_resets (
    app integer NOT NULL,
    installation_id bigint NOT NULL
        CONSTRAINT tombstone_resets_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    uninstalled_by text NOT NULL CONSTRAINT tombstone_resets_uninstalled_by CHECK (uninstalled_by IN ('deletion', 'us')),
    ended_at timestamptz NOT NULL,
    reset_at timestamptz NOT NULL,
    note text NOT NULL CONSTRAINT tombstone_resets_note CHECK (char_length(note) <= 500),
    CONSTRAINT tombstone_resets_pkey PRIMARY KEY (app, installation_id, reset_at)
);
COMMENT ON TABLE tombstone_resets IS 'Final ends of installations that an operator had forgotten. Never changed or purged.';
COMMENT ON COLUMN tombstone_resets.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN tombstone_resets.installation_id IS 'GitHub''s number of the installation.';
COMMENT ON COLUMN tombstone_resets.uninstalled_by IS 'The source of the end that was forgotten.';
COMMENT ON COLUMN tombstone_resets.ended_at IS 'When that end was reported.';
COMMENT ON COLUMN tombstone_resets.reset_at IS 'When it was forgotten.';
COMMENT ON COLUMN tombstone_resets.note IS 'The operator''s note: who, and why.';
