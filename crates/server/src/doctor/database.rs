//! Checks of a PostgreSQL database: version, latency, connections, statements, encoding and schema.

use std::error::Error;
use std::time::Duration;

use dockline_postgres::{Database, MigrationError, Migrator};

use super::result::CheckResult;
use crate::database::Statements;
use crate::serve::checks::chain;
use crate::serve::{Migrations, ServeArgs};
use crate::storage::schema_error;

/// A slower round trip is too slow, because a request takes several.
const SLOW: Duration = Duration::from_millis(20);
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the results, and whether the tables can be read.
pub(super) async fn check(args: &ServeArgs, database: &Database) -> (Vec<CheckResult>, bool) {
    let facts = match database.probe().await {
        Ok(facts) => facts,
        Err(error) => {
            // The source names the cause.
            let failed = CheckResult::fail(
                "database",
                error.source().map_or_else(|| error.to_string(), chain),
                "check --database-url, that the database runs, and that it accepts this user",
            );
            return (vec![failed], false);
        }
    };
    let took = format!("{:.1} ms", facts.round_trip.as_secs_f64() * 1_000.0);
    let mut results = vec![CheckResult::ok("database", format!("PostgreSQL {}", facts.version))];
    results.push(if facts.round_trip > SLOW {
        CheckResult::warn(
            "database latency",
            format!("{took} per statement"),
            "run this program closer to the database",
        )
    } else {
        CheckResult::ok("database latency", format!("{took} per statement"))
    });
    results.push(connections(args, facts.max_connections));
    results.push(statements(args, facts.pooled));
    results.push(encoding(&facts.encoding));
    let (schema, is_usable) = check_schema(args, database).await;
    results.push(schema);
    (results, is_usable)
}

fn connections(args: &ServeArgs, most: u64) -> CheckResult {
    let check = "database connections";
    let ours = args.database.database_connections as u64;
    let said = format!("{ours} per node, of the server's {most}");
    if ours.saturating_mul(2) > most {
        CheckResult::warn(check, said, "lower --database-connections, so that two nodes get all of theirs")
    } else {
        CheckResult::ok(check, said)
    }
}

fn statements(args: &ServeArgs, pooled: bool) -> CheckResult {
    let check = "database statements";
    match (args.database.database_statements, pooled) {
        (Statements::Prepared, true) => CheckResult::warn(
            check,
            "prepared, behind a pooler: in transaction mode, a PgBouncer before 1.21 or without \
             max_prepared_statements returns the rows of other statements",
            "set --database-statements auto or unnamed",
        ),
        (Statements::Auto | Statements::Unnamed, true) => CheckResult::ok(check, "unnamed, behind a pooler"),
        (Statements::Unnamed, false) => CheckResult::ok(check, "unnamed"),
        (Statements::Auto | Statements::Prepared, false) => {
            CheckResult::ok(check, "prepared, without a pooler")
        }
    }
}

fn encoding(encoding: &str) -> CheckResult {
    let check = "database encoding";
    if encoding == "UTF8" {
        CheckResult::ok(check, encoding)
    } else {
        CheckResult::fail(
            check,
            format!("{encoding}: names with characters that it lacks cannot be stored"),
            "move the schema to a database created with ENCODING 'UTF8' TEMPLATE template0: pg_dump and pg_restore convert it",
        )
    }
}

/// Checks the schema. Also returns whether the tables can be read.
async fn check_schema(args: &ServeArgs, database: &Database) -> (CheckResult, bool) {
    let check = format!("database schema {}", database.schema());
    let migrator = Migrator::new(database.pool().clone(), database.schema().clone());
    match migrator.with_deadline(DEADLINE).check().await {
        Ok(()) => (CheckResult::ok(&check, "up to date"), true),
        Err(MigrationError::Pending { found, known }) if args.migrations == Migrations::Apply => (
            CheckResult::warn(
                &check,
                format!("has version {found}; serve will migrate it to {known}"),
                "start serve, or run dockline migrate now",
            ),
            false,
        ),
        Err(error) => {
            let error = schema_error(database, &error);
            (CheckResult::fail(&check, error.cause, error.help), false)
        }
    }
}
