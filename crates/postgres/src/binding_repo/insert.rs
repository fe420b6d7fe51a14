use dockline::ports::InsertOutcome;
use dockline::{MessageId, NewBinding, Status};

use super::{PgBindingRepo, binding};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

/// The conflicting row may be gone when it is read. The insert is then repeated, but not endlessly.
const ATTEMPTS: u32 = 3;

/// The constraints that a concurrent insert can violate.
const CONFLICTS: [&str; 4] =
    ["installations_pkey", "installations_one_per_organization", "bindings_spent_once", "bindings_one_live"];

impl PgBindingRepo {
    /// Inserts in one round trip. If that is impossible, finds out why in a second one.
    pub(super) async fn insert_or_explain(
        &self,
        new: &NewBinding,
        id: &MessageId,
    ) -> Result<InsertOutcome, DatabaseError> {
        if new.status == Status::Uninstalled {
            // Cannot be bound, but an existing binding takes precedence in the outcome.
            return Ok(self.find_conflict(new).await?.unwrap_or(InsertOutcome::Gone));
        }
        for _ in 0..ATTEMPTS {
            if let Some(inserted) = self.try_insert(new, id).await? {
                return Ok(inserted);
            }
            if let Some(conflict) = self.find_conflict(new).await? {
                return Ok(conflict);
            }
        }
        Err(DatabaseError::Conflict(ATTEMPTS))
    }

    async fn try_insert(
        &self,
        new: &NewBinding,
        id: &MessageId,
    ) -> Result<Option<InsertOutcome>, DatabaseError> {
        let facts = new.facts.as_ref().map(serde_json::to_string).transpose();
        let facts = facts.map_err(|error| DatabaseError::corrupt("facts", error))?;
        let written = self
            .database
            .row(
                &self.insert,
                &[
                    &new.organization.as_str(),
                    &i64::from(new.installation),
                    &i64::from(new.account.id),
                    &new.account.login,
                    &new.account.kind.as_str(),
                    &new.status.as_str(),
                    &column_time(new.last_verified_at),
                    &new.spent.as_bytes().as_slice(),
                    &new.proof.as_str(),
                    &new.proven_by.map(i64::from),
                    &column_time(new.registered_at),
                    &new.actor.as_str(),
                    &column_time(new.next_look_at),
                    &id.as_str(),
                    &facts,
                ],
            )
            .await;
        match written {
            Ok(Some(row)) => Ok(Some(InsertOutcome::Inserted(binding(&row)?))),
            Ok(None) => Ok(None),
            Err(error) if error.violated().is_some_and(|constraint| CONFLICTS.contains(&constraint)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn find_conflict(&self, new: &NewBinding) -> Result<Option<InsertOutcome>, DatabaseError> {
        let row = self
            .database
            .row(
                &self.conflict,
                &[
                    &new.organization.as_str(),
                    &i64::from(new.installation),
                    &new.spent.as_bytes().as_slice(),
                    &column_time(new.last_verified_at),
                ],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(if get::<Option<&str>>(&row, "organization")?.is_some() {
            Some(InsertOutcome::Occupied(binding(&row)?))
        } else if get(&row, "taken")? {
            Some(InsertOutcome::Taken)
        } else if get(&row, "gone")? {
            Some(InsertOutcome::Gone)
        } else if get(&row, "spent")? {
            Some(InsertOutcome::Spent)
        } else {
            None
        })
    }
}
