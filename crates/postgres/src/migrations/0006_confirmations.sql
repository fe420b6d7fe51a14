-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- With constant defaults no row is rewritten, and a program of the previous version, which uses the columns visit_…,
-- can still insert. In the row itself, so that one statement under the row's lock decides what happens to a state.
ALTER TABLE install_states
    ADD COLUMN pending jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN answered jsonb,
    ADD COLUMN codes jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT install_states_pending
        CHECK (jsonb_typeof(pending) = 'array' AND jsonb_array_length(pending) <= 4),
    ADD CONSTRAINT install_states_answered CHECK (jsonb_typeof(answered) = 'object'),
    ADD CONSTRAINT install_states_codes CHECK (jsonb_typeof(codes) = 'object');
COMMENT ON COLUMN install_states.pending IS
    'Confirmations that visitors were asked for, oldest first. Digests of ticket and cookie, in hexadecimal.';
COMMENT ON COLUMN install_states.answered IS 'The confirmation that was answered last, with its answer.';
COMMENT ON COLUMN install_states.codes IS
    'SHA-256 of each OAuth code that came with the state, in hexadecimal: sent, refused or used.';
