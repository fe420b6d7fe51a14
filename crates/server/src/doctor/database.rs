//! Checks of the database: version, latency, connections, statements, encoding, schema, the delay of the sweep, and
//! messages that nothing consumes.

use std::error::Error;
use std::time::Duration;

use dockline::ports::{BindingRepo, Clock, Outbox, ReconcileScope, SystemClock};
use dockline::{Backlog, OutboxBounds, format_timestamp};
use dockline_postgres::{
    AppDatabase, AppError, AppNumber, Database, MigrationError, PgApps, PgBindingRepo, PgOutbox,
};
use time::PrimitiveDateTime;
use time::format_description::well_known::Rfc3339;

use super::result::CheckResult;
use crate::apps;
use crate::database::{Statements, migrator};
use crate::github_app::Configured;
use crate::serve::checks::{chain, schema};
use crate::serve::{Migrations, ServeArgs};

/// A slower round trip is too slow, because a request takes several.
const SLOW: Duration = Duration::from_millis(20);
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn check(
    args: &ServeArgs,
    configured: Option<&Configured>,
    database: &Database,
) -> Vec<CheckResult> {
    let facts = match database.probe().await {
        Ok(facts) => facts,
        Err(error) => {
            // The source names the cause.
            return vec![CheckResult::fail(
                "database",
                error.source().map_or_else(|| error.to_string(), chain),
                "check --database-url, that the database runs, and that it accepts this user",
            )];
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
    let (schema, usable) = check_schema(args, database).await;
    results.push(schema);
    if usable {
        let (app, found) = check_app(args, configured, database).await;
        results.push(app);
        if let Some(database) = found {
            results.push(sweep(args, &database).await);
            results.push(messages(args, &database).await);
        }
    }
    results
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
    match migrator(database).with_deadline(DEADLINE).check().await {
        Ok(()) => (CheckResult::ok(&check, "up to date"), true),
        Err(MigrationError::Pending { found, known }) if args.migrations == Migrations::Apply => (
            CheckResult::warn(
                &check,
                format!("has version {found}; serve will migrate it to {known}"),
                "start serve, or run dockline migrate now",
            ),
            false,
        ),
        Err(_) => match schema(database, args.migrations).await {
            Ok(()) => (CheckResult::ok(&check, "up to date"), true),
            Err(error) => (CheckResult::fail(&check, error.cause, error.help), false),
        },
    }
}

/// Checks the App of the schema. Also returns the database restricted to the configured App, if the schema has it.
async fn check_app(
    args: &ServeArgs,
    configured: Option<&Configured>,
    database: &Database,
) -> (CheckResult, Option<AppDatabase>) {
    let check = "App of the schema";
    let Some((app, api_base)) = configured.and_then(|it| it.app.map(|app| (app, it.api_base()))) else {
        let help = "set --github-app-id";
        return (CheckResult::unknown(check, "the App id is not configured", help), None);
    };
    match PgApps::new(database).find(api_base, app).await {
        Ok(Some(found)) => (CheckResult::ok(check, format!("App {app} at {api_base}")), Some(found)),
        Ok(None) => {
            // Bindings of a version without Apps are those of the first one.
            let first = database.with_app(AppNumber::FIRST);
            (CheckResult::ok(check, "none yet; serve adds its App"), Some(first))
        }
        Err(AppError::Foreign(_)) if args.new_app => {
            (CheckResult::ok(check, "other Apps only; serve adds its App, since --new-app is set"), None)
        }
        Err(error) => (CheckResult::fail(check, chain(&error), apps::help(&error)), None),
    }
}

/// Checks that the messages for the product are consumed.
async fn messages(args: &ServeArgs, database: &AppDatabase) -> CheckResult {
    let check = "messages for the product";
    let outbox = PgOutbox::new(database, OutboxBounds::default());
    let Backlog { waiting, set_aside, oldest, .. } = match outbox.backlog().await {
        Ok(backlog) => backlog,
        Err(error) => {
            let help = "check the rights of the database user: docs/postgresql.md";
            return CheckResult::fail(check, chain(&error), help);
        }
    };
    let Some(oldest) = oldest else { return CheckResult::ok(check, "none waits") };
    let said = format!("{} wait, the oldest since {}", waiting + set_aside, format_timestamp(oldest));
    let is_old = SystemClock.now() - oldest >= time::Duration::DAY;
    match (&args.forward.forward_to, is_old) {
        (Some(_), false) => CheckResult::ok(check, said),
        (Some(_), true) => CheckResult::warn(
            check,
            format!("{said}, for more than a day"),
            "check that serve runs; dockline deliveries list --status set_aside shows what the product refuses",
        ),
        (None, false) => CheckResult::ok(
            check,
            format!("{said}; --forward-to is not set, so another program has to consume them"),
        ),
        (None, true) => CheckResult::warn(
            check,
            format!("{said}, for more than a day, and --forward-to is not set"),
            "set --forward-to, start the program that consumes them, or delete them with dockline deliveries close",
        ),
    }
}

/// Derives the delay of the sweep from the look that is due first.
async fn sweep(args: &ServeArgs, database: &AppDatabase) -> CheckResult {
    let check = "sweep";
    let Some(every) = args.reconcile_every.non_zero() else {
        return CheckResult::warn(
            check,
            "turned off by --reconcile-every 0: changes that no webhook reports are not found",
            "run dockline reconcile from a timer, or set --reconcile-every",
        );
    };
    let now = SystemClock.now();
    let any = ReconcileScope::Due(PrimitiveDateTime::MAX.assume_utc());
    let oldest = match PgBindingRepo::new(database).due(any, None, 1).await {
        Ok(oldest) => oldest,
        Err(error) => {
            return CheckResult::fail(
                check,
                chain(&error),
                "check the rights of the database user: docs/postgresql.md",
            );
        }
    };
    let Some(oldest) = oldest.first() else {
        return CheckResult::ok(check, "no installation is bound yet");
    };
    let at = oldest.next_look_at.format(&Rfc3339).unwrap_or_default();
    let said = format!("the first look at a binding is due at {at}");
    // The next sweep starts within the interval, its own length and jitter.
    let late = every.mul_f64(2.2);
    if now - oldest.next_look_at > late {
        CheckResult::warn(
            check,
            format!("{said}, more than {} s ago", late.as_secs()),
            "run dockline reconcile, and check the log of serve",
        )
    } else {
        CheckResult::ok(check, said)
    }
}
