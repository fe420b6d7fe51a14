//! Checks of the storage: what is in the schema or the file, the delay of the sweep, and messages that nothing consumes.

use dockline::ports::{Clock, ReconcileScope, SystemClock};
use dockline::{Backlog, format_timestamp};
use time::PrimitiveDateTime;
use time::format_description::well_known::Rfc3339;

use super::result::CheckResult;
use super::{database, file};
use crate::github_app::Configured;
use crate::serve::ServeArgs;
use crate::serve::checks::chain;
use crate::storage::{AppStorage, Location, Storage};

pub(super) async fn check(
    args: &ServeArgs,
    configured: Option<&Configured>,
    location: &Location,
) -> Vec<CheckResult> {
    let (mut results, is_usable) = match location {
        Location::Postgres(database) => database::check(args, database).await,
        Location::File(path) => file::check(args, path).await,
    };
    if !is_usable {
        return results;
    }
    let storage = match location.clone().open().await {
        Ok(storage) => storage,
        Err(errors) => {
            results.extend(errors.0.into_iter().map(CheckResult::from));
            return results;
        }
    };
    let (app, found) = check_app(args, configured, &storage).await;
    results.push(app);
    if let Some(storage) = found {
        results.push(sweep(args, &storage).await);
        results.push(messages(args, &storage).await);
    }
    results
}

/// Returns what to do if the storage fails.
const fn help(storage: &AppStorage) -> &'static str {
    match storage {
        AppStorage::Postgres(_) => "check the rights of the database user: docs/postgresql.md",
        AppStorage::File(_) => "check the disk, and restore a backup: docs/operating/single-file.md",
    }
}

/// Checks the App. Also returns the storage restricted to the configured App, if it has the App.
async fn check_app(
    args: &ServeArgs,
    configured: Option<&Configured>,
    storage: &Storage,
) -> (CheckResult, Option<AppStorage>) {
    let check = match storage {
        Storage::Postgres(_) => "App of the schema",
        Storage::File(_) => "App of the file",
    };
    let Some((app, api_base)) = configured.and_then(|it| it.app.map(|app| (app, it.api_base()))) else {
        let help = "set --github-app-id";
        return (CheckResult::unknown(check, "the App id is not configured", help), None);
    };
    match storage.apps().find(api_base, app).await {
        Ok(Some(found)) => (CheckResult::ok(check, format!("App {app} at {api_base}")), Some(found)),
        Ok(None) => {
            // Bindings of a version without Apps are those of the first one.
            (CheckResult::ok(check, "none yet; serve adds its App"), Some(storage.first_app()))
        }
        Err(error) if error.is_foreign() && args.new_app => {
            (CheckResult::ok(check, "other Apps only; serve adds its App, since --new-app is set"), None)
        }
        Err(error) => (CheckResult::fail(check, chain(&error), error.help()), None),
    }
}

/// Checks that the messages for the product are consumed.
async fn messages(args: &ServeArgs, storage: &AppStorage) -> CheckResult {
    let check = "messages for the product";
    let outbox = storage.outbox().port();
    let Backlog { waiting, set_aside, oldest, .. } = match outbox.backlog().await {
        Ok(backlog) => backlog,
        Err(error) => {
            return CheckResult::fail(check, chain(&error), help(storage));
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
async fn sweep(args: &ServeArgs, storage: &AppStorage) -> CheckResult {
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
    let oldest = match storage.bindings().due(any, None, 1).await {
        Ok(oldest) => oldest,
        Err(error) => {
            return CheckResult::fail(check, chain(&error), help(storage));
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
