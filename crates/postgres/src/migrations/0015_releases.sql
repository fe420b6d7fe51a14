-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- Without a default no row is rewritten, and a program of the previous version releases bindings without an actor.
ALTER TABLE bindings ADD COLUMN released_by text
    CONSTRAINT bindings_released_by CHECK (char_length(released_by) BETWEEN 1 AND 128);
COMMENT ON COLUMN bindings.released_by IS
    'Who asked for the release, in the host''s words; null: the binding is live, or an earlier version released it.';
