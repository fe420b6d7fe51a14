//! GitHub: whether it accepts the App, and whether the App is set up as Dockline needs it.

use dockline::ports::{Clock, GithubGateway, SystemClock};
use dockline_github::{AppSettings, GithubApp, WebhookConfig};

use super::deliveries;
use super::finding::Finding;
use crate::github_app::{Configured, Connected, about, connect};
use crate::policy::Policy;
use crate::serve::ServeArgs;
use crate::serve::checks::Local;

/// Deliveries that are looked at.
const DELIVERIES: u8 = 30;
/// Seconds by which clocks may differ without a word.
const SKEW: i64 = 5;

pub(super) async fn examine(args: &ServeArgs, local: &Local, configured: &Configured) -> Vec<Finding> {
    let credential = "App credential";
    let Connected { github, settings, differences } = match connect(configured).await {
        Ok(connected) => connected,
        Err(mistakes) => {
            let failed = mistakes.0.into_iter();
            return failed.map(|it| Finding::fail(credential, it.cause, it.mend)).collect();
        }
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let (cause, mend) = about(&error);
            return vec![Finding::fail(credential, cause, mend)];
        }
    };
    let now = SystemClock.now().unix_timestamp();
    let mut findings = vec![accepted(&settings)];
    let differ = !differences.0.is_empty();
    findings.extend(differences.0.into_iter().map(Finding::mistake));
    if !differ {
        findings.push(Finding::ok(
            "App identity",
            format!("number, slug {} and client id belong together", settings.slug),
        ));
    }
    findings.push(clock(&settings, now));
    findings.extend(permissions(args, &settings));
    findings.extend(webhook(args, local, &github).await);
    findings.push(match github.latest_deliveries(DELIVERIES).await {
        Ok(records) => deliveries::judge(&records),
        Err(error) => {
            let (cause, mend) = about(&error);
            Finding::fail("webhook deliveries", cause, mend)
        }
    });
    findings.extend(rate(&github));
    findings.push(untold(args, local, &settings));
    findings
}

fn accepted(settings: &AppSettings) -> Finding {
    let installed =
        settings.installations.map(|number| format!(", installed on {number} accounts")).unwrap_or_default();
    Finding::ok(
        "App credential",
        format!("GitHub accepts it: {:?}, App {}{installed}", settings.name, settings.app),
    )
}

fn clock(settings: &AppSettings, now: i64) -> Finding {
    let check = "clock";
    match settings.github_time.map(|github| now - github.unix_timestamp()) {
        None => Finding::unknown(
            check,
            "GitHub did not tell its time",
            "look for a proxy that takes the header Date away",
        ),
        Some(ahead) if ahead.abs() <= SKEW => Finding::ok(check, format!("within {SKEW} s of GitHub's")),
        Some(ahead) => {
            let direction = if ahead > 0 { "ahead of" } else { "behind" };
            let said = format!(
                "{} s {direction} GitHub's; JWTs are corrected for it, states and budgets are not",
                ahead.abs()
            );
            Finding::warn(check, said, "set it, by NTP")
        }
    }
}

fn permissions(args: &ServeArgs, settings: &AppSettings) -> Vec<Finding> {
    let granted = |name: &str| settings.permissions.get(name).map(String::as_str);
    let reads = |name: &str| matches!(granted(name), Some("read" | "write" | "admin"));
    let on_page = "on the App's page, Permissions & events; each account has to accept it then";
    let members = "permission Members";
    let members = match (reads("members"), args.claim_policy) {
        (true, _) => Finding::ok(members, "read"),
        (false, Policy::Controlled) => Finding::fail(
            members,
            "is not asked for: under the policy controlled no organization can be bound, since nobody can show that they \
             administer one",
            format!("set the organization permission Members to read {on_page}"),
        ),
        (false, Policy::Visible | Policy::State) => {
            Finding::ok(members, "is not asked for, and this claim policy does not need it")
        }
    };
    let metadata = "permission Metadata";
    let metadata = if reads("metadata") {
        Finding::ok(metadata, "read")
    } else {
        Finding::warn(
            metadata,
            "is not asked for: repositories cannot be listed",
            format!("set the repository permission Metadata to read {on_page}"),
        )
    };
    vec![members, metadata]
}

async fn webhook(args: &ServeArgs, local: &Local, github: &GithubApp) -> Vec<Finding> {
    let check = "webhook";
    let config = match github.webhook().await {
        Ok(Some(WebhookConfig { url: None, .. }) | None) => {
            return vec![Finding::warn(
                check,
                "the App has none: only the sweep finds what happened at GitHub",
                "set its URL and secret on the App's page, and make it active",
            )];
        }
        Ok(Some(config)) => config,
        Err(error) => {
            let (cause, mend) = about(&error);
            return vec![Finding::fail(check, cause, mend)];
        }
    };
    let theirs = config.url.unwrap_or_default();
    let mut findings = Vec::new();
    findings.push(match local.public_url.as_ref().map(|url| format!("{url}/v1/github/webhooks")) {
        None => Finding::unknown(
            "webhook URL",
            format!("at GitHub it is {theirs}, and without --public-url ours is not known"),
            "give --public-url",
        ),
        Some(ours) if ours == theirs => Finding::ok("webhook URL", ours),
        Some(ours) => Finding::fail(
            "webhook URL",
            format!("at GitHub it is {theirs}, and ours is {ours}"),
            "set ours on the App's page, or correct --public-url",
        ),
    });
    let given = !args.webhook_secret.is_empty() || !args.webhook_secret_file.is_empty();
    findings.push(match (config.has_secret, given) {
        (true, true) => {
            Finding::ok("webhook secret at GitHub", "set; whether it is ours, the deliveries tell")
        }
        (true, false) => Finding::warn(
            "webhook secret at GitHub",
            "set, but none is given here: every delivery is refused",
            "give the same by --webhook-secret-file",
        ),
        (false, _) => Finding::fail(
            "webhook secret at GitHub",
            "none is set: deliveries are not signed, and every one is refused",
            "set one on the App's page, and give the same by --webhook-secret-file",
        ),
    });
    if config.skips_tls_verification {
        findings.push(Finding::warn(
            "webhook TLS",
            "GitHub does not check the certificate behind the webhook URL",
            "switch SSL verification on, on the App's page",
        ));
    }
    findings
}

fn rate(github: &GithubApp) -> Option<Finding> {
    let left = github.rate_left()?;
    let said = format!("{} of {} requests are left in this hour", left.remaining, left.limit);
    Some(if left.remaining.saturating_mul(10) < left.limit {
        Finding::warn("GitHub rate limit", said, "look for what else uses this App's key")
    } else {
        Finding::ok("GitHub rate limit", said)
    })
}

/// What no API of GitHub tells.
fn untold(args: &ServeArgs, local: &Local, settings: &AppSettings) -> Finding {
    let public = local.public_url.as_deref().unwrap_or("<public URL>");
    let web = args.github.github_web_url.as_deref().unwrap_or("https://github.com");
    let slug = &settings.slug;
    Finding::unknown(
        "App settings",
        "GitHub's API does not tell callback and setup URL, user authorization, or whether the webhook is active",
        format!(
            "look at {web}/settings/apps/{slug} (an organization's App: {web}/organizations/ORG/settings/apps/{slug}): the first \
             callback URL is {public}/v1/github/installation/callback; \"Request user authorization (OAuth) during \
             installation\", \"Redirect on update\" and the webhook's \"Active\" are on"
        ),
    )
}
