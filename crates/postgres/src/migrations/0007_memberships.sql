-- Run with search_path at the schema. Every time comes in as a parameter: no default asks the server's clock.

-- With a constant default or without one no row is rewritten, and a program of the previous version can still insert.
-- An installer without a known permission, and a claim without a membership, prove the least.
ALTER TABLE installers ADD COLUMN members_permission boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN installers.members_permission
    IS 'Whether the App had the organization permission "Members" when it was installed.';
ALTER TABLE install_states
    ADD COLUMN visit_membership text CONSTRAINT install_states_visit_membership
        CHECK (visit_membership IN ('administrator', 'member', 'outsider', 'unknown_new', 'unknown')),
    ADD COLUMN tie_membership text CONSTRAINT install_states_tie_membership
        CHECK (tie_membership IN ('administrator', 'member', 'outsider', 'unknown_new', 'unknown')),
    ADD CONSTRAINT install_states_visit_membership_needs_a_visit
        CHECK (visit_membership IS NULL OR visit_installation IS NOT NULL),
    ADD CONSTRAINT install_states_tie_membership_needs_a_tie
        CHECK (tie_membership IS NULL OR tie_installation IS NOT NULL);
COMMENT ON COLUMN install_states.visit_membership IS 'Open question: the visitor''s membership in the organization.';
COMMENT ON COLUMN install_states.tie_membership IS 'The membership of the visitor who showed it.';
