//! The database: whether it is there, what it is, whether its schema is up to date, and how late the sweep is.

use std::error::Error;
use std::time::Duration;

use dockline::ports::{BindingRepo, Clock, SystemClock};
use dockline_postgres::{Database, MigrationError, PgBindingRepo};
use time::format_description::well_known::Rfc3339;

use super::finding::Finding;
use crate::database::migrator;
use crate::serve::checks::{chain, schema};
use crate::serve::{Migrations, ServeArgs};

/// A statement that takes longer is too slow for requests that take several.
const SLOW: Duration = Duration::from_millis(20);
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn examine(args: &ServeArgs, database: &Database) -> Vec<Finding> {
    let facts = match database.probe().await {
        Ok(facts) => facts,
        Err(error) => {
            // What lies behind it names the cause; the port's name would only lead astray.
            return vec![Finding::fail(
                "database",
                error.source().map_or_else(|| error.to_string(), chain),
                "look at --database-url, and whether the database runs and lets this user in",
            )];
        }
    };
    let took = format!("{:.1} ms", facts.round_trip.as_secs_f64() * 1_000.0);
    let mut findings = vec![Finding::ok("database", format!("PostgreSQL {}", facts.version))];
    findings.push(if facts.round_trip > SLOW {
        Finding::warn(
            "database latency",
            format!("{took} a statement"),
            "put this program nearer to the database",
        )
    } else {
        Finding::ok("database latency", format!("{took} a statement"))
    });
    findings.push(connections(args, facts.max_connections));
    let schema = schema_finding(args, database).await;
    let usable = schema.1;
    findings.push(schema.0);
    if usable {
        findings.push(sweep(args, database).await);
    }
    findings
}

fn connections(args: &ServeArgs, most: u64) -> Finding {
    let check = "database connections";
    let ours = args.database.database_connections as u64;
    let said = format!("{ours} for each node, of the server's {most}");
    if ours.saturating_mul(2) > most {
        Finding::warn(check, said, "two nodes would not both get theirs: lower --database-connections")
    } else {
        Finding::ok(check, said)
    }
}

/// Also whether there are tables to read.
async fn schema_finding(args: &ServeArgs, database: &Database) -> (Finding, bool) {
    let check = format!("database schema {}", database.schema());
    match migrator(database).with_deadline(DEADLINE).check().await {
        Ok(()) => (Finding::ok(&check, "up to date"), true),
        Err(MigrationError::Pending { found, known }) if args.migrations == Migrations::Apply => (
            Finding::warn(
                &check,
                format!("has version {found} and will be brought to {known} when serve starts"),
                "nothing needs to be done; dockline migrate does it now",
            ),
            false,
        ),
        Err(_) => match schema(database, args.migrations).await {
            Ok(()) => (Finding::ok(&check, "up to date"), true),
            Err(mistake) => (Finding::fail(&check, mistake.cause, mistake.mend), false),
        },
    }
}

/// The binding that GitHub was asked about the longest ago tells how late the sweep is.
async fn sweep(args: &ServeArgs, database: &Database) -> Finding {
    let check = "sweep";
    let Some(every) = args.reconcile_every.some() else {
        return Finding::warn(
            check,
            "switched off by --reconcile-every 0: what no webhook tells is not found",
            "run dockline reconcile from a timer, or let serve sweep",
        );
    };
    let now = SystemClock.now();
    let oldest = match PgBindingRepo::new(database).stale(now, None, 1).await {
        Ok(oldest) => oldest,
        Err(error) => {
            return Finding::fail(check, chain(&error), "look at the database's rights: docs/postgresql.md");
        }
    };
    let Some(oldest) = oldest.first() else {
        return Finding::ok(check, "no installation is bound yet");
    };
    let at = oldest.verified_at.format(&Rfc3339).unwrap_or_default();
    let said = format!("the binding that is unverified the longest was verified at {at}");
    // It is due after the one, and comes at the latest after the other and what it varies by.
    let due = args.reconcile_unverified_for.0 + every.mul_f64(2.2);
    if now - oldest.verified_at > due {
        Finding::warn(
            check,
            format!("{said}, more than {} s ago", due.as_secs()),
            "run dockline reconcile, and look at serve's log",
        )
    } else {
        Finding::ok(check, said)
    }
}
