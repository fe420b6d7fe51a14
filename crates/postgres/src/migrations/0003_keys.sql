-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Nullable and without a default: no row is rewritten.
ALTER TABLE api_keys
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN replaced_by text COLLATE "C",
    ADD COLUMN last_used_at timestamptz,
    ADD CONSTRAINT api_keys_replaced_by CHECK (replaced_by <> id);
COMMENT ON COLUMN api_keys.expires_at IS 'From when on the key is refused since its time is over; null: never.';
COMMENT ON COLUMN api_keys.replaced_by IS 'The key that took its place when it was rotated; null: none.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Its first known use within the hour of its last one. Never goes back.';
