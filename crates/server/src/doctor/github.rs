//! Checks of GitHub: the App's credential, its settings, permissions, webhook and rate limit, and the clock.

use dockline::ports::{Clock, GithubGateway, SystemClock};
use dockline_github::{AppSettings, GithubApp, WebhookConfig};

use super::deliveries;
use super::result::CheckResult;
use crate::github_app::{Configured, Connected, cause_and_help, connect};
use crate::serve::checks::Local;
use crate::serve::{PolicyArg, ServeArgs};

/// Number of deliveries to judge.
const DELIVERIES: u8 = 30;
/// Seconds of clock skew without a warning.
const MAX_SKEW: i64 = 5;

pub(super) async fn check(args: &ServeArgs, local: &Local, configured: &Configured) -> Vec<CheckResult> {
    let credential = "App credential";
    let mut results = requests(configured);
    let connected = match connect(configured).await {
        Ok(connected) => connected,
        Err(errors) => {
            let failed = errors.0.into_iter();
            results.extend(failed.map(|it| CheckResult::fail(credential, it.cause, it.help)));
            return results;
        }
    };
    let renamed = connected.renamed(configured).map(|slug| {
        CheckResult::warn(
            "--github-app-slug",
            format!("is {}, but at GitHub the App has {slug}, which install links use", configured.slug),
            format!("set it to {slug}"),
        )
    });
    let Connected { github, settings, differences } = connected;
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let (cause, help) = cause_and_help(&error);
            results.push(CheckResult::fail(credential, cause, help));
            return results;
        }
    };
    let now = SystemClock.now().unix_timestamp();
    results.push(accepted(&settings));
    results.extend(renamed);
    if differences.0.is_empty() {
        results.push(CheckResult::ok(
            "App identity",
            format!("App id and client id belong together; the slug is {}", settings.slug),
        ));
    }
    results.extend(differences.0.into_iter().map(CheckResult::from));
    results.push(clock(&settings, now));
    results.extend(permissions(args, &settings));
    results.extend(webhook(args, local, &github).await);
    results.push(match github.latest_deliveries(DELIVERIES).await {
        Ok(records) => deliveries::judge(&records),
        Err(error) => {
            let (cause, help) = cause_and_help(&error);
            CheckResult::fail("webhook deliveries", cause, help)
        }
    });
    results.extend(rate(&github));
    results.push(not_in_api(args, local, &settings));
    results
}

/// Says how GitHub is called.
fn requests(configured: &Configured) -> Vec<CheckResult> {
    let mut results = vec![CheckResult::ok("GitHub API", configured.described())];
    if let Some(variable) = configured.ignored_proxy() {
        results.push(CheckResult::warn(
            "proxy",
            format!("{variable} is set in the environment and ignored: GitHub is called directly"),
            "if GitHub is reached through a proxy, set --https-proxy",
        ));
    }
    results
}

fn accepted(settings: &AppSettings) -> CheckResult {
    let installed =
        settings.installations.map(|number| format!(", installed on {number} accounts")).unwrap_or_default();
    CheckResult::ok(
        "App credential",
        format!("GitHub accepts it: {:?}, App {}{installed}", settings.name, settings.app),
    )
}

fn clock(settings: &AppSettings, now: i64) -> CheckResult {
    let check = "clock";
    match settings.github_time.map(|github| now - github.unix_timestamp()) {
        None => CheckResult::unknown(
            check,
            "GitHub's response has no Date header",
            "check for a proxy that removes it",
        ),
        Some(ahead) if ahead.abs() <= MAX_SKEW => {
            CheckResult::ok(check, format!("within {MAX_SKEW} s of GitHub's"))
        }
        Some(ahead) => {
            let direction = if ahead > 0 { "ahead of" } else { "behind" };
            let said = format!(
                "{} s {direction} GitHub's; JWTs are corrected for it, states and budgets are not",
                ahead.abs()
            );
            CheckResult::warn(check, said, "synchronize it with NTP")
        }
    }
}

fn permissions(args: &ServeArgs, settings: &AppSettings) -> Vec<CheckResult> {
    let granted = |name: &str| settings.permissions.get(name).map(String::as_str);
    let reads = |name: &str| matches!(granted(name), Some("read" | "write" | "admin"));
    let on_page = "on the App's page, Permissions & events; each account must accept it then";
    let members = "permission Members";
    let members = match (reads("members"), args.claim_policy) {
        (true, _) => CheckResult::ok(members, "read"),
        (false, PolicyArg::Controlled) => CheckResult::fail(
            members,
            "is not requested: with the policy controlled no organization can be bound, because visitors cannot prove \
             that they administer it",
            format!("set the organization permission Members to read {on_page}"),
        ),
        (false, PolicyArg::Installer) => CheckResult::warn(
            members,
            "is not requested: with the policy installer the administrator of a single repository can install the App and \
             bind the organization's installation",
            format!("set the organization permission Members to read {on_page}"),
        ),
        (false, PolicyArg::Visible | PolicyArg::State) => {
            CheckResult::ok(members, "is not requested, and this claim policy does not need it")
        }
    };
    let metadata = "permission Metadata";
    let metadata = if reads("metadata") {
        CheckResult::ok(metadata, "read")
    } else {
        CheckResult::warn(
            metadata,
            "is not requested: repositories cannot be listed",
            format!("set the repository permission Metadata to read {on_page}"),
        )
    };
    vec![members, metadata]
}

async fn webhook(args: &ServeArgs, local: &Local, github: &GithubApp) -> Vec<CheckResult> {
    let check = "webhook";
    let config = match github.webhook().await {
        Ok(Some(WebhookConfig { url: None, .. }) | None) => {
            return vec![CheckResult::warn(
                check,
                "the App has none: only sweeps find changes at GitHub",
                "set its URL and secret on the App's page, and activate it",
            )];
        }
        Ok(Some(config)) => config,
        Err(error) => {
            let (cause, help) = cause_and_help(&error);
            return vec![CheckResult::fail(check, cause, help)];
        }
    };
    let theirs = config.url.unwrap_or_default();
    let mut results = Vec::new();
    results.push(match local.public_url.as_ref().map(|url| format!("{url}/v1/github/webhooks")) {
        None => CheckResult::unknown(
            "webhook URL",
            format!("at GitHub it is {theirs}; without --public-url it cannot be compared"),
            "set --public-url",
        ),
        Some(ours) if ours == theirs => CheckResult::ok("webhook URL", ours),
        Some(ours) => CheckResult::fail(
            "webhook URL",
            format!("at GitHub it is {theirs}, but this API's is {ours}"),
            "set this API's on the App's page, or correct --public-url",
        ),
    });
    let configured = !args.webhook_secret.is_empty() || !args.webhook_secret_file.is_empty();
    results.push(match (config.has_secret, configured) {
        (true, true) => CheckResult::ok(
            "webhook secret at GitHub",
            "set; the deliveries show whether it is the same as here",
        ),
        (true, false) => CheckResult::warn(
            "webhook secret at GitHub",
            "set, but none is set here: every delivery is rejected",
            "set the same with --webhook-secret-file",
        ),
        (false, _) => CheckResult::fail(
            "webhook secret at GitHub",
            "none is set: deliveries are unsigned, and every one is rejected",
            "set one on the App's page, and the same with --webhook-secret-file",
        ),
    });
    if config.skips_tls_verification {
        results.push(CheckResult::warn(
            "webhook TLS",
            "GitHub does not verify the certificate of the webhook URL",
            "enable SSL verification on the App's page",
        ));
    }
    results
}

fn rate(github: &GithubApp) -> Option<CheckResult> {
    let left = github.rate_left()?;
    let said = format!("{} of {} requests are left in this hour", left.remaining, left.limit);
    Some(if left.remaining.saturating_mul(10) < left.limit {
        CheckResult::warn("GitHub rate limit", said, "find out what else uses this App's key")
    } else {
        CheckResult::ok("GitHub rate limit", said)
    })
}

/// Lists the settings that GitHub's API does not return.
fn not_in_api(args: &ServeArgs, local: &Local, settings: &AppSettings) -> CheckResult {
    let public = local.public_url.as_deref().unwrap_or("<public URL>");
    let web = args.github.github_web_url.as_deref().unwrap_or("https://github.com");
    let slug = &settings.slug;
    CheckResult::unknown(
        "App settings",
        "GitHub's API does not return callback and setup URL, user authorization, or whether the webhook is active",
        format!(
            "check {web}/settings/apps/{slug} (an organization's App: {web}/organizations/ORG/settings/apps/{slug}): the first \
             callback URL must be {public}/v1/github/installation/callback; \"Request user authorization (OAuth) during \
             installation\", \"Redirect on update\" and the webhook's \"Active\" must be on"
        ),
    )
}
