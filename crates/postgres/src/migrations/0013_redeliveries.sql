-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

CREATE TABLE redelivery_scans (
    app integer CONSTRAINT redelivery_scans_pkey PRIMARY KEY,
    holder bytea CONSTRAINT redelivery_scans_holder CHECK (octet_length(holder) = 16),
    held_until timestamptz,
    read_to timestamptz,
    cursor text CONSTRAINT redelivery_scans_cursor CHECK (length(cursor) BETWEEN 1 AND 512),
    newest timestamptz,
    CONSTRAINT redelivery_scans_lease CHECK ((holder IS NULL) = (held_until IS NULL)),
    CONSTRAINT redelivery_scans_interrupted CHECK ((cursor IS NULL) = (newest IS NULL))
);
COMMENT ON TABLE redelivery_scans IS 'The progress of the scans of GitHub''s delivery log, one row per App.';
COMMENT ON COLUMN redelivery_scans.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN redelivery_scans.holder IS 'The random number of the scan that runs; null: none runs.';
COMMENT ON COLUMN redelivery_scans.held_until IS 'The time after which another scan may start.';
COMMENT ON COLUMN redelivery_scans.read_to IS 'The time up to which all deliveries were read.';
COMMENT ON COLUMN redelivery_scans.cursor IS 'The next page of an interrupted scan, by GitHub''s query.';
COMMENT ON COLUMN redelivery_scans.newest IS 'The newest delivery that the interrupted scan read.';

CREATE TABLE redelivery_requests (
    app integer NOT NULL,
    guid text COLLATE "C" NOT NULL CONSTRAINT redelivery_requests_guid CHECK (length(guid) BETWEEN 1 AND 128),
    requests integer NOT NULL CONSTRAINT redelivery_requests_requests CHECK (requests >= 1),
    last_at timestamptz NOT NULL,
    CONSTRAINT redelivery_requests_pkey PRIMARY KEY (app, guid)
);
COMMENT ON TABLE redelivery_requests IS 'The deliveries that GitHub was asked to send again.';
COMMENT ON COLUMN redelivery_requests.app IS 'The App, by its number in apps.';
COMMENT ON COLUMN redelivery_requests.guid IS 'X-GitHub-Delivery.';
COMMENT ON COLUMN redelivery_requests.requests IS 'The number of requests.';
COMMENT ON COLUMN redelivery_requests.last_at IS 'The time of the last one.';

CREATE INDEX redelivery_requests_last ON redelivery_requests (app, last_at);
