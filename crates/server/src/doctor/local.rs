//! Checks of this machine: access to files with secrets, secrets on the command line, the listen address.

use std::io::ErrorKind;
use std::path::Path;

use tokio::net::TcpListener;

use super::result::CheckResult;
use crate::config::secret::readable_by_others;
use crate::config::{EffectiveConfig, Origin, Setting};
use crate::serve::ServeArgs;
use crate::serve::checks::Local;

pub(super) async fn check(args: &ServeArgs, effective: &EffectiveConfig, local: &Local) -> Vec<CheckResult> {
    let mut results = Vec::new();
    results.extend(exposed(effective));
    if local.webhook_secrets.is_some() {
        let number = args.webhook_secret.len() + args.webhook_secret_file.len();
        results.push(match number {
            0 => CheckResult::warn(
                "webhook secret",
                "none is set: every delivery is rejected, and only sweeps find changes at GitHub",
                "generate one with openssl rand -hex 32, set it at GitHub and with --webhook-secret-file",
            ),
            1 => CheckResult::ok("webhook secret", "set, and long enough"),
            more => CheckResult::ok(
                "webhook secret",
                format!("{more} are set: remove the old one after the change"),
            ),
        });
    }
    match (&args.public_url, &local.public_url) {
        (Some(_), Some(url)) => results.push(CheckResult::ok("public URL", url)),
        // Already reported as an error.
        (Some(_), None) => {}
        (None, _) => results.push(CheckResult::warn(
            "public URL",
            "--public-url is not set: the listen address is shown instead, and GitHub's webhook URL cannot be compared",
            "set it to the URL under which browsers reach this API",
        )),
    }
    results.push(address(args).await);
    results
}

/// Finds secrets that other users of the machine can read.
fn exposed(effective: &EffectiveConfig) -> Vec<CheckResult> {
    let mut results = Vec::new();
    let secret = |option: &str| effective.get(option).is_some_and(|setting| setting.secret);
    for setting in &effective.settings {
        if setting.secret && setting.origin == Origin::Flag {
            results.push(CheckResult::warn(
                &format!("--{}", setting.option),
                "is a secret on the command line, which every user of this machine can read",
                format!("set it with {} or --{}-file", setting.variable, setting.option),
            ));
        }
        let holds_secret = setting.option.strip_suffix("-file").is_some_and(secret);
        for path in setting.values.iter().filter(|_| holds_secret).flat_map(|value| value.split(',')) {
            results.extend(world_readable(&setting.option, Path::new(path)));
        }
    }
    let from_file = |setting: &&Setting| setting.secret && matches!(setting.origin, Origin::File { .. });
    if effective.settings.iter().any(|setting| from_file(&setting))
        && let Some(path) = effective.get(crate::config::FILE).and_then(|setting| setting.values.first())
    {
        results.extend(world_readable(crate::config::FILE, Path::new(path)));
    }
    results
}

fn world_readable(option: &str, path: &Path) -> Option<CheckResult> {
    readable_by_others(path)?.then(|| {
        let path = path.display();
        CheckResult::warn(
            &format!("--{option}"),
            format!("{path} contains a secret, and every user of this machine may read it"),
            format!("run chmod o-rwx {path}, or make it 600 and owned by the user of serve"),
        )
    })
}

async fn address(args: &ServeArgs) -> CheckResult {
    let (check, address) = ("listen address", args.listen.0);
    match TcpListener::bind(address).await {
        Ok(_) => CheckResult::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => CheckResult::warn(
            check,
            format!("{address} is in use, by a running dockline serve or by another program"),
            "if serve is not running, stop that program, or choose another port with --listen",
        ),
        Err(error) => CheckResult::fail(
            check,
            format!("cannot listen on {address}: {error}"),
            "choose an address of this machine, and a port above 1023",
        ),
    }
}
