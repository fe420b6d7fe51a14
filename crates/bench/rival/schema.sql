DROP SCHEMA IF EXISTS rival CASCADE;
CREATE SCHEMA rival;
CREATE TABLE rival.api_keys (
    id text PRIMARY KEY,
    secret_hash bytea NOT NULL,
    organization text NOT NULL
);
CREATE TABLE rival.states (
    digest bytea PRIMARY KEY,
    organization text NOT NULL,
    installation_id bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE rival.bindings (
    organization text PRIMARY KEY,
    installation_id bigint NOT NULL UNIQUE,
    account_id bigint NOT NULL,
    account_login text NOT NULL,
    account_kind text NOT NULL,
    registered_at timestamptz NOT NULL
);
