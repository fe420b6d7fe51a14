use tokio_postgres::types::{ToSql, Type};

use crate::schema::Schema;

/// What a statement is run with, in the order of its `$n`.
pub(crate) type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// A statement as it goes over the wire: a constant text for each schema, with its parameters' types declared, so that
/// it needs no round trip to ask for them.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) types: &'static [Type],
}

impl Statement {
    /// `template` names tables as `{schema}.table`.
    pub(crate) fn new(template: &str, types: &'static [Type], schema: &Schema) -> Self {
        Self { text: in_schema(template, schema), types }
    }
}

/// Quoted, since a valid name may still be a reserved word, such as `user`.
pub(crate) fn in_schema(template: &str, schema: &Schema) -> String {
    template.replace("{schema}", &format!("\"{schema}\""))
}
