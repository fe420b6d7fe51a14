//! What lies on this machine: files and who may read them, secrets on the command line, the address.

use std::io::ErrorKind;
use std::path::Path;

use tokio::net::TcpListener;

use super::finding::Finding;
use crate::config::{InForce, Origin};
use crate::secret::readable_by_others;
use crate::serve::ServeArgs;
use crate::serve::checks::Local;

pub(super) async fn examine(args: &ServeArgs, in_force: &InForce, local: &Local) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(exposed(in_force));
    if local.webhook_secrets.is_some() {
        let number = args.webhook_secret.len() + args.webhook_secret_file.len();
        findings.push(match number {
            0 => Finding::warn(
                "webhook secret",
                "none is given: every delivery is refused, and only the sweep finds what happened at GitHub",
                "make one with openssl rand -hex 32, set it at GitHub, and give it by --webhook-secret-file",
            ),
            1 => Finding::ok("webhook secret", "given, and long enough"),
            more => {
                Finding::ok("webhook secret", format!("{more} given: for as long as it is being changed"))
            }
        });
    }
    match (&args.public_url, &local.public_url) {
        (Some(_), Some(url)) => findings.push(Finding::ok("public URL", url)),
        // Told as a mistake.
        (Some(_), None) => {}
        (None, _) => findings.push(Finding::warn(
            "public URL",
            "--public-url is not given: the address that is listened on is told in its place, and GitHub's is not compared",
            "give the URL by which browsers reach this API",
        )),
    }
    findings.push(address(args).await);
    findings
}

/// Secrets that more people can read than ought to.
fn exposed(in_force: &InForce) -> Vec<Finding> {
    let mut findings = Vec::new();
    let secret = |option: &str| in_force.get(option).is_some_and(|setting| setting.secret);
    for setting in &in_force.settings {
        if setting.secret && setting.origin == Origin::Flag {
            findings.push(Finding::warn(
                &format!("--{}", setting.option),
                "is a secret on a command line, which other users of this machine can read",
                format!("give it by {} or by --{}-file", setting.variable, setting.option),
            ));
        }
        let holds_one = setting.option.strip_suffix("-file").is_some_and(secret);
        for path in setting.values.iter().filter(|_| holds_one).flat_map(|value| value.split(',')) {
            findings.extend(open_to_others(&setting.option, Path::new(path)));
        }
    }
    let from_file =
        |setting: &&crate::config::Setting| setting.secret && matches!(setting.origin, Origin::File { .. });
    if in_force.settings.iter().any(|setting| from_file(&setting))
        && let Some(path) = in_force.get(crate::config::FILE).and_then(|setting| setting.values.first())
    {
        findings.extend(open_to_others(crate::config::FILE, Path::new(path)));
    }
    findings
}

fn open_to_others(option: &str, path: &Path) -> Option<Finding> {
    readable_by_others(path)?.then(|| {
        let path = path.display();
        Finding::warn(
            &format!("--{option}"),
            format!("{path} holds a secret, and every user of this machine may read it"),
            format!("chmod o-rwx {path}, or 600 and the owner that serve runs as"),
        )
    })
}

async fn address(args: &ServeArgs) -> Finding {
    let (check, address) = ("listen address", args.listen.0);
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::warn(
            check,
            format!("{address} is taken: by dockline serve itself where it runs, or by another program"),
            "where serve is not running, end that program, or choose another port by --listen",
        ),
        Err(error) => Finding::fail(
            check,
            format!("{address} cannot be listened on: {error}"),
            "choose an address of this machine, and a port above 1023",
        ),
    }
}
