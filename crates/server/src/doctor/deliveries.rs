//! What GitHub's record of its deliveries says of our webhook.

use dockline_github::DeliveryRecord;
use time::format_description::well_known::Rfc3339;

use super::finding::Finding;

const CHECK: &str = "webhook deliveries";

/// `records`: the latest, newest first.
pub(super) fn judge(records: &[DeliveryRecord]) -> Finding {
    let Some(newest) = records.first() else {
        return Finding::unknown(
            CHECK,
            "GitHub has delivered nothing in the last three days",
            "press Redeliver on the App's page, Advanced, Recent deliveries; or save the webhook URL anew, which sends a ping",
        );
    };
    let failed = records.iter().filter(|record| !record.succeeded());
    let number = failed.clone().count();
    let at = newest.delivered_at.format(&Rfc3339).unwrap_or_default();
    let said =
        format!("{number} of the last {} failed; the newest, {} at {at}, ", records.len(), newest.event);
    match failed.clone().next() {
        None => Finding::ok(CHECK, format!("the last {} were taken, the newest at {at}", records.len())),
        Some(_) if newest.succeeded() => Finding::warn(
            CHECK,
            format!("{said}was taken"),
            "GitHub repeats none by itself: the sweep finds what they told",
        ),
        Some(last) => Finding::warn(CHECK, format!("{said}got {}", answer(last)), hint(last.status_code)),
    }
}

fn answer(record: &DeliveryRecord) -> String {
    if record.status_code == 0 {
        format!("no answer ({})", record.status)
    } else {
        record.status_code.to_string()
    }
}

/// What such an answer of ours means.
fn hint(status: u16) -> &'static str {
    match status {
        0 => {
            "GitHub does not reach the webhook URL: look at DNS, certificate and firewall, and whether serve runs"
        }
        401 => "the secret at GitHub is not the one given here: set the same in both places",
        404 | 405 => "the webhook URL is not this API's: it ends in /v1/github/webhooks",
        413 => "something on the way lets too little through: GitHub's deliveries have up to 25 MiB",
        422 => {
            "what arrives is not a delivery to this App: look whether the webhook URL is another App's, too"
        }
        500.. => "look at the log of serve, and of what ends TLS in front of it",
        _ => "look at the delivery's answer on the App's page, Advanced, Recent deliveries",
    }
}
