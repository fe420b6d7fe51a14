use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::schema::Schema;

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StatementMode {
    /// Prepared by name once per connection. Fastest; the first execution on a connection costs one more round trip.
    ///
    /// **Unsafe behind a pooler in transaction mode without support for prepared statements** (PgBouncer before 1.21):
    /// there, names of two processes can collide on one server connection.
    #[default]
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
        mode: StatementMode,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        match mode {
            StatementMode::Prepared => {
                let prepared = client.prepare_typed_cached(&self.text, self.types).await?;
                client.query(&prepared, parameters).await
            }
            StatementMode::Unnamed => {
                let typed: Vec<_> = parameters.iter().copied().zip(self.types.iter().cloned()).collect();
                client.query_typed(&self.text, &typed).await
            }
        }
    }
}
