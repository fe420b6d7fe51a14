//! Bindings that are inserted by shared statements.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use dockline::{Binding, MessageId, NewBinding, OrganizationId, PortName};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::binding;
use super::insert_sql::{INSERT, INSERT_TYPES};
use crate::batch::{Batched, Outcome};
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

/// The constraints that a concurrent insert can violate.
const CONFLICTS: [&str; 4] =
    ["installations_pkey", "installations_one_per_organization", "bindings_spent_once", "bindings_one_live"];

/// A binding to insert, with what is stored besides.
#[derive(Debug)]
pub(super) struct Insertion {
    pub(super) new: NewBinding,
    /// The id of the change in the outbox.
    pub(super) id: MessageId,
    /// The facts as JSON.
    pub(super) facts: Option<String>,
}

impl Insertion {
    /// Returns whether the stored binding is that of this insertion.
    pub(super) fn is_of(&self, stored: &Binding) -> bool {
        stored.organization == self.new.organization && stored.installation == self.new.installation
    }
}

/// Inserts bindings. The answer is the stored row, or `None` if something prevents the binding.
///
/// A statement has at most one binding of each organization and installation. If it fails because of a single binding, or
/// has to wait for another transaction, nothing is written, and each binding is inserted by itself; those that have to wait
/// then do so apart from the others.
pub(super) struct Insertions {
    database: Database,
    insert: Statement,
}

impl Insertions {
    pub(super) fn new(database: &AppDatabase) -> Self {
        Self { insert: database.statement(INSERT, INSERT_TYPES), database: database.database().clone() }
    }

    /// Inserts bindings by one statement. If `is_brief`, it fails if it has to wait for a lock.
    async fn insert(&self, asks: &[&Insertion], is_brief: bool) -> Result<Vec<Binding>, DatabaseError> {
        let texts = |value: fn(&NewBinding) -> &str| -> Vec<&str> {
            asks.iter().map(|ask| value(&ask.new)).collect()
        };
        let times = |value: fn(&NewBinding) -> time::OffsetDateTime| -> Vec<_> {
            asks.iter().map(|ask| column_time(value(&ask.new))).collect()
        };
        let organizations = texts(|new| new.organization.as_str());
        let installations: Vec<_> = asks.iter().map(|ask| i64::from(ask.new.installation)).collect();
        let accounts: Vec<_> = asks.iter().map(|ask| i64::from(ask.new.account.id)).collect();
        let logins = texts(|new| &new.account.login);
        let kinds = texts(|new| new.account.kind.as_str());
        let statuses = texts(|new| new.status.as_str());
        let verified = times(|new| new.last_verified_at);
        let spent: Vec<_> = asks.iter().map(|ask| ask.new.spent.as_bytes().as_slice()).collect();
        let proofs = texts(|new| new.proof.as_str());
        let proven_by: Vec<_> = asks.iter().map(|ask| ask.new.proven_by.map(i64::from)).collect();
        let registered = times(|new| new.registered_at);
        let actors = texts(|new| new.actor.as_str());
        let next_looks = times(|new| new.next_look_at);
        let ids: Vec<_> = asks.iter().map(|ask| ask.id.as_str()).collect();
        let facts: Vec<_> = asks.iter().map(|ask| ask.facts.as_deref()).collect();
        let parameters: [&(dyn ToSql + Sync); 16] = [
            &organizations,
            &installations,
            &accounts,
            &logins,
            &kinds,
            &statuses,
            &verified,
            &spent,
            &proofs,
            &proven_by,
            &registered,
            &actors,
            &next_looks,
            &ids,
            &facts,
            &is_brief,
        ];
        let is_asked = |row: &Row| {
            let about = (get::<&str>(row, "organization"), get::<i64>(row, "installation_id"));
            organizations.iter().zip(&installations).any(|(organization, installation)| {
                matches!(&about, (Ok(of), Ok(number)) if of == organization && number == installation)
            })
        };
        let are_ours = |rows: &[Row]| rows.iter().all(is_asked);
        let rows = self.database.rows_if(&self.insert, &parameters, are_ours).await?;
        rows.iter().map(binding).collect()
    }

    /// Inserts a binding by itself.
    async fn insert_one(&self, ask: &Insertion, is_brief: bool) -> Result<Option<Binding>, DatabaseError> {
        match self.insert(&[ask], is_brief).await {
            Ok(stored) => Ok(stored.into_iter().next()),
            Err(error) if error.violated().is_some_and(|constraint| CONFLICTS.contains(&constraint)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Inserts bindings one after another.
    async fn insert_each(&self, asks: &[Arc<Insertion>]) -> Vec<Outcome<Option<Binding>>> {
        let mut outcomes = Vec::with_capacity(asks.len());
        for ask in asks {
            outcomes.push(match self.insert_one(ask, true).await {
                Err(error) if error.is_lock_timeout() => Outcome::Locked,
                outcome => Outcome::Answered(outcome),
            });
        }
        outcomes
    }
}

#[async_trait]
impl Batched for Insertions {
    type Key = OrganizationId;
    type Ask = Arc<Insertion>;
    type Answer = Option<Binding>;

    const PORT: PortName = PortName::BindingRepo;
    const MOST_OF_A_KEY: usize = 1;

    async fn execute(
        &self,
        asks: &[Self::Ask],
        _: bool,
    ) -> Result<Vec<Outcome<Self::Answer>>, DatabaseError> {
        if let [ask] = asks {
            return Ok(vec![Outcome::Answered(Ok(self.insert_one(ask, false).await?))]);
        }
        let mut installations = HashSet::new();
        let is_first: Vec<_> = asks.iter().map(|ask| installations.insert(ask.new.installation)).collect();
        let together: Vec<_> =
            asks.iter().zip(&is_first).filter(|(_, first)| **first).map(|(ask, _)| &**ask).collect();
        let mut stored = match self.insert(&together, true).await {
            Ok(stored) => stored,
            Err(error) if error.may_concern_one_call() => return Ok(self.insert_each(asks).await),
            Err(error) => return Err(error),
        };
        let outcomes = asks.iter().zip(is_first).map(|(ask, is_first)| {
            if !is_first {
                return Outcome::Locked;
            }
            let position = stored.iter().position(|stored| ask.is_of(stored));
            Outcome::Answered(Ok(position.map(|position| stored.swap_remove(position))))
        });
        Ok(outcomes.collect())
    }
}
