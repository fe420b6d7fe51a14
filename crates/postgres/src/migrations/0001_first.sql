-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.
-- Constraints are named, and the adapter matches them by name.

CREATE TABLE api_keys (
    id text COLLATE "C" CONSTRAINT api_keys_pkey PRIMARY KEY,
    environment text NOT NULL CONSTRAINT api_keys_environment CHECK (environment IN ('live', 'test')),
    secret_hash bytea NOT NULL CONSTRAINT api_keys_secret_hash CHECK (octet_length(secret_hash) = 32),
    organization text COLLATE "C" NOT NULL
        CONSTRAINT api_keys_organization CHECK (char_length(organization) BETWEEN 1 AND 128),
    organization_name text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    tier text NOT NULL,
    reads_per_minute bigint NOT NULL
        CONSTRAINT api_keys_reads_per_minute CHECK (reads_per_minute BETWEEN 0 AND 4294967295),
    writes_per_minute bigint NOT NULL
        CONSTRAINT api_keys_writes_per_minute CHECK (writes_per_minute BETWEEN 0 AND 4294967295),
    writes_per_day bigint NOT NULL
        CONSTRAINT api_keys_writes_per_day CHECK (writes_per_day BETWEEN 0 AND 4294967295),
    allowed_return_domains text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_keys_by_organization ON api_keys (organization);
COMMENT ON TABLE api_keys IS 'API keys of the product. No secret, only its hash.';
COMMENT ON COLUMN api_keys.id IS 'Public part of the key.';
COMMENT ON COLUMN api_keys.environment IS 'Which world the key belongs to.';
COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of the 32 secret bytes.';
COMMENT ON COLUMN api_keys.organization IS 'The organization that the key acts for: the host''s own id.';
COMMENT ON COLUMN api_keys.organization_name IS 'What the organization is called; the confirmation page asks with it.';
COMMENT ON COLUMN api_keys.name IS 'The operator''s name for the key.';
COMMENT ON COLUMN api_keys.scopes IS 'What the key may do. Empty: nothing.';
COMMENT ON COLUMN api_keys.tier IS 'Name of the tier.';
COMMENT ON COLUMN api_keys.reads_per_minute IS 'Reads a minute.';
COMMENT ON COLUMN api_keys.writes_per_minute IS 'Writes a minute.';
COMMENT ON COLUMN api_keys.writes_per_day IS 'Writes a UTC day.';
COMMENT ON COLUMN api_keys.allowed_return_domains IS 'Hosts that a returnUrl may name.';
COMMENT ON COLUMN api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN api_keys.revoked_at IS 'From when on the key is refused; null while it is good.';

CREATE TABLE install_states (
    digest bytea CONSTRAINT install_states_pkey PRIMARY KEY
        CONSTRAINT install_states_digest CHECK (octet_length(digest) = 32),
    organization text COLLATE "C" NOT NULL
        CONSTRAINT install_states_organization CHECK (char_length(organization) BETWEEN 1 AND 128),
    organization_name text NOT NULL,
    return_url text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    discarded boolean NOT NULL,
    visit_ticket bytea,
    visit_browser bytea,
    visit_installation bigint CONSTRAINT install_states_visit_installation
        CHECK (visit_installation BETWEEN 1 AND 9007199254740991),
    visit_account bigint CONSTRAINT install_states_visit_account
        CHECK (visit_account BETWEEN 1 AND 9007199254740991),
    visit_proof text,
    visit_visitor bigint CONSTRAINT install_states_visit_visitor
        CHECK (visit_visitor BETWEEN 1 AND 9007199254740991),
    visit_setup_action text,
    tie_installation bigint CONSTRAINT install_states_tie_installation
        CHECK (tie_installation BETWEEN 1 AND 9007199254740991),
    tie_account bigint CONSTRAINT install_states_tie_account CHECK (tie_account BETWEEN 1 AND 9007199254740991),
    tie_proof text,
    tie_visitor bigint CONSTRAINT install_states_tie_visitor CHECK (tie_visitor BETWEEN 1 AND 9007199254740991),
    CONSTRAINT install_states_visit_is_whole CHECK (num_nulls(visit_ticket, visit_browser, visit_installation,
        visit_account, visit_proof, visit_visitor, visit_setup_action) IN (0, 7)),
    CONSTRAINT install_states_tie_is_whole
        CHECK (num_nulls(tie_installation, tie_account, tie_proof, tie_visitor) IN (0, 4)),
    CONSTRAINT install_states_proofs CHECK (
        visit_proof IN ('state', 'visible', 'administered', 'installed')
        AND tie_proof IN ('state', 'visible', 'administered', 'installed')),
    CONSTRAINT install_states_visit_setup_action CHECK (visit_setup_action IN ('install', 'update', 'request'))
);
CREATE INDEX install_states_by_expiry ON install_states (expires_at);
COMMENT ON TABLE install_states IS 'States that install URLs gave out. Digests only.';
COMMENT ON COLUMN install_states.digest IS 'SHA-256 of the state.';
COMMENT ON COLUMN install_states.organization IS 'Whom it was issued to; it works for nobody else.';
COMMENT ON COLUMN install_states.organization_name IS 'What that organization is called.';
COMMENT ON COLUMN install_states.return_url IS 'Where the browser goes in the end; checked when the state was issued.';
COMMENT ON COLUMN install_states.issued_at IS 'When it was issued.';
COMMENT ON COLUMN install_states.expires_at IS 'From when on it is worth nothing. Purged a day later.';
COMMENT ON COLUMN install_states.discarded IS 'Used up: as good as unknown, but the digest stays taken.';
COMMENT ON COLUMN install_states.visit_ticket IS 'Open question: SHA-256 of its one-time ticket. Null: nobody was asked.';
COMMENT ON COLUMN install_states.visit_browser IS 'Open question: SHA-256 of the asked browser''s cookie.';
COMMENT ON COLUMN install_states.visit_installation IS 'Open question: the installation that Confirm ties.';
COMMENT ON COLUMN install_states.visit_account IS 'Open question: the account that it was on.';
COMMENT ON COLUMN install_states.visit_proof IS 'Open question: what was shown.';
COMMENT ON COLUMN install_states.visit_visitor IS 'Open question: GitHub''s number of who showed it.';
COMMENT ON COLUMN install_states.visit_setup_action IS 'Open question: what GitHub said the visitor did.';
COMMENT ON COLUMN install_states.tie_installation IS 'The one installation that the state may bind. Null: not tied.';
COMMENT ON COLUMN install_states.tie_account IS 'The account that it was on when it was shown.';
COMMENT ON COLUMN install_states.tie_proof IS 'What was shown for it.';
COMMENT ON COLUMN install_states.tie_visitor IS 'GitHub''s number of who showed it.';

-- One row per installation, bound or not: binding and tombstone in one place, so that a bind and an uninstall meet.
CREATE TABLE installations (
    installation_id bigint CONSTRAINT installations_pkey PRIMARY KEY
        CONSTRAINT installations_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    organization text COLLATE "C" CONSTRAINT installations_one_per_organization UNIQUE
        CONSTRAINT installations_organization CHECK (char_length(organization) BETWEEN 1 AND 128),
    account_id bigint CONSTRAINT installations_account_id CHECK (account_id BETWEEN 1 AND 9007199254740991),
    account_login text,
    account_kind text CONSTRAINT installations_account_kind CHECK (account_kind IN ('User', 'Organization')),
    status text NOT NULL
        CONSTRAINT installations_status CHECK (status IN ('active', 'suspended', 'uninstalled')),
    verified_at timestamptz NOT NULL,
    generation bigint NOT NULL CONSTRAINT installations_generation CHECK (generation >= 1),
    released_at timestamptz,
    CONSTRAINT installations_account_is_whole CHECK (num_nulls(account_id, account_login, account_kind) IN (0, 3)),
    -- Only of what we first heard of by its end do we not know the account, and nobody can bind that.
    CONSTRAINT installations_account_is_known
        CHECK (account_id IS NOT NULL OR (status = 'uninstalled' AND organization IS NULL))
);
CREATE INDEX installations_unbound ON installations (verified_at) WHERE organization IS NULL;
COMMENT ON TABLE installations IS 'What GitHub told us of each installation, and which organization is bound to it.';
COMMENT ON COLUMN installations.installation_id IS 'GitHub''s number of the installation.';
COMMENT ON COLUMN installations.organization IS 'The organization that is bound to it; null: none.';
COMMENT ON COLUMN installations.account_id IS 'GitHub''s number of the account that it is on; null: first heard of by its end.';
COMMENT ON COLUMN installations.account_login IS 'That account''s name, as GitHub last told.';
COMMENT ON COLUMN installations.account_kind IS 'User or organization.';
COMMENT ON COLUMN installations.status IS 'As GitHub last told; uninstalled is final.';
COMMENT ON COLUMN installations.verified_at IS 'The time of GitHub''s last answer. Never goes back.';
COMMENT ON COLUMN installations.generation IS 'Counts the changes of status, account and binding; fences cached tokens.';
COMMENT ON COLUMN installations.released_at IS 'When it was last released; purging waits for that, too.';

CREATE TABLE bindings (
    organization text COLLATE "C" NOT NULL
        CONSTRAINT bindings_organization CHECK (char_length(organization) BETWEEN 1 AND 128),
    spent bytea NOT NULL CONSTRAINT bindings_spent CHECK (octet_length(spent) = 32),
    installation_id bigint NOT NULL
        CONSTRAINT bindings_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    proof text NOT NULL CONSTRAINT bindings_proof CHECK (proof IN ('state', 'visible', 'administered', 'installed')),
    proven_by bigint CONSTRAINT bindings_proven_by CHECK (proven_by BETWEEN 1 AND 9007199254740991),
    registered_at timestamptz NOT NULL,
    released_at timestamptz,
    CONSTRAINT bindings_spent_once PRIMARY KEY (organization, spent)
);
CREATE UNIQUE INDEX bindings_one_live ON bindings (organization) WHERE released_at IS NULL;
COMMENT ON TABLE bindings IS 'Who bound what when: history and audit. Changed only by its release, never purged.';
COMMENT ON COLUMN bindings.organization IS 'Who bound.';
COMMENT ON COLUMN bindings.spent IS 'SHA-256 of the state that the binding spent, for ever.';
COMMENT ON COLUMN bindings.installation_id IS 'What was bound.';
COMMENT ON COLUMN bindings.proof IS 'What was shown for the claim.';
COMMENT ON COLUMN bindings.proven_by IS 'GitHub''s number of the person who showed it, where it was a person.';
COMMENT ON COLUMN bindings.registered_at IS 'When it was made. Never changes.';
COMMENT ON COLUMN bindings.released_at IS 'When it ended; null: it is live.';

-- Counted in whole units: one permit is 60,000,000,000 of them, and a limit of n a minute gains n each nanosecond.
-- No second index and room on each page, so that a charge rewrites nothing but its row.
CREATE TABLE rate_buckets (
    key_id text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    per_minute bigint NOT NULL CONSTRAINT rate_buckets_per_minute CHECK (per_minute BETWEEN 0 AND 4294967295),
    level numeric NOT NULL CONSTRAINT rate_buckets_level CHECK (level >= 0),
    used_today bigint NOT NULL CONSTRAINT rate_buckets_used_today CHECK (used_today BETWEEN 0 AND 4294967295),
    counted_to numeric NOT NULL,
    counted_day bigint NOT NULL,
    allowed boolean NOT NULL,
    CONSTRAINT rate_buckets_pkey PRIMARY KEY (key_id, class)
) WITH (fillfactor = 70);
COMMENT ON TABLE rate_buckets IS 'Budgets of the keys that asked lately.';
COMMENT ON COLUMN rate_buckets.key_id IS 'Whose budget.';
COMMENT ON COLUMN rate_buckets.class IS 'Which of its budgets.';
COMMENT ON COLUMN rate_buckets.per_minute IS 'Requests a minute, by the tier at the last question.';
COMMENT ON COLUMN rate_buckets.level IS 'What is left, in units of a sixty-thousand-millionth of a permit.';
COMMENT ON COLUMN rate_buckets.used_today IS 'Charged within the UTC day, where the class has a cap of the day.';
COMMENT ON COLUMN rate_buckets.counted_to IS 'Up to when the level was counted: nanoseconds since 1970, UTC.';
COMMENT ON COLUMN rate_buckets.counted_day IS 'The UTC day of counted_to, as a Julian day number.';
COMMENT ON COLUMN rate_buckets.allowed IS 'Whether the last question was allowed: the answer of the statement that asked.';
