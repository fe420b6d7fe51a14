//! Check of GitHub's log of webhook deliveries.

use dockline_github::DeliveryRecord;
use time::format_description::well_known::Rfc3339;

use super::result::CheckResult;

const CHECK: &str = "webhook deliveries";

/// Judges the latest deliveries; `records` starts with the newest.
pub(super) fn judge(records: &[DeliveryRecord]) -> CheckResult {
    let Some(newest) = records.first() else {
        return CheckResult::unknown(
            CHECK,
            "GitHub delivered nothing in the last three days",
            "choose Redeliver on the App's page, Advanced, Recent deliveries; or save the webhook URL again, which sends a ping",
        );
    };
    let failed = records.iter().filter(|record| !record.succeeded());
    let number = failed.clone().count();
    let at = newest.delivered_at.format(&Rfc3339).unwrap_or_default();
    let said =
        format!("{number} of the last {} failed; the newest, {} at {at}, ", records.len(), newest.event);
    match failed.clone().next() {
        None => CheckResult::ok(CHECK, format!("the last {} succeeded, the newest at {at}", records.len())),
        Some(_) if newest.succeeded() => CheckResult::warn(
            CHECK,
            format!("{said}succeeded"),
            "GitHub does not repeat failed ones; the next sweep finds the changes",
        ),
        Some(last) => {
            CheckResult::warn(CHECK, format!("{said}got {}", response(last)), help(last.status_code))
        }
    }
}

fn response(record: &DeliveryRecord) -> String {
    if record.status_code == 0 {
        format!("no response ({})", record.status)
    } else {
        record.status_code.to_string()
    }
}

/// Returns what to do about such a response.
fn help(status: u16) -> &'static str {
    match status {
        0 => "GitHub cannot reach the webhook URL: check DNS, certificate and firewall, and that serve runs",
        401 => "the secret at GitHub differs from the one here: set the same in both places",
        404 | 405 => "the webhook URL is not this API's: it must end in /v1/github/webhooks",
        413 => "a proxy limits the size of requests: allow 25 MiB, the maximum of GitHub's deliveries",
        422 => "the deliveries are not for this App: check that no other App uses this webhook URL",
        500.. => "check the logs of serve and of the proxy in front of it",
        _ => "see the response on the App's page, Advanced, Recent deliveries",
    }
}
