use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_postgres::types::ToSql;

use crate::database::{Database, Parameters, Statement};
use crate::decode::{get, parse};
use crate::error::DatabaseError;

/// Pages that one statement reads: 4 MB, some ten thousand rows, so that it ends in time on a table of any size.
const PAGES: i64 = 500;

/// Deletes rows of a table that has no index by their age, some pages per call. Each call continues where the one before
/// ended, so that a batch does not read the pages of earlier ones again. Clones share the position.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    statement: Statement,
    page: Arc<AtomicI64>,
}

/// The result of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked {
    /// The number of deleted rows.
    pub(super) deleted: usize,
    /// Whether pages remain until the end of the table.
    pub(super) unread: bool,
}

impl Walk {
    /// `statement` reads the pages from `$1` to before `$2` and deletes at most `$3` rows. It returns their number, `deleted`,
    /// and whether these are the last pages, `last`.
    pub(super) fn new(statement: Statement) -> Self {
        Self { statement, page: Arc::default() }
    }

    /// Deletes up to `batch` rows of the next pages; `more` are the statement's further parameters.
    pub(super) async fn step(
        &self,
        database: &Database,
        batch: i64,
        more: &Parameters<'_>,
    ) -> Result<Walked, DatabaseError> {
        let page = self.page.load(Ordering::Relaxed);
        let end = page.saturating_add(PAGES);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&page, &end, &batch];
        parameters.extend(more);
        let Some(row) = database.row(&self.statement, &parameters).await? else {
            return Ok(Walked { deleted: 0, unread: false });
        };
        let deleted = parse(&row, "deleted", |number: i64| usize::try_from(number))?;
        let last: bool = get(&row, "last")?;
        // With a full batch, the same pages may have more.
        let next = if deleted >= usize::try_from(batch).unwrap_or(usize::MAX) {
            page
        } else if last {
            0
        } else {
            end
        };
        self.page.store(next, Ordering::Relaxed);
        Ok(Walked { deleted, unread: next > 0 })
    }
}
