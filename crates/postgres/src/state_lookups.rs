//! Lookups of states by registrations, which share statements.

use async_trait::async_trait;
use dockline::{IssuedState, OrganizationId, PortName, StateDigest};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::batch::{Batched, Outcome, planned_once};
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{digest, get, parse, parse_text};
use crate::error::DatabaseError;
use crate::state_store::{bytes, state};

/// `$1` digests, `$2` organizations. One row per lookup, in this order, which names what it is about.
const FIND: &str = concat!(
    "SELECT a.digest AS asked_digest, a.organization AS asked_organization, \
    s.digest, s.organization, s.organization_name, s.actor, s.return_url, s.issued_at, s.expires_at, s.discarded, \
    s.pending::text, s.answered::text, s.tie_installation, s.tie_account, s.tie_proof, s.tie_visitor, s.tie_membership \
    FROM unnest($1, $2) WITH ORDINALITY AS a (digest, organization, n) \
    LEFT JOIN {schema}.install_states AS s ON s.app = {app} AND s.digest = a.digest \
     AND s.organization = a.organization AND NOT s.discarded WHERE ",
    planned_once!("a.n"),
    " ORDER BY a.n"
);

/// The state of an organization by its digest.
pub(crate) struct StateLookups {
    database: Database,
    find: Statement,
}

/// A found state, or none, with what was looked up.
#[derive(Debug)]
pub(crate) struct Looked {
    organization: OrganizationId,
    digest: StateDigest,
    found: Option<IssuedState>,
}

impl Looked {
    /// Returns the state.
    ///
    /// # Errors
    /// If this is the answer to another lookup.
    pub(crate) fn of(
        self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, DatabaseError> {
        let is_about = |of: &OrganizationId, with: &StateDigest| of == organization && with == digest;
        let state_is = self.found.as_ref().is_none_or(|state| is_about(&state.organization, &state.digest));
        if is_about(&self.organization, &self.digest) && state_is {
            Ok(self.found)
        } else {
            Err(DatabaseError::corrupt("asked_digest", "the answer is about another state"))
        }
    }
}

impl StateLookups {
    pub(crate) fn new(database: &AppDatabase) -> Self {
        Self {
            find: database.statement(FIND, &[Type::BYTEA_ARRAY, Type::TEXT_ARRAY]),
            database: database.database().clone(),
        }
    }
}

fn about(row: &Row) -> Result<(OrganizationId, StateDigest), DatabaseError> {
    Ok((parse_text(row, "asked_organization")?, parse(row, "asked_digest", digest)?))
}

fn looked(row: &Row) -> Result<Looked, DatabaseError> {
    let (organization, digest) = about(row)?;
    let is_found = get::<Option<&[u8]>>(row, "digest")?.is_some();
    let found = is_found.then(|| state(row)).transpose()?;
    Ok(Looked { organization, digest, found })
}

#[async_trait]
impl Batched for StateLookups {
    type Key = StateDigest;
    type Ask = (OrganizationId, StateDigest);
    type Answer = Looked;

    const PORT: PortName = PortName::StateStore;

    /// Reads only, so no row is locked.
    async fn execute(&self, asks: &[Self::Ask], _: bool) -> Result<Vec<Outcome<Looked>>, DatabaseError> {
        let digests: Vec<&[u8]> = asks.iter().map(|(_, digest)| bytes(digest)).collect();
        let organizations: Vec<&str> = asks.iter().map(|(organization, _)| organization.as_str()).collect();
        let are_ours = |rows: &[Row]| {
            rows.len() == asks.len()
                && rows.iter().zip(asks).all(|(row, ask)| about(row).is_ok_and(|about| about == *ask))
        };
        let rows = self.database.rows_if(&self.find, &[&digests, &organizations], are_ours).await?;
        Ok(rows.iter().map(|row| Outcome::Answered(looked(row))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dockline::SecretDigest;

    /// I39: an answer is used only for the lookup that it names.
    #[test]
    fn an_answer_to_another_lookup_is_an_error_i_39() {
        let (acme, rival) =
            (OrganizationId::new("org_acme").unwrap(), OrganizationId::new("org_rival").unwrap());
        let (one, two) = (SecretDigest::of(b"one"), SecretDigest::of(b"two"));
        let looked = || Looked { organization: acme.clone(), digest: one, found: None };
        assert_eq!(looked().of(&acme, &one).unwrap(), None);
        assert!(looked().of(&rival, &one).is_err());
        assert!(looked().of(&acme, &two).is_err());
    }
}
