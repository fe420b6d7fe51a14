-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Without a default no row is rewritten. Every statement that reads the column sets it in the same step.
ALTER TABLE installations ADD COLUMN previous jsonb;
COMMENT ON COLUMN installations.previous IS
    'The facts before the last statement, if it changed them, otherwise false: part of the answer of that statement.';

-- One row per organization, which every statement that adds or settles an entry locks first. So positions are given in the
-- order of the commits.
CREATE TABLE outbox_queues (
    app integer NOT NULL,
    organization text COLLATE "C" NOT NULL
        CONSTRAINT outbox_queues_organization CHECK (char_length(organization) <= 128),
    last_sequence bigint NOT NULL CONSTRAINT outbox_queues_last_sequence CHECK (last_sequence >= 0),
    bytes bigint NOT NULL DEFAULT 0 CONSTRAINT outbox_queues_bytes CHECK (bytes >= 0),
    due_at timestamptz,
    lease_token bigint NOT NULL DEFAULT 0 CONSTRAINT outbox_queues_lease_token CHECK (lease_token >= 0),
    lease_until timestamptz,
    CONSTRAINT outbox_queues_pkey PRIMARY KEY (app, organization)
) WITH (fillfactor = 70);
CREATE INDEX outbox_queues_due ON outbox_queues (app, due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE outbox_queues IS
    'Queues of messages for the product, one per organization. An App without its own queue stores no messages.';
COMMENT ON COLUMN outbox_queues.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN outbox_queues.organization IS 'The organization; empty: the App itself.';
COMMENT ON COLUMN outbox_queues.last_sequence IS 'The position of the entry that was added last.';
COMMENT ON COLUMN outbox_queues.bytes IS 'The bytes of the bodies of entries that are not done.';
COMMENT ON COLUMN outbox_queues.due_at IS
    'From when there may be something to send; null: never. While the queue is leased: lease_until, or less if an entry was added.';
COMMENT ON COLUMN outbox_queues.lease_token IS 'The number of the last lease. A consumer with another number settles nothing.';
COMMENT ON COLUMN outbox_queues.lease_until IS 'When another consumer may lease the queue; null: it is not leased.';

CREATE TABLE outbox_entries (
    app integer NOT NULL,
    organization text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CONSTRAINT outbox_entries_sequence CHECK (sequence >= 1),
    id text COLLATE "C" NOT NULL,
    installation_id bigint CONSTRAINT outbox_entries_installation_id
        CHECK (installation_id BETWEEN 1 AND 9007199254740991),
    guid text COLLATE "C",
    digest bytea CONSTRAINT outbox_entries_digest CHECK (octet_length(digest) = 32),
    event text,
    action text,
    change jsonb,
    size bigint NOT NULL CONSTRAINT outbox_entries_size CHECK (size >= 0),
    has_body boolean NOT NULL,
    received_at timestamptz NOT NULL,
    status text NOT NULL CONSTRAINT outbox_entries_status CHECK (status IN ('waiting', 'set_aside', 'dead', 'done')),
    attempts bigint NOT NULL DEFAULT 0,
    refusals bigint NOT NULL DEFAULT 0,
    first_failed_at timestamptz,
    last_cause text,
    next_attempt_at timestamptz,
    settled_at timestamptz,
    CONSTRAINT outbox_entries_pkey PRIMARY KEY (app, organization, sequence),
    CONSTRAINT outbox_entries_once UNIQUE (app, guid, digest),
    CONSTRAINT outbox_entries_delivery_is_whole CHECK (num_nulls(guid, digest, event) IN (0, 3)),
    CONSTRAINT outbox_entries_content CHECK (num_nulls(change, event) = 1),
    CONSTRAINT outbox_entries_settled CHECK ((settled_at IS NULL) = (status IN ('waiting', 'set_aside')))
);
CREATE INDEX outbox_entries_open ON outbox_entries (app, organization, status, sequence) WHERE status <> 'done';
CREATE INDEX outbox_entries_by_id ON outbox_entries (app, id);
CREATE INDEX outbox_entries_with_body ON outbox_entries (settled_at) WHERE status = 'done' AND has_body;
CREATE INDEX outbox_entries_done ON outbox_entries (settled_at) WHERE status = 'done' AND NOT has_body;
CREATE INDEX outbox_entries_dead ON outbox_entries (settled_at) WHERE status = 'dead';
COMMENT ON TABLE outbox_entries IS 'Messages for the product. Done ones are kept for 7 days, as the keys of their deliveries.';
COMMENT ON COLUMN outbox_entries.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN outbox_entries.organization IS 'The organization; empty: the App itself. Never changes.';
COMMENT ON COLUMN outbox_entries.sequence IS 'The position in the queue.';
COMMENT ON COLUMN outbox_entries.id IS 'The id of the message, by which the product detects duplicates.';
COMMENT ON COLUMN outbox_entries.installation_id IS 'GitHub''s number of the installation that it is about.';
COMMENT ON COLUMN outbox_entries.guid IS 'Of a delivery: GitHub''s id of it.';
COMMENT ON COLUMN outbox_entries.digest IS 'Of a delivery: SHA-256 of its body.';
COMMENT ON COLUMN outbox_entries.event IS 'Of a delivery: GitHub''s name of the event.';
COMMENT ON COLUMN outbox_entries.action IS 'Of a delivery: the action within the event.';
COMMENT ON COLUMN outbox_entries.change IS 'Of a change: the facts before and after.';
COMMENT ON COLUMN outbox_entries.size IS 'The bytes of the body; 0 of a change.';
COMMENT ON COLUMN outbox_entries.has_body IS 'Whether its body is in outbox_bodies.';
COMMENT ON COLUMN outbox_entries.received_at IS 'When it was received.';
COMMENT ON COLUMN outbox_entries.status IS 'Waiting for its turn, set aside, dead or done.';
COMMENT ON COLUMN outbox_entries.attempts IS 'The number of failed attempts.';
COMMENT ON COLUMN outbox_entries.refusals IS 'The number of attempts that the product refused for good.';
COMMENT ON COLUMN outbox_entries.first_failed_at IS 'The time of the first failed attempt.';
COMMENT ON COLUMN outbox_entries.last_cause IS 'The cause of the last failed attempt.';
COMMENT ON COLUMN outbox_entries.next_attempt_at IS 'Not before this time; null: at its turn, or never.';
COMMENT ON COLUMN outbox_entries.settled_at IS 'When it became done or dead.';

-- Apart from the entries, and uncompressed: a body is written once, read once and deleted, and payloads of 25 MiB would
-- keep a core busy.
CREATE TABLE outbox_bodies (
    app integer NOT NULL,
    organization text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT outbox_bodies_pkey PRIMARY KEY (app, organization, sequence)
);
ALTER TABLE outbox_bodies ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox_bodies IS 'Bodies of deliveries, by the position of their entry.';
COMMENT ON COLUMN outbox_bodies.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN outbox_bodies.organization IS 'The organization; empty: the App itself.';
COMMENT ON COLUMN outbox_bodies.sequence IS 'The position in the queue.';
COMMENT ON COLUMN outbox_bodies.body IS 'The payload, a JSON object. Deleted a day after the product accepted it.';
