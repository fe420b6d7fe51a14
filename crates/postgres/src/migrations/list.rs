use sha2::{Digest, Sha256};

/// The version of the first release. No program that knows less reads a schema.
const FIRST_RELEASE: u32 = 16;

/// All migrations in order; the first is version 1. Never edit a released one: databases store its checksum.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration::of_first_release("0001_first", include_str!("0001_first.sql")),
    Migration::of_first_release("0002_life", include_str!("0002_life.sql")),
    Migration::of_first_release("0003_keys", include_str!("0003_keys.sql")),
    Migration::of_first_release("0004_actors", include_str!("0004_actors.sql")),
    Migration::of_first_release("0005_presence", include_str!("0005_presence.sql")),
    Migration::of_first_release("0006_confirmations", include_str!("0006_confirmations.sql")),
    Migration::of_first_release("0007_memberships", include_str!("0007_memberships.sql")),
    Migration::of_first_release("0008_lag", include_str!("0008_lag.sql")),
    Migration::of_first_release("0009_apps", include_str!("0009_apps.sql")),
    Migration::of_first_release("0010_outbox", include_str!("0010_outbox.sql")),
    Migration::of_first_release("0011_facts", include_str!("0011_facts.sql")),
    Migration::of_first_release("0012_tombstones", include_str!("0012_tombstones.sql")),
    Migration::of_first_release("0013_redeliveries", include_str!("0013_redeliveries.sql")),
    Migration::of_first_release("0014_budgets", include_str!("0014_budgets.sql")),
    Migration::of_first_release("0015_releases", include_str!("0015_releases.sql")),
    Migration::of_first_release("0016_growth", include_str!("0016_growth.sql")),
];

/// A change of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) name: &'static str,
    /// The least version that a program must know to read and write the schema after this migration. It lets an operator go back
    /// to that program, so it is at most the version of the release before.
    pub(super) oldest_program: u32,
    pub(super) sql: &'static str,
}

impl Migration {
    const fn of_first_release(name: &'static str, sql: &'static str) -> Self {
        Self { name, oldest_program: FIRST_RELEASE, sql }
    }

    pub(super) fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql.as_bytes()).to_vec()
    }
}
