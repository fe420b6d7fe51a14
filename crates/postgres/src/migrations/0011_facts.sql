-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Apart from installations, whose rows each request reads: facts are only shown, and may be large. Deleted with their
-- installation, also by a program of the previous version.
CREATE TABLE installation_facts (
    app integer NOT NULL,
    installation_id bigint NOT NULL,
    facts jsonb NOT NULL
        CONSTRAINT installation_facts_facts CHECK (jsonb_typeof(facts) = 'object' AND octet_length(facts::text) <= 32768),
    observed_at timestamptz,
    CONSTRAINT installation_facts_pkey PRIMARY KEY (app, installation_id),
    CONSTRAINT installation_facts_installation FOREIGN KEY (app, installation_id)
        REFERENCES installations (app, installation_id) ON DELETE CASCADE
);
COMMENT ON TABLE installation_facts IS 'What GitHub reports about installations to be shown; nothing is decided by it.';
COMMENT ON COLUMN installation_facts.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN installation_facts.installation_id IS 'GitHub''s number of the installation.';
COMMENT ON COLUMN installation_facts.facts IS 'Permissions, selection of repositories, who suspended it, link to its settings.';
COMMENT ON COLUMN installation_facts.observed_at IS 'The time of the request that returned them; null: a webhook reported them.';

-- A binding may rest on the operator's word.
ALTER TABLE bindings
    DROP CONSTRAINT bindings_proof,
    ADD CONSTRAINT bindings_proof
        CHECK (proof IN ('state', 'visible', 'administered', 'installed', 'imported'));

-- One index per condition of a list, each in the list's order, so that a page reads as many entries as it returns. The
-- expression of the state is the same as in the statements.
CREATE INDEX installations_by_state ON installations (
    app,
    (CASE WHEN uninstalled_by IN ('deletion', 'us') THEN 'uninstalled' WHEN ending_since IS NOT NULL THEN 'ending'
        WHEN status = 'uninstalled' THEN 'absent' WHEN missing_since IS NOT NULL THEN 'missing' ELSE status END),
    organization
) WHERE organization IS NOT NULL;
CREATE INDEX installations_by_login ON installations (app, lower(account_login COLLATE "C"), organization)
    WHERE organization IS NOT NULL;
CREATE INDEX installations_by_account ON installations (app, account_id) WHERE organization IS NOT NULL;
CREATE INDEX bindings_by_proof ON bindings (app, proof, organization) WHERE released_at IS NULL;
CREATE INDEX bindings_by_installation ON bindings (app, installation_id, registered_at);
