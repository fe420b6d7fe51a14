use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{
    ClaimMembership, InstallationId, IssuedState, OrganizationId, PendingConfirmation, PortError, PortName,
    SecretDigest, SetupAction, StateDigest, VerifiedClaim,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::Database;
use crate::decode::{
    account_id, column_time, digest, get, installation, parse, parse_name, parse_nullable, parse_text,
};
use crate::error::DatabaseError;
use crate::statement::Statement;

const PUT: &str = "INSERT INTO {schema}.install_states AS s \
    (digest, organization, organization_name, return_url, issued_at, expires_at, discarded, \
     visit_ticket, visit_browser, visit_installation, visit_account, visit_proof, visit_visitor, visit_setup_action, \
     tie_installation, tie_account, tie_proof, tie_visitor, actor, visit_membership, tie_membership) \
    VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
    ON CONFLICT ON CONSTRAINT install_states_pkey DO UPDATE SET \
     organization = excluded.organization, organization_name = excluded.organization_name, \
     actor = excluded.actor, return_url = excluded.return_url, issued_at = excluded.issued_at, \
     expires_at = excluded.expires_at, discarded = excluded.discarded, \
     visit_ticket = excluded.visit_ticket, visit_browser = excluded.visit_browser, \
     visit_installation = excluded.visit_installation, visit_account = excluded.visit_account, \
     visit_proof = excluded.visit_proof, visit_visitor = excluded.visit_visitor, \
     visit_setup_action = excluded.visit_setup_action, \
     tie_installation = excluded.tie_installation, tie_account = excluded.tie_account, \
     tie_proof = excluded.tie_proof, tie_visitor = excluded.tie_visitor, \
     visit_membership = excluded.visit_membership, tie_membership = excluded.tie_membership \
    WHERE s.expires_at <= excluded.issued_at \
     OR (s.organization = excluded.organization AND NOT s.discarded \
         AND s.visit_ticket IS NULL AND s.tie_installation IS NULL) \
    RETURNING true";

const PUT_TYPES: &[Type] = &[
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::BYTEA,
    Type::BYTEA,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
];

const FIND: &str = "SELECT digest, organization, organization_name, actor, return_url, issued_at, expires_at, \
    visit_ticket, visit_browser, visit_installation, visit_account, visit_proof, visit_visitor, visit_setup_action, \
    visit_membership, tie_installation, tie_account, tie_proof, tie_visitor, tie_membership \
    FROM {schema}.install_states WHERE digest = $1 AND NOT discarded AND ($2 IS NULL OR organization = $2)";

const SAVE_PENDING: &str = "UPDATE {schema}.install_states SET \
    visit_ticket = $2, visit_browser = $3, visit_installation = $4, visit_account = $5, visit_proof = $6, \
    visit_visitor = $7, visit_setup_action = $8, visit_membership = $9 \
    WHERE digest = $1 AND NOT discarded RETURNING true";

const SAVE_PENDING_TYPES: &[Type] = &[
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
];

// Locks the row while reading it, so that the second of two calls reads the first one's result. The claim to keep is
// read from `before`, too, since `s` is the row of the statement's snapshot.
const CONFIRM_CLAIM: &str = "WITH before AS ( \
     SELECT digest, tie_installation, tie_account, tie_proof, tie_visitor, tie_membership FROM {schema}.install_states \
     WHERE digest = $1 AND NOT discarded AND ($2 IS NULL OR visit_ticket = $2) FOR UPDATE \
    ), tied AS ( \
     UPDATE {schema}.install_states AS s SET \
      tie_installation = $3, \
      tie_account = COALESCE(before.tie_account, $4), \
      tie_proof = COALESCE(before.tie_proof, $5), \
      tie_visitor = COALESCE(before.tie_visitor, $6), \
      tie_membership = CASE WHEN before.tie_installation IS NULL THEN $7 ELSE before.tie_membership END, \
      visit_ticket = NULL, visit_browser = NULL, visit_installation = NULL, visit_account = NULL, \
      visit_proof = NULL, visit_visitor = NULL, visit_setup_action = NULL, visit_membership = NULL \
     FROM before \
     WHERE s.digest = before.digest AND (before.tie_installation IS NULL OR before.tie_installation = $3) \
    ) SELECT tie_installation FROM before";

const CONFIRM_CLAIM_TYPES: &[Type] =
    &[Type::BYTEA, Type::BYTEA, Type::INT8, Type::INT8, Type::TEXT, Type::INT8, Type::TEXT];

const REVOKE: &str = "UPDATE {schema}.install_states SET discarded = true \
    WHERE digest = $1 AND NOT discarded AND ($2 IS NULL OR visit_ticket = $2) RETURNING true";

/// Stores issued states in the table `install_states`. [`PgHousekeeping`](crate::PgHousekeeping) deletes expired ones.
#[derive(Debug, Clone)]
pub struct PgStateStore {
    database: Database,
    put: Statement,
    find: Statement,
    save_pending: Statement,
    confirm_claim: Statement,
    revoke: Statement,
}

impl PgStateStore {
    /// Uses the states in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            put: database.statement(PUT, PUT_TYPES),
            find: database.statement(FIND, &[Type::BYTEA, Type::TEXT]),
            save_pending: database.statement(SAVE_PENDING, SAVE_PENDING_TYPES),
            confirm_claim: database.statement(CONFIRM_CLAIM, CONFIRM_CLAIM_TYPES),
            revoke: database.statement(REVOKE, &[Type::BYTEA, Type::BYTEA]),
            database: database.clone(),
        }
    }

    async fn find_with(
        &self,
        organization: Option<&str>,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let row =
            self.database.row(&self.find, &[&bytes(digest), &organization]).await.map_err(port_error)?;
        row.as_ref().map(state).transpose().map_err(port_error)
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::StateStore)
}

fn bytes(digest: &SecretDigest) -> &[u8] {
    digest.as_bytes()
}

fn state(row: &Row) -> Result<IssuedState, DatabaseError> {
    Ok(IssuedState {
        digest: parse(row, "digest", digest)?,
        organization: parse_text(row, "organization")?,
        organization_name: parse_text(row, "organization_name")?,
        actor: parse_text(row, "actor")?,
        return_url: get(row, "return_url")?,
        issued_at: get(row, "issued_at")?,
        expires_at: get(row, "expires_at")?,
        pending: pending(row)?,
        claim: claim(row, ["tie_installation", "tie_account", "tie_proof", "tie_visitor", "tie_membership"])?,
    })
}

fn pending(row: &Row) -> Result<Option<PendingConfirmation>, DatabaseError> {
    let columns = ["visit_installation", "visit_account", "visit_proof", "visit_visitor", "visit_membership"];
    let Some(claim) = claim(row, columns)? else { return Ok(None) };
    let actions = [SetupAction::Install, SetupAction::Update, SetupAction::Request];
    Ok(Some(PendingConfirmation {
        ticket: parse(row, "visit_ticket", digest)?,
        browser: parse(row, "visit_browser", digest)?,
        claim,
        setup_action: parse_name(row, "visit_setup_action", actions, SetupAction::as_str)?,
    }))
}

/// Reads a claim from five columns, of which the first four are all null or all set. The previous version writes no
/// membership, which is unknown then.
fn claim(row: &Row, columns: [&'static str; 5]) -> Result<Option<VerifiedClaim>, DatabaseError> {
    let [installation_column, account_column, proof_column, visitor_column, membership_column] = columns;
    if get::<Option<i64>>(row, installation_column)?.is_none() {
        return Ok(None);
    }
    Ok(Some(VerifiedClaim {
        installation: installation(row, installation_column)?,
        account: account_id(row, account_column)?,
        proof: parse_text(row, proof_column)?,
        visitor: account_id(row, visitor_column)?,
        membership: parse_nullable(row, membership_column, str::parse)?.unwrap_or(ClaimMembership::Unknown),
    }))
}

#[async_trait]
impl StateStore for PgStateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        let (pending, claim) = (state.pending, state.claim);
        let pending_claim = pending.map(|pending| pending.claim);
        let row = self
            .database
            .row(
                &self.put,
                &[
                    &bytes(&state.digest),
                    &state.organization.as_str(),
                    &state.organization_name.as_str(),
                    &state.return_url,
                    &column_time(state.issued_at),
                    &column_time(state.expires_at),
                    &pending.as_ref().map(|pending| bytes(&pending.ticket)),
                    &pending.as_ref().map(|pending| bytes(&pending.browser)),
                    &pending_claim.map(|claim| i64::from(claim.installation)),
                    &pending_claim.map(|claim| i64::from(claim.account)),
                    &pending_claim.map(|claim| claim.proof.as_str()),
                    &pending_claim.map(|claim| i64::from(claim.visitor)),
                    &pending.map(|pending| pending.setup_action.as_str()),
                    &claim.map(|claim| i64::from(claim.installation)),
                    &claim.map(|claim| i64::from(claim.account)),
                    &claim.map(|claim| claim.proof.as_str()),
                    &claim.map(|claim| i64::from(claim.visitor)),
                    &state.actor.as_str(),
                    &pending_claim.map(|claim| claim.membership.as_str()),
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
        self.find_with(Some(organization.as_str()), digest).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        self.find_with(None, digest).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        let row = self
            .database
            .row(
                &self.save_pending,
                &[
                    &bytes(digest),
                    &bytes(&pending.ticket),
                    &bytes(&pending.browser),
                    &i64::from(pending.claim.installation),
                    &i64::from(pending.claim.account),
                    &pending.claim.proof.as_str(),
                    &i64::from(pending.claim.visitor),
                    &pending.setup_action.as_str(),
                    &pending.claim.membership.as_str(),
                ],
            )
            .await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        let row = self
            .database
            .row(
                &self.confirm_claim,
                &[
                    &bytes(digest),
                    &ticket.map(bytes),
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

    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        let row = self.database.row(&self.revoke, &[&bytes(digest), &ticket.map(bytes)]).await;
        Ok(row.map_err(port_error)?.is_some())
    }
}
