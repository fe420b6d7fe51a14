-- Times are microseconds since 1970 in UTC, and come in as parameters: no default asks a clock. Texts are compared by their
-- bytes. Constraints are named for error messages.

CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    checksum BLOB NOT NULL CONSTRAINT migrations_checksum CHECK (length(checksum) = 32),
    -- The least version that a program must know to use the file after this migration.
    oldest_program INTEGER NOT NULL,
    -- The release of the program that applied the migration.
    applied_by TEXT NOT NULL
) STRICT;

-- The GitHub Apps whose rows are in this file. Other tables refer to `id`.
CREATE TABLE apps (
    id INTEGER PRIMARY KEY CONSTRAINT apps_id CHECK (id >= 1),
    -- The base URL of GitHub's API, in lower case and without a slash at the end.
    api_base TEXT NOT NULL,
    app_id INTEGER NOT NULL CONSTRAINT apps_app_id CHECK (app_id BETWEEN 1 AND 9007199254740991),
    added_at INTEGER NOT NULL,
    retired_at INTEGER,
    CONSTRAINT apps_once UNIQUE (api_base, app_id)
) STRICT;

-- API keys of the product. No secret, only its hash.
CREATE TABLE api_keys (
    id TEXT NOT NULL CONSTRAINT api_keys_pkey PRIMARY KEY,
    environment TEXT NOT NULL CONSTRAINT api_keys_environment CHECK (environment IN ('live', 'test')),
    secret_hash BLOB NOT NULL CONSTRAINT api_keys_secret_hash CHECK (length(secret_hash) = 32),
    organization TEXT NOT NULL CONSTRAINT api_keys_organization CHECK (length(organization) BETWEEN 1 AND 128),
    organization_name TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL CONSTRAINT api_keys_scopes CHECK (json_type(scopes) = 'array'),
    tier TEXT NOT NULL,
    reads_per_minute INTEGER NOT NULL
        CONSTRAINT api_keys_reads_per_minute CHECK (reads_per_minute BETWEEN 0 AND 4294967295),
    writes_per_minute INTEGER NOT NULL
        CONSTRAINT api_keys_writes_per_minute CHECK (writes_per_minute BETWEEN 0 AND 4294967295),
    writes_per_day INTEGER NOT NULL
        CONSTRAINT api_keys_writes_per_day CHECK (writes_per_day BETWEEN 0 AND 4294967295),
    return_hosts TEXT NOT NULL CONSTRAINT api_keys_return_hosts CHECK (json_type(return_hosts) = 'array'),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    expires_at INTEGER,
    replaced_by TEXT CONSTRAINT api_keys_replaced_by CHECK (replaced_by <> id),
    -- The first known use within the hour of the last one. Never decreases.
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_organization ON api_keys (organization);

-- Levels of the budgets that were charged lately. One permit is 60,000,000 units, and a limit of n per minute gains n per
-- microsecond.
CREATE TABLE budgets (
    key TEXT NOT NULL,
    class TEXT NOT NULL CONSTRAINT budgets_class CHECK (class IN ('read-light', 'write-light')),
    per_minute INTEGER NOT NULL CONSTRAINT budgets_per_minute CHECK (per_minute BETWEEN 0 AND 4294967295),
    level INTEGER NOT NULL CONSTRAINT budgets_level CHECK (level >= 0),
    used_today INTEGER NOT NULL CONSTRAINT budgets_used_today CHECK (used_today BETWEEN 0 AND 4294967295),
    counted_to INTEGER NOT NULL,
    lag INTEGER NOT NULL CONSTRAINT budgets_lag CHECK (lag BETWEEN 0 AND 3600000000),
    CONSTRAINT budgets_pkey PRIMARY KEY (key, class)
) STRICT, WITHOUT ROWID;

-- States that install URLs contain. Digests only.
CREATE TABLE install_states (
    app INTEGER NOT NULL,
    digest BLOB NOT NULL CONSTRAINT install_states_digest CHECK (length(digest) = 32),
    organization TEXT NOT NULL
        CONSTRAINT install_states_organization CHECK (length(organization) BETWEEN 1 AND 128),
    organization_name TEXT NOT NULL,
    actor TEXT NOT NULL CONSTRAINT install_states_actor CHECK (length(actor) BETWEEN 1 AND 128),
    return_url TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked INTEGER NOT NULL CONSTRAINT install_states_revoked CHECK (revoked IN (0, 1)),
    -- The claim, which ties the state to an installation.
    installation_id INTEGER
        CONSTRAINT install_states_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    account_id INTEGER CONSTRAINT install_states_account_id CHECK (account_id BETWEEN 1 AND 9007199254740991),
    proof TEXT CONSTRAINT install_states_proof CHECK (proof IN ('state', 'visible', 'administered', 'installed', 'imported')),
    visitor INTEGER CONSTRAINT install_states_visitor CHECK (visitor BETWEEN 1 AND 9007199254740991),
    membership TEXT CONSTRAINT install_states_membership
        CHECK (membership IN ('administrator', 'member', 'outsider', 'unknown_new', 'unknown')),
    CONSTRAINT install_states_pkey PRIMARY KEY (app, digest),
    CONSTRAINT install_states_claim_is_whole CHECK (
        (installation_id IS NULL) = (account_id IS NULL) AND (installation_id IS NULL) = (proof IS NULL)
        AND (installation_id IS NULL) = (visitor IS NULL) AND (installation_id IS NULL) = (membership IS NULL))
) STRICT;
CREATE INDEX install_states_by_expiry ON install_states (expires_at);
CREATE INDEX install_states_by_organization ON install_states (organization);

-- Confirmations that visitors were asked for: pending ones in the order of `place`, and the one that was answered last.
CREATE TABLE state_confirmations (
    app INTEGER NOT NULL,
    digest BLOB NOT NULL,
    place INTEGER NOT NULL,
    ticket BLOB NOT NULL CONSTRAINT state_confirmations_ticket CHECK (length(ticket) = 32),
    browser BLOB NOT NULL CONSTRAINT state_confirmations_browser CHECK (length(browser) = 32),
    installation_id INTEGER NOT NULL
        CONSTRAINT state_confirmations_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    account_id INTEGER NOT NULL
        CONSTRAINT state_confirmations_account_id CHECK (account_id BETWEEN 1 AND 9007199254740991),
    proof TEXT NOT NULL
        CONSTRAINT state_confirmations_proof CHECK (proof IN ('state', 'visible', 'administered', 'installed', 'imported')),
    visitor INTEGER NOT NULL CONSTRAINT state_confirmations_visitor CHECK (visitor BETWEEN 1 AND 9007199254740991),
    membership TEXT NOT NULL CONSTRAINT state_confirmations_membership
        CHECK (membership IN ('administrator', 'member', 'outsider', 'unknown_new', 'unknown')),
    setup_action TEXT NOT NULL
        CONSTRAINT state_confirmations_setup_action CHECK (setup_action IN ('install', 'update', 'request')),
    -- Null while it is pending.
    confirmed INTEGER CONSTRAINT state_confirmations_confirmed CHECK (confirmed IN (0, 1)),
    CONSTRAINT state_confirmations_pkey PRIMARY KEY (app, digest, place),
    CONSTRAINT state_confirmations_state FOREIGN KEY (app, digest) REFERENCES install_states (app, digest)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX state_confirmations_one_answer ON state_confirmations (app, digest) WHERE confirmed IS NOT NULL;

-- SHA-256 of each OAuth code that came with a state.
CREATE TABLE state_codes (
    app INTEGER NOT NULL,
    digest BLOB NOT NULL,
    code BLOB NOT NULL CONSTRAINT state_codes_code CHECK (length(code) = 32),
    fate TEXT NOT NULL CONSTRAINT state_codes_fate CHECK (fate IN ('sent', 'refused', 'used')),
    CONSTRAINT state_codes_pkey PRIMARY KEY (app, digest, code),
    CONSTRAINT state_codes_state FOREIGN KEY (app, digest) REFERENCES install_states (app, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- One row per installation, bound or not. The rules of the core decide on it within a transaction.
CREATE TABLE installations (
    app INTEGER NOT NULL,
    installation_id INTEGER NOT NULL
        CONSTRAINT installations_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    organization TEXT CONSTRAINT installations_organization CHECK (length(organization) BETWEEN 1 AND 128),
    account_id INTEGER CONSTRAINT installations_account_id CHECK (account_id BETWEEN 1 AND 9007199254740991),
    account_login TEXT,
    account_kind TEXT CONSTRAINT installations_account_kind CHECK (account_kind IN ('User', 'Organization')),
    status TEXT NOT NULL CONSTRAINT installations_status CHECK (status IN ('active', 'suspended', 'uninstalled')),
    presence TEXT NOT NULL CONSTRAINT installations_presence
        CHECK (presence IN ('shown', 'missing', 'ending', 'absent', 'deleted', 'removed')),
    -- The first 404, or the time of our request to uninstall.
    since INTEGER,
    missing_looks INTEGER CONSTRAINT installations_missing_looks CHECK (missing_looks BETWEEN 1 AND 4294967295),
    missing_last INTEGER,
    -- The last response that showed it.
    verified_at INTEGER NOT NULL,
    -- The last look.
    observed_at INTEGER NOT NULL,
    -- Null: never.
    next_look_at INTEGER,
    generation INTEGER NOT NULL CONSTRAINT installations_generation CHECK (generation >= 1),
    released_at INTEGER,
    -- Status and presence in one word, for lists.
    state TEXT GENERATED ALWAYS AS (
        CASE presence WHEN 'shown' THEN CASE status WHEN 'uninstalled' THEN 'absent' ELSE status END
            WHEN 'deleted' THEN 'uninstalled' WHEN 'removed' THEN 'uninstalled' ELSE presence END) VIRTUAL,
    CONSTRAINT installations_pkey PRIMARY KEY (app, installation_id),
    CONSTRAINT installations_one_per_organization UNIQUE (app, organization),
    CONSTRAINT installations_account_is_whole CHECK (
        (account_id IS NULL) = (account_login IS NULL) AND (account_id IS NULL) = (account_kind IS NULL)),
    CONSTRAINT installations_since CHECK ((since IS NOT NULL) = (presence IN ('missing', 'ending'))),
    CONSTRAINT installations_missing_is_whole CHECK (
        (missing_looks IS NOT NULL) = (presence = 'missing') AND (missing_last IS NOT NULL) = (presence = 'missing')),
    CONSTRAINT installations_ended CHECK (presence NOT IN ('absent', 'deleted', 'removed') OR status = 'uninstalled')
) STRICT;
-- Both columns of a sweep's order.
CREATE INDEX installations_due ON installations (app, next_look_at, installation_id) WHERE organization IS NOT NULL;
-- For the bound on missing bindings.
CREATE INDEX installations_not_shown ON installations (app, presence, verified_at)
    WHERE organization IS NOT NULL AND presence IN ('missing', 'absent');
CREATE INDEX installations_purgeable ON installations (verified_at)
    WHERE organization IS NULL AND (account_id IS NOT NULL OR presence NOT IN ('deleted', 'removed'));
CREATE INDEX installations_by_state ON installations (app, state, organization) WHERE organization IS NOT NULL;
CREATE INDEX installations_by_login ON installations (app, lower(account_login), organization)
    WHERE organization IS NOT NULL;
CREATE INDEX installations_by_account ON installations (app, account_id, organization);
CREATE INDEX installations_unverified ON installations (app, verified_at)
    WHERE organization IS NOT NULL AND status <> 'uninstalled';

-- Live and released bindings: history and audit. Changed only by their release and by an erasure, never purged.
CREATE TABLE bindings (
    app INTEGER NOT NULL,
    organization TEXT NOT NULL CONSTRAINT bindings_organization CHECK (length(organization) BETWEEN 1 AND 128),
    -- SHA-256 of the state that the binding used up, for ever.
    spent BLOB NOT NULL CONSTRAINT bindings_spent CHECK (length(spent) = 32),
    installation_id INTEGER NOT NULL
        CONSTRAINT bindings_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    proof TEXT NOT NULL
        CONSTRAINT bindings_proof CHECK (proof IN ('state', 'visible', 'administered', 'installed', 'imported')),
    proven_by INTEGER CONSTRAINT bindings_proven_by CHECK (proven_by BETWEEN 1 AND 9007199254740991),
    actor TEXT NOT NULL CONSTRAINT bindings_actor CHECK (length(actor) BETWEEN 1 AND 128),
    registered_at INTEGER NOT NULL,
    released_at INTEGER,
    released_by TEXT CONSTRAINT bindings_released_by CHECK (length(released_by) BETWEEN 1 AND 128),
    CONSTRAINT bindings_spent_once PRIMARY KEY (app, organization, spent),
    CONSTRAINT bindings_release_is_whole CHECK ((released_at IS NULL) = (released_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX bindings_one_live ON bindings (app, organization) WHERE released_at IS NULL;
CREATE UNIQUE INDEX bindings_one_per_installation ON bindings (app, installation_id) WHERE released_at IS NULL;
CREATE INDEX bindings_by_proof ON bindings (app, proof, organization) WHERE released_at IS NULL;
CREATE INDEX bindings_by_installation ON bindings (app, installation_id, registered_at);
CREATE INDEX bindings_by_time ON bindings (app, organization, registered_at);

-- Who installed what, by signed deliveries of GitHub's or its log. The first one stands. May be known before the installation.
CREATE TABLE installers (
    app INTEGER NOT NULL,
    installation_id INTEGER NOT NULL
        CONSTRAINT installers_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    installer INTEGER NOT NULL CONSTRAINT installers_installer CHECK (installer BETWEEN 1 AND 9007199254740991),
    members_permission INTEGER NOT NULL
        CONSTRAINT installers_members_permission CHECK (members_permission IN (0, 1)),
    recorded_at INTEGER NOT NULL,
    CONSTRAINT installers_pkey PRIMARY KEY (app, installation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX installers_by_time ON installers (recorded_at);

-- What GitHub reports about installations to be shown; nothing is decided by it.
CREATE TABLE installation_facts (
    app INTEGER NOT NULL,
    installation_id INTEGER NOT NULL,
    facts TEXT NOT NULL CONSTRAINT installation_facts_facts
        CHECK (json_type(facts) = 'object' AND octet_length(facts) <= 32768),
    -- Null: a webhook reported them.
    observed_at INTEGER,
    CONSTRAINT installation_facts_pkey PRIMARY KEY (app, installation_id),
    CONSTRAINT installation_facts_installation FOREIGN KEY (app, installation_id)
        REFERENCES installations (app, installation_id) ON DELETE CASCADE
) STRICT;

-- Final ends of installations that an operator had forgotten. Never changed or purged.
CREATE TABLE tombstone_resets (
    app INTEGER NOT NULL,
    installation_id INTEGER NOT NULL
        CONSTRAINT tombstone_resets_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    uninstalled_by TEXT NOT NULL CONSTRAINT tombstone_resets_uninstalled_by CHECK (uninstalled_by IN ('deletion', 'us')),
    ended_at INTEGER NOT NULL,
    reset_at INTEGER NOT NULL,
    note TEXT NOT NULL CONSTRAINT tombstone_resets_note CHECK (length(note) <= 500),
    CONSTRAINT tombstone_resets_pkey PRIMARY KEY (app, installation_id, reset_at)
) STRICT, WITHOUT ROWID;

-- The open outboxes. An App without a row stores no messages.
CREATE TABLE outboxes (
    app INTEGER PRIMARY KEY,
    -- The sum of the queues.
    bytes INTEGER NOT NULL CONSTRAINT outboxes_bytes CHECK (bytes >= 0)
) STRICT;

-- Queues of messages for the product, one per organization. Empty: the App's own.
CREATE TABLE outbox_queues (
    app INTEGER NOT NULL,
    organization TEXT NOT NULL CONSTRAINT outbox_queues_organization CHECK (length(organization) <= 128),
    last_sequence INTEGER NOT NULL CONSTRAINT outbox_queues_last_sequence CHECK (last_sequence >= 0),
    -- The bytes of the bodies of entries that are not done.
    bytes INTEGER NOT NULL CONSTRAINT outbox_queues_bytes CHECK (bytes >= 0),
    -- From when there may be something to send, or earlier; null: never.
    due_at INTEGER,
    -- The number of the last lease. A consumer with another number settles nothing.
    lease_token INTEGER NOT NULL DEFAULT 0 CONSTRAINT outbox_queues_lease_token CHECK (lease_token >= 0),
    lease_until INTEGER,
    CONSTRAINT outbox_queues_pkey PRIMARY KEY (app, organization),
    CONSTRAINT outbox_queues_outbox FOREIGN KEY (app) REFERENCES outboxes (app) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_queues_due ON outbox_queues (app, due_at, organization) WHERE due_at IS NOT NULL;

-- Messages for the product. Done ones are kept for 7 days, as the keys of their deliveries.
CREATE TABLE outbox_entries (
    app INTEGER NOT NULL,
    organization TEXT NOT NULL,
    sequence INTEGER NOT NULL CONSTRAINT outbox_entries_sequence CHECK (sequence >= 1),
    id TEXT NOT NULL,
    installation_id INTEGER
        CONSTRAINT outbox_entries_installation_id CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    -- Of a delivery: GitHub's id of it, SHA-256 of its body, and the names of event and action.
    guid TEXT,
    digest BLOB CONSTRAINT outbox_entries_digest CHECK (length(digest) = 32),
    event TEXT,
    action TEXT,
    -- Of a change: the facts before and after.
    change TEXT CONSTRAINT outbox_entries_change CHECK (json_type(change) = 'object'),
    size INTEGER NOT NULL CONSTRAINT outbox_entries_size CHECK (size >= 0),
    has_body INTEGER NOT NULL CONSTRAINT outbox_entries_has_body CHECK (has_body IN (0, 1)),
    received_at INTEGER NOT NULL,
    status TEXT NOT NULL
        CONSTRAINT outbox_entries_status CHECK (status IN ('waiting', 'set_aside', 'dead', 'done')),
    attempts INTEGER NOT NULL DEFAULT 0 CONSTRAINT outbox_entries_attempts CHECK (attempts BETWEEN 0 AND 4294967295),
    refusals INTEGER NOT NULL DEFAULT 0 CONSTRAINT outbox_entries_refusals CHECK (refusals BETWEEN 0 AND 4294967295),
    first_failed_at INTEGER,
    last_cause TEXT,
    -- Not before this time; null: at its turn, or never.
    next_attempt_at INTEGER,
    -- When it became done or dead.
    settled_at INTEGER,
    CONSTRAINT outbox_entries_pkey PRIMARY KEY (app, organization, sequence),
    CONSTRAINT outbox_entries_once UNIQUE (app, guid, digest),
    CONSTRAINT outbox_entries_queue FOREIGN KEY (app, organization) REFERENCES outbox_queues (app, organization)
        ON DELETE CASCADE,
    CONSTRAINT outbox_entries_delivery_is_whole
        CHECK ((guid IS NULL) = (digest IS NULL) AND (guid IS NULL) = (event IS NULL)),
    CONSTRAINT outbox_entries_content CHECK ((change IS NULL) <> (event IS NULL)),
    CONSTRAINT outbox_entries_settled CHECK ((settled_at IS NULL) = (status IN ('waiting', 'set_aside')))
) STRICT;
-- SQLite uses a partial index only if the statement repeats its condition.
CREATE INDEX outbox_entries_open ON outbox_entries (app, organization, status, sequence) WHERE status <> 'done';
CREATE INDEX outbox_entries_by_id ON outbox_entries (app, id);
CREATE INDEX outbox_entries_with_body ON outbox_entries (settled_at) WHERE status = 'done' AND has_body;
CREATE INDEX outbox_entries_done ON outbox_entries (settled_at) WHERE status = 'done' AND NOT has_body;
CREATE INDEX outbox_entries_dead ON outbox_entries (settled_at) WHERE status = 'dead';

-- Bodies of deliveries, apart from the entries, since lists do not read them.
CREATE TABLE outbox_bodies (
    app INTEGER NOT NULL,
    organization TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    CONSTRAINT outbox_bodies_pkey PRIMARY KEY (app, organization, sequence),
    CONSTRAINT outbox_bodies_entry FOREIGN KEY (app, organization, sequence)
        REFERENCES outbox_entries (app, organization, sequence) ON DELETE CASCADE
) STRICT;

-- The progress of the scans of GitHub's delivery log, one row per App.
CREATE TABLE redelivery_scans (
    app INTEGER PRIMARY KEY,
    holder BLOB CONSTRAINT redelivery_scans_holder CHECK (length(holder) = 16),
    held_until INTEGER,
    read_to INTEGER,
    cursor TEXT CONSTRAINT redelivery_scans_cursor CHECK (length(cursor) BETWEEN 1 AND 512),
    newest INTEGER,
    CONSTRAINT redelivery_scans_lease CHECK ((holder IS NULL) = (held_until IS NULL)),
    CONSTRAINT redelivery_scans_interrupted CHECK ((cursor IS NULL) = (newest IS NULL))
) STRICT;

-- The deliveries that GitHub was asked to send again.
CREATE TABLE redelivery_requests (
    app INTEGER NOT NULL,
    guid TEXT NOT NULL CONSTRAINT redelivery_requests_guid CHECK (length(guid) BETWEEN 1 AND 128),
    requests INTEGER NOT NULL CONSTRAINT redelivery_requests_requests CHECK (requests BETWEEN 1 AND 4294967295),
    last_at INTEGER NOT NULL,
    CONSTRAINT redelivery_requests_pkey PRIMARY KEY (app, guid)
) STRICT, WITHOUT ROWID;
CREATE INDEX redelivery_requests_last ON redelivery_requests (app, last_at);

-- At most one row. While it is there, the file belongs to a move to another database, and no server or command opens it.
CREATE TABLE seal (
    only_row INTEGER PRIMARY KEY CONSTRAINT seal_only_row CHECK (only_row = 1),
    sealed_at INTEGER NOT NULL,
    -- The database that the rows were copied to, without credentials; null: they were not copied yet.
    copied_to TEXT,
    copied_at INTEGER,
    CONSTRAINT seal_copy_is_whole CHECK ((copied_to IS NULL) = (copied_at IS NULL))
) STRICT;
