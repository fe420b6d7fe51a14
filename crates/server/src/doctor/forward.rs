//! Checks of `--forward-to`: whether the product can be reached, and its secrets.

use super::result::CheckResult;
use crate::serve::ServeArgs;
use crate::serve::checks::Local;

/// Connects to the product, and sends it nothing.
pub(super) async fn check(args: &ServeArgs, local: &Local) -> Vec<CheckResult> {
    // Without a target there is nothing to check, or the errors are reported already.
    let Some(target) = &local.forward else { return Vec::new() };
    let secrets = match args.forward.secrets() {
        1 => CheckResult::ok("forward secret", "set, and long enough"),
        more => {
            CheckResult::ok("forward secret", format!("{more} are set: remove the old one after the change"))
        }
    };
    let endpoint = &target.endpoint;
    let reached = match endpoint.check().await {
        Ok(()) if endpoint.is_https() => {
            CheckResult::ok("forwarding", format!("{endpoint} can be reached, and its certificate is valid"))
        }
        Ok(()) => CheckResult::ok("forwarding", format!("{endpoint} can be reached")),
        Err(error) => CheckResult::fail(
            "forwarding",
            format!("{endpoint} cannot be reached: {error}"),
            "check --forward-to, that the product runs, its certificate and the network. Messages wait meanwhile",
        ),
    };
    vec![secrets, reached]
}
