use dockline::ports::InsertOutcome;
use dockline::{NewBinding, Status};

use super::{PgBindingRepo, binding};
use crate::column::{get, stored};
use crate::failure::Failure;

/// The rival's row may be gone again when we come to read it; three of those in a row are trouble.
const TRIES: u32 = 3;

/// What a rival's insert can run into.
const RIVALS: [&str; 4] =
    ["installations_pkey", "installations_one_per_organization", "bindings_spent_once", "bindings_one_live"];

impl PgBindingRepo {
    /// One round trip where nothing stands in the way, else one more, to read what does.
    pub(super) async fn insert_or_classify(&self, new: &NewBinding) -> Result<InsertOutcome, Failure> {
        if new.status == Status::Uninstalled {
            // Nothing would be written; a binding that stands is the answer all the same.
            return Ok(self.in_the_way(new).await?.unwrap_or(InsertOutcome::Gone));
        }
        for _ in 0..TRIES {
            if let Some(inserted) = self.try_insert(new).await? {
                return Ok(inserted);
            }
            if let Some(obstacle) = self.in_the_way(new).await? {
                return Ok(obstacle);
            }
        }
        Err(Failure::Contended(TRIES))
    }

    async fn try_insert(&self, new: &NewBinding) -> Result<Option<InsertOutcome>, Failure> {
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
                    &stored(new.last_verified_at),
                    &new.spent.as_bytes().as_slice(),
                    &new.proof.as_str(),
                    &new.proven_by.map(i64::from),
                    &stored(new.registered_at),
                    &new.actor.as_str(),
                ],
            )
            .await;
        match written {
            Ok(Some(row)) => Ok(Some(InsertOutcome::Inserted(binding(&row)?))),
            Ok(None) => Ok(None),
            Err(failure) if failure.violated().is_some_and(|constraint| RIVALS.contains(&constraint)) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn in_the_way(&self, new: &NewBinding) -> Result<Option<InsertOutcome>, Failure> {
        let row = self
            .database
            .row(
                &self.classify,
                &[&new.organization.as_str(), &i64::from(new.installation), &new.spent.as_bytes().as_slice()],
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
