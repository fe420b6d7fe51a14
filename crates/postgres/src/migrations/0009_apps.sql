-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

CREATE TABLE apps (
    id integer CONSTRAINT apps_pkey PRIMARY KEY CONSTRAINT apps_id CHECK (id >= 1),
    api_base text COLLATE "C" NOT NULL,
    app_id bigint NOT NULL CONSTRAINT apps_app_id CHECK (app_id BETWEEN 1 AND 9007199254740991),
    added_at timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT apps_once UNIQUE (api_base, app_id)
);
COMMENT ON TABLE apps IS 'The GitHub Apps whose rows are in this schema.';
COMMENT ON COLUMN apps.id IS 'The number that rows refer to. 1 is the App of rows that were written before there was this table.';
COMMENT ON COLUMN apps.api_base IS 'The base URL of GitHub''s API, in lower case and without a slash at the end.';
COMMENT ON COLUMN apps.app_id IS 'GitHub''s number of the App.';
COMMENT ON COLUMN apps.added_at IS 'When the App was added.';
COMMENT ON COLUMN apps.retired_at IS 'When it was retired; null: it is in use.';

-- With a constant default no row is rewritten, and a program of the previous version writes rows of the first App. The
-- constraints keep their names, which that program's statements use.
ALTER TABLE installations ADD COLUMN app integer NOT NULL DEFAULT 1;
ALTER TABLE bindings ADD COLUMN app integer NOT NULL DEFAULT 1;
ALTER TABLE install_states ADD COLUMN app integer NOT NULL DEFAULT 1;
ALTER TABLE installers ADD COLUMN app integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN installations.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN bindings.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN install_states.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN installers.app IS 'The App, by its number in apps.';

ALTER TABLE installations
    DROP CONSTRAINT installations_pkey,
    ADD CONSTRAINT installations_pkey PRIMARY KEY (app, installation_id),
    DROP CONSTRAINT installations_one_per_organization,
    ADD CONSTRAINT installations_one_per_organization UNIQUE (app, organization);
ALTER TABLE bindings
    DROP CONSTRAINT bindings_spent_once,
    ADD CONSTRAINT bindings_spent_once PRIMARY KEY (app, organization, spent);
ALTER TABLE install_states
    DROP CONSTRAINT install_states_pkey,
    ADD CONSTRAINT install_states_pkey PRIMARY KEY (app, digest);
ALTER TABLE installers
    DROP CONSTRAINT installers_pkey,
    ADD CONSTRAINT installers_pkey PRIMARY KEY (app, installation_id) INCLUDE (installer);

DROP INDEX bindings_one_live;
CREATE UNIQUE INDEX bindings_one_live ON bindings (app, organization) WHERE released_at IS NULL;
DROP INDEX installations_due;
CREATE INDEX installations_due ON installations (app, next_look_at, installation_id) WHERE organization IS NOT NULL;
DROP INDEX installations_denied;
CREATE UNIQUE INDEX installations_denied ON installations (app, denied_number) WHERE denied_number IS NOT NULL;
DROP INDEX installations_unverified;
CREATE INDEX installations_unverified ON installations (app, verified_at, installation_id)
    WHERE organization IS NOT NULL AND status <> 'uninstalled';
