use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::schema::Schema;

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StatementMode {
    /// [`StatementMode::Prepared`] on connections to the server itself, [`StatementMode::Unnamed`] behind a pooler. The
    /// first call on a connection costs two more round trips: one to detect a pooler, one to prepare.
    #[default]
    Auto,
    /// Prepared by name once per connection. Fastest; the first execution on a connection costs one more round trip.
    ///
    /// **Returns wrong rows behind a pooler in transaction mode without support for prepared statements** (PgBouncer before
    /// 1.21, or with `max_prepared_statements = 0`): there, names of two processes can collide on one server connection.
    Prepared,
    /// Parsed on each execution, without a name. Always one round trip, works behind every pooler, uses more of the
    /// server's CPU.
    Unnamed,
}

/// The values of a statement's `$1`, `$2`, ….
pub(crate) type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// A statement for one schema. Declares its parameter types, which saves the round trip that asks for them.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    text: String,
    types: &'static [Type],
}

impl Statement {
    /// `template` names tables as `{schema}.table`.
    pub(crate) fn new(template: &str, types: &'static [Type], schema: &Schema) -> Self {
        Self { text: schema.qualify(template), types }
    }

    pub(crate) async fn execute(
        &self,
        client: &ClientWrapper,
        prepared: bool,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        if prepared {
            let prepared = client.prepare_typed_cached(&self.text, self.types).await?;
            client.query(&prepared, parameters).await
        } else {
            let typed: Vec<_> = parameters.iter().copied().zip(self.types.iter().cloned()).collect();
            client.query_typed(&self.text, &typed).await
        }
    }
}
