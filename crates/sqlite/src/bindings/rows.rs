//! Reads and writes rows of `installations` and live bindings. Every write is part of the caller's transaction.

use dockline::{
    Account, Binding, InstallationId, InstallationRecord, Life, OrganizationId, Presence, PresenceKind,
    UninstalledBy,
};
use rusqlite::{Connection, Row, params};

use crate::database::AppNumber;
use crate::decode::{
    account_id, column_number, column_time, execute, get, installation, nullable_account_id, nullable_text,
    nullable_time, number, row, small_number, text, time,
};
use crate::error::SqliteError;

macro_rules! record_columns {
    () => {
        "i.organization, i.installation_id, i.account_id, i.account_login, i.account_kind, i.status, i.presence, i.since, \
         i.missing_looks, i.missing_last, i.verified_at, i.observed_at, i.next_look_at, i.generation"
    };
}

macro_rules! live_bindings {
    () => {
        concat!(
            "SELECT ",
            record_columns!(),
            ", b.proof, b.proven_by, b.actor, b.registered_at FROM installations AS i JOIN bindings AS b \
             ON b.app = i.app AND b.organization = i.organization AND b.released_at IS NULL WHERE i.app = ?1"
        )
    };
}

/// Live bindings of App `?1`, for statements with further conditions. `i` is the row of the installation, `b` that of the
/// binding.
pub(crate) const LIVE_BINDINGS: &str = live_bindings!();

const LIVE_BINDING: &str = concat!(live_bindings!(), " AND i.organization = ?2");

const RECORD: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM installations AS i WHERE i.app = ?1 AND i.installation_id = ?2"
);

const SAVE: &str = "INSERT INTO installations (app, installation_id, organization, account_id, account_login, account_kind, \
     status, presence, since, missing_looks, missing_last, verified_at, observed_at, next_look_at, generation) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
    ON CONFLICT (app, installation_id) DO UPDATE SET organization = excluded.organization, \
     account_id = excluded.account_id, account_login = excluded.account_login, account_kind = excluded.account_kind, \
     status = excluded.status, presence = excluded.presence, since = excluded.since, \
     missing_looks = excluded.missing_looks, missing_last = excluded.missing_last, verified_at = excluded.verified_at, \
     observed_at = excluded.observed_at, next_look_at = excluded.next_look_at, generation = excluded.generation";

const DELETE_ACCOUNT: &str =
    "UPDATE installations SET account_id = NULL, account_login = NULL, account_kind = NULL WHERE rowid = ?1";

const DELETE_FACTS: &str = "DELETE FROM installation_facts WHERE (app, installation_id) = \
    (SELECT app, installation_id FROM installations WHERE rowid = ?1)";

/// Returns the live binding of an organization.
pub(crate) fn live_binding(
    connection: &Connection,
    app: AppNumber,
    organization: &OrganizationId,
) -> Result<Option<Binding>, SqliteError> {
    row(connection, LIVE_BINDING, params![app.get(), organization.as_str()], binding)
}

/// Returns the stored facts about an installation.
pub(crate) fn record(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
) -> Result<Option<InstallationRecord>, SqliteError> {
    row(connection, RECORD, params![app.get(), i64::from(installation)], record_of)
}

/// Writes the facts about an installation.
pub(crate) fn save(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
    record: &InstallationRecord,
) -> Result<(), SqliteError> {
    let account = record.account.as_ref();
    let Life { presence, observed_at, next_look_at } = record.life;
    let (since, looks, last) = match presence {
        Presence::Missing { since, looks, last } => (Some(since), Some(looks), Some(last)),
        Presence::Ending { since } => (Some(since), None, None),
        Presence::Shown | Presence::Uninstalled { .. } => (None, None, None),
    };
    let values = params![
        app.get(),
        i64::from(installation),
        record.organization.as_ref().map(OrganizationId::as_str),
        account.map(|account| i64::from(account.id)),
        account.map(|account| &account.login),
        account.map(|account| account.kind.as_str()),
        record.status.as_str(),
        PresenceKind::from(presence).as_str(),
        since.map(column_time),
        looks,
        last.map(column_time),
        column_time(record.verified_at),
        column_time(observed_at),
        next_look_at.map(column_time),
        column_number(record.generation),
    ];
    execute(connection, SAVE, values).map(drop)
}

pub(crate) fn binding(row: &Row<'_>) -> Result<Binding, SqliteError> {
    let InstallationRecord { account, status, life, verified_at, generation, .. } = record_of(row)?;
    Ok(Binding {
        organization: text(row, "organization")?,
        installation: installation(row, "installation_id")?,
        account: account
            .ok_or_else(|| SqliteError::corrupt("account_id", "a bound installation has none"))?,
        status,
        life,
        proof: text(row, "proof")?,
        proven_by: nullable_account_id(row, "proven_by")?,
        actor: text(row, "actor")?,
        registered_at: time(row, "registered_at")?,
        last_verified_at: verified_at,
        generation,
    })
}

fn record_of(row: &Row<'_>) -> Result<InstallationRecord, SqliteError> {
    let has_account = get::<Option<i64>>(row, "account_id")?.is_some();
    Ok(InstallationRecord {
        organization: nullable_text(row, "organization")?,
        account: has_account.then(|| account(row)).transpose()?,
        status: text(row, "status")?,
        life: Life {
            presence: presence(row)?,
            observed_at: time(row, "observed_at")?,
            next_look_at: nullable_time(row, "next_look_at")?,
        },
        verified_at: time(row, "verified_at")?,
        generation: number(row, "generation")?,
    })
}

fn account(row: &Row<'_>) -> Result<Account, SqliteError> {
    Ok(Account {
        id: account_id(row, "account_id")?,
        login: get(row, "account_login")?,
        kind: text(row, "account_kind")?,
    })
}

fn presence(row: &Row<'_>) -> Result<Presence, SqliteError> {
    Ok(match text(row, "presence")? {
        PresenceKind::Shown => Presence::Shown,
        PresenceKind::Missing => Presence::Missing {
            since: time(row, "since")?,
            looks: small_number(row, "missing_looks")?,
            last: time(row, "missing_last")?,
        },
        PresenceKind::Ending => Presence::Ending { since: time(row, "since")? },
        PresenceKind::Absent => Presence::Uninstalled { by: UninstalledBy::Absence },
        PresenceKind::Deleted => Presence::Uninstalled { by: UninstalledBy::Deletion },
        PresenceKind::Removed => Presence::Uninstalled { by: UninstalledBy::Us },
    })
}

/// Deletes account and facts of the installation in this row.
pub(crate) fn save_without_account(connection: &Connection, row: i64) -> Result<(), SqliteError> {
    execute(connection, DELETE_FACTS, [row])?;
    execute(connection, DELETE_ACCOUNT, [row]).map(drop)
}
