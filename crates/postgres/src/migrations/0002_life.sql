-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Both columns of a sweep's order, so that it reads nothing but this index.
CREATE INDEX installations_unverified ON installations (verified_at, installation_id)
    WHERE organization IS NOT NULL AND status <> 'uninstalled';

-- Apart from installations: who installed it may be told before anything else is, and outlives what purging forgets.
CREATE TABLE installers (
    installation_id bigint
        CONSTRAINT installers_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    installer bigint NOT NULL CONSTRAINT installers_installer CHECK (installer BETWEEN 1 AND 9007199254740991),
    noted_at timestamptz NOT NULL,
    CONSTRAINT installers_pkey PRIMARY KEY (installation_id) INCLUDE (installer)
);
CREATE INDEX installers_by_time ON installers (noted_at);
COMMENT ON TABLE installers IS 'Who installed what, by signed deliveries of GitHub''s. The first one stands.';
COMMENT ON COLUMN installers.installation_id IS 'GitHub''s number of the installation.';
COMMENT ON COLUMN installers.installer IS 'GitHub''s number of the person who installed it. Never changes.';
COMMENT ON COLUMN installers.noted_at IS 'When we were told. Purged 30 days later, unless the installation is bound.';
