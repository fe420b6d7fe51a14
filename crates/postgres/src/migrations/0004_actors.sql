-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- With a constant default no row is rewritten, and a program of the previous version can still insert.
ALTER TABLE bindings ADD COLUMN actor text NOT NULL DEFAULT 'unknown'
    CONSTRAINT bindings_actor CHECK (char_length(actor) BETWEEN 1 AND 128);
COMMENT ON COLUMN bindings.actor IS 'Who asked for the binding, in the host''s words.';
ALTER TABLE install_states ADD COLUMN actor text NOT NULL DEFAULT 'unknown'
    CONSTRAINT install_states_actor CHECK (char_length(actor) BETWEEN 1 AND 128);
COMMENT ON COLUMN install_states.actor IS 'Who asked for the install URL, in the host''s words.';
