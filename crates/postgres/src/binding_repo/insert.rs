use std::sync::Arc;

use dockline::ports::InsertOutcome;
use dockline::{MessageId, NewBinding, PortError, Status};

use super::insertions::Insertion;
use super::{PgBindingRepo, binding, port_error};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

/// The conflicting row may be gone when it is read. The insert is then repeated, but not endlessly.
const ATTEMPTS: u32 = 3;

impl PgBindingRepo {
    /// Inserts in one round trip. If that is impossible, finds out why in a second one.
    pub(super) async fn insert_or_explain(
        &self,
        new: NewBinding,
        id: MessageId,
    ) -> Result<InsertOutcome, PortError> {
        let find_conflict = async |new: &NewBinding| self.find_conflict(new).await.map_err(port_error);
        if new.status == Status::Uninstalled {
            // Cannot be bound, but an existing binding takes precedence in the outcome.
            return Ok(find_conflict(&new).await?.unwrap_or(InsertOutcome::Gone));
        }
        let facts = new.facts.as_ref().map(serde_json::to_string).transpose();
        let facts = facts.map_err(|error| port_error(DatabaseError::corrupt("facts", error)))?;
        let insertion = Arc::new(Insertion { new, id, facts });
        for _ in 0..ATTEMPTS {
            let organization = insertion.new.organization.clone();
            match self.insertions.ask(organization, Arc::clone(&insertion)).await? {
                Some(stored) if insertion.is_of(&stored) => return Ok(InsertOutcome::Inserted(stored)),
                Some(_) => {
                    let error = DatabaseError::corrupt("organization", "the answer is about another binding");
                    return Err(port_error(error));
                }
                None => {}
            }
            if let Some(conflict) = find_conflict(&insertion.new).await? {
                return Ok(conflict);
            }
        }
        Err(port_error(DatabaseError::Conflict(ATTEMPTS)))
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
