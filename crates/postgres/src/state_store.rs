use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{
    ClaimMembership, CodeFate, InstallationId, IssuedState, OrganizationId, PendingConfirmation, PortError,
    PortName, SecretDigest, StateDigest, VerifiedClaim,
};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::batch::{BatchCounts, Batcher};
use crate::confirmations::{self, hex};
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{account_id, column_time, digest, get, installation, parse, parse_nullable, parse_text};
use crate::error::DatabaseError;
use crate::state_lookups::StateLookups;

const PUT: &str = "INSERT INTO {schema}.install_states AS s \
    (app, digest, organization, organization_name, actor, return_url, issued_at, expires_at, discarded, pending, answered, \
     tie_installation, tie_account, tie_proof, tie_visitor, tie_membership) \
    VALUES ({app}, $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $12, $13, $14, $15) \
    ON CONFLICT ON CONSTRAINT install_states_pkey DO UPDATE SET \
     organization = excluded.organization, organization_name = excluded.organization_name, \
     actor = excluded.actor, return_url = excluded.return_url, issued_at = excluded.issued_at, \
     expires_at = excluded.expires_at, discarded = excluded.discarded, \
     pending = excluded.pending, answered = excluded.answered, \
     codes = CASE WHEN s.expires_at <= excluded.issued_at THEN excluded.codes ELSE s.codes END, \
     visit_ticket = NULL, visit_browser = NULL, visit_installation = NULL, visit_account = NULL, \
     visit_proof = NULL, visit_visitor = NULL, visit_setup_action = NULL, visit_membership = NULL, \
     tie_installation = excluded.tie_installation, tie_account = excluded.tie_account, \
     tie_proof = excluded.tie_proof, tie_visitor = excluded.tie_visitor, \
     tie_membership = excluded.tie_membership \
    WHERE s.expires_at <= excluded.issued_at \
     OR (s.organization = excluded.organization AND NOT s.discarded AND s.pending = '[]' AND s.answered IS NULL \
         AND s.visit_ticket IS NULL AND s.tie_installation IS NULL) \
    RETURNING true";

const PUT_TYPES: &[Type] = &[
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::BOOL,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
];

const FIND_BY_DIGEST: &str = "SELECT digest, organization, organization_name, actor, return_url, issued_at, expires_at, \
    discarded, pending::text, answered::text, tie_installation, tie_account, tie_proof, tie_visitor, \
    tie_membership FROM {schema}.install_states \
    WHERE app = {app} AND digest = $1";

// Removes the oldest of four.
const SAVE_PENDING: &str = "UPDATE {schema}.install_states SET pending = \
    CASE WHEN jsonb_array_length(pending) < 4 THEN pending ELSE pending - 0 END || jsonb_build_array($2::jsonb) \
    WHERE app = {app} AND digest = $1 AND NOT discarded RETURNING true";

// Locks the row while reading it, so that the second of two calls reads the first one's result. What is kept is read
// from `before`, too, since `s` is the row of the statement's snapshot.
const CONFIRM_CLAIM: &str = "WITH before AS ( \
     SELECT digest, pending, answered, tie_installation, tie_account, tie_proof, tie_visitor, tie_membership \
     FROM {schema}.install_states WHERE app = {app} AND digest = $1 AND NOT discarded \
      AND ($2 IS NULL OR pending @> jsonb_build_array(jsonb_build_object('ticket', $2))) FOR UPDATE \
    ), tied AS ( \
     UPDATE {schema}.install_states AS s SET \
      tie_installation = $3, \
      tie_account = COALESCE(before.tie_account, $4), \
      tie_proof = COALESCE(before.tie_proof, $5), \
      tie_visitor = COALESCE(before.tie_visitor, $6), \
      tie_membership = CASE WHEN before.tie_installation IS NULL THEN $7 ELSE before.tie_membership END, \
      pending = COALESCE((SELECT jsonb_agg(q.value ORDER BY q.ordinality) \
       FROM jsonb_array_elements(before.pending) WITH ORDINALITY AS q \
       WHERE $2 IS NULL OR q.value ->> 'ticket' <> $2), '[]'), \
      answered = COALESCE((SELECT q.value || '{\"confirmed\": true}' \
       FROM jsonb_array_elements(before.pending) AS q WHERE q.value ->> 'ticket' = $2), before.answered) \
     FROM before \
     WHERE s.app = {app} AND s.digest = before.digest AND (before.tie_installation IS NULL OR before.tie_installation = $3) \
    ) SELECT tie_installation FROM before";

const CONFIRM_CLAIM_TYPES: &[Type] =
    &[Type::BYTEA, Type::TEXT, Type::INT8, Type::INT8, Type::TEXT, Type::INT8, Type::TEXT];

const REVOKE: &str = "UPDATE {schema}.install_states SET discarded = true, \
     pending = COALESCE((SELECT jsonb_agg(q.value ORDER BY q.ordinality) \
      FROM jsonb_array_elements(pending) WITH ORDINALITY AS q \
      WHERE $2 IS NULL OR q.value ->> 'ticket' <> $2), '[]'), \
     answered = COALESCE((SELECT q.value || '{\"confirmed\": false}' \
      FROM jsonb_array_elements(pending) AS q WHERE q.value ->> 'ticket' = $2), answered) \
    WHERE app = {app} AND digest = $1 AND NOT discarded \
     AND ($2 IS NULL OR pending @> jsonb_build_array(jsonb_build_object('ticket', $2))) RETURNING true";

// The limits are those of `IssuedState`; a test compares them. Reads `before` under the row's lock, as above.
const RESERVE_CODE: &str = "WITH before AS ( \
     SELECT digest, codes, codes ->> $2 AS fate, \
      (SELECT count(*) FILTER (WHERE c.value <> 'used') < 5 AND count(*) < 50 FROM jsonb_each_text(codes) AS c) \
       AS has_room \
     FROM {schema}.install_states WHERE app = {app} AND digest = $1 AND NOT discarded FOR UPDATE \
    ), reserved AS ( \
     UPDATE {schema}.install_states AS s SET discarded = NOT before.has_room, \
      codes = CASE WHEN before.has_room THEN before.codes || jsonb_build_object($2, 'sent') ELSE before.codes END \
     FROM before WHERE s.app = {app} AND s.digest = before.digest AND before.fate IS NULL \
    ) SELECT fate, has_room FROM before";

const SETTLE_CODE: &str = "UPDATE {schema}.install_states SET codes = codes || jsonb_build_object($2, $3) \
    WHERE app = {app} AND digest = $1 AND codes ? $2 RETURNING true";

/// Stores issued states in the table `install_states`. [`PgHousekeeping`](crate::PgHousekeeping) deletes expired ones.
///
/// Calls of [`StateStore::find`] that wait at the same time share a statement, like those of [`PgAdmission`](crate::PgAdmission).
#[derive(Debug, Clone)]
pub struct PgStateStore {
    database: Database,
    put: Statement,
    lookups: Batcher<StateLookups>,
    find_by_digest: Statement,
    save_pending: Statement,
    confirm_claim: Statement,
    revoke: Statement,
    reserve_code: Statement,
    settle_code: Statement,
}

impl PgStateStore {
    /// Uses the states in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self {
            put: database.statement(PUT, PUT_TYPES),
            lookups: Batcher::of(StateLookups::new(database), database.database()),
            find_by_digest: database.statement(FIND_BY_DIGEST, &[Type::BYTEA]),
            save_pending: database.statement(SAVE_PENDING, &[Type::BYTEA, Type::TEXT]),
            confirm_claim: database.statement(CONFIRM_CLAIM, CONFIRM_CLAIM_TYPES),
            revoke: database.statement(REVOKE, &[Type::BYTEA, Type::TEXT]),
            reserve_code: database.statement(RESERVE_CODE, &[Type::BYTEA, Type::TEXT]),
            settle_code: database.statement(SETTLE_CODE, &[Type::BYTEA, Type::TEXT, Type::TEXT]),
            database: database.database().clone(),
        }
    }

    /// Returns the number of statements of [`StateStore::find`], and of the calls that they answered.
    #[must_use]
    pub fn counts(&self) -> BatchCounts {
        self.lookups.counts()
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::StateStore)
}

pub(crate) fn bytes(digest: &SecretDigest) -> &[u8] {
    digest.as_bytes()
}

pub(crate) fn state(row: &Row) -> Result<IssuedState, DatabaseError> {
    Ok(IssuedState {
        digest: parse(row, "digest", digest)?,
        organization: parse_text(row, "organization")?,
        organization_name: parse_text(row, "organization_name")?,
        actor: parse_text(row, "actor")?,
        return_url: get(row, "return_url")?,
        issued_at: get(row, "issued_at")?,
        expires_at: get(row, "expires_at")?,
        pending: parse(row, "pending", confirmations::read_pending)?,
        answered: parse_nullable(row, "answered", confirmations::read_answered)?,
        claim: claim(row)?,
        revoked: get(row, "discarded")?,
    })
}

/// Reads the claim from its columns, of which the first four are all null or all set. The previous version writes no
/// membership, which is unknown then.
fn claim(row: &Row) -> Result<Option<VerifiedClaim>, DatabaseError> {
    if get::<Option<i64>>(row, "tie_installation")?.is_none() {
        return Ok(None);
    }
    Ok(Some(VerifiedClaim {
        installation: installation(row, "tie_installation")?,
        account: account_id(row, "tie_account")?,
        proof: parse_text(row, "tie_proof")?,
        visitor: account_id(row, "tie_visitor")?,
        membership: parse_nullable(row, "tie_membership", str::parse)?.unwrap_or(ClaimMembership::Unknown),
    }))
}

#[async_trait]
impl StateStore for PgStateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        let claim = state.claim;
        let row = self
            .database
            .row(
                &self.put,
                &[
                    &bytes(&state.digest),
                    &state.organization.as_str(),
                    &state.organization_name.as_str(),
                    &state.actor.as_str(),
                    &state.return_url,
                    &column_time(state.issued_at),
                    &column_time(state.expires_at),
                    &state.revoked,
                    &confirmations::pending_list(&state.pending),
                    &state.answered.as_ref().map(confirmations::answered),
                    &claim.map(|claim| i64::from(claim.installation)),
                    &claim.map(|claim| i64::from(claim.account)),
                    &claim.map(|claim| claim.proof.as_str()),
                    &claim.map(|claim| i64::from(claim.visitor)),
                    &claim.map(|claim| claim.membership.as_str()),
                ],
            )
            .await;
        Ok(if row.map_err(port_error)?.is_some() { PutOutcome::Stored } else { PutOutcome::InUse })
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let looked = self.lookups.ask(*digest, (organization.clone(), *digest)).await?;
        looked.of(organization, digest).map_err(port_error)
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        let row = self.database.row(&self.find_by_digest, &[&bytes(digest)]).await.map_err(port_error)?;
        row.as_ref().map(state).transpose().map_err(port_error)
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&bytes(digest), &confirmations::pending(&pending)];
        let row = self.database.row(&self.save_pending, &parameters).await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        let row = self
            .database
            .row(
                &self.confirm_claim,
                &[
                    &bytes(digest),
                    &ticket.as_ref().map(hex),
                    &i64::from(claim.installation),
                    &i64::from(claim.account),
                    &claim.proof.as_str(),
                    &i64::from(claim.visitor),
                    &claim.membership.as_str(),
                ],
            )
            .await;
        let Some(before) = row.map_err(port_error)? else { return Ok(ConfirmOutcome::Unknown) };
        let first = parse_nullable(&before, "tie_installation", |id: i64| InstallationId::try_from(id));
        Ok(match first.map_err(port_error)? {
            None => ConfirmOutcome::Tied,
            Some(first) if first == claim.installation => ConfirmOutcome::AlreadyTied,
            Some(_) => ConfirmOutcome::TiedToOther,
        })
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        let row = self.database.row(&self.revoke, &[&bytes(digest), &ticket.as_ref().map(hex)]).await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        let row = self.database.row(&self.reserve_code, &[&bytes(digest), &hex(code)]).await;
        let Some(before) = row.map_err(port_error)? else { return Ok(ReserveOutcome::Unknown) };
        let fate = parse_nullable(&before, "fate", str::parse::<CodeFate>).map_err(port_error)?;
        Ok(match (fate, get(&before, "has_room").map_err(port_error)?) {
            (Some(fate), _) => ReserveOutcome::Known(fate),
            (None, true) => ReserveOutcome::Reserved,
            (None, false) => ReserveOutcome::Exhausted,
        })
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        let parameters: [&(dyn ToSql + Sync); 3] = [&bytes(digest), &hex(code), &fate.as_str()];
        self.database.row(&self.settle_code, &parameters).await.map_err(port_error)?;
        Ok(())
    }
}
