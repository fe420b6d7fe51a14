//! Errors of the token endpoint, in GitHub's words.

use serde_json::{Value, json};

use crate::model::grant::DevicePoll;

const TROUBLESHOOTING: &str =
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";

/// An error of the exchange. GitHub answers it with status 200.
#[derive(Clone, Copy, Debug)]
pub(super) enum OauthError {
    Client,
    Code,
    RefreshToken,
    RedirectUri,
    GrantType,
    DeviceFlowDisabled,
    Device(DevicePoll),
}

impl OauthError {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Client => {
                ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
            }
            Self::Code => ("bad_verification_code", "The code passed is incorrect or expired."),
            Self::RefreshToken => ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
            Self::RedirectUri => (
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.",
            ),
            Self::GrantType => ("unsupported_grant_type", "The grant_type is not supported."),
            Self::DeviceFlowDisabled => {
                ("device_flow_disabled", "Device Flow must be explicitly enabled for this App")
            }
            Self::Device(DevicePoll::Pending) => {
                ("authorization_pending", "The authorization request is still pending.")
            }
            Self::Device(DevicePoll::SlowDown(_)) => {
                ("slow_down", "Too many requests have been made in the same timeframe.")
            }
            Self::Device(DevicePoll::Expired) => ("expired_token", "The device_code has expired."),
            Self::Device(DevicePoll::Denied) => ("access_denied", "The authorization request was denied."),
            Self::Device(DevicePoll::Incorrect) => {
                ("incorrect_device_code", "The device_code provided is not valid.")
            }
        }
    }

    pub(super) fn body(self) -> Value {
        let (error, description) = self.words();
        let uri = format!("{TROUBLESHOOTING}#{}", error.replace('_', "-"));
        let mut body = json!({ "error": error, "error_description": description, "error_uri": uri });
        if let (Self::Device(DevicePoll::SlowDown(interval)), Some(body)) = (self, body.as_object_mut()) {
            body.insert("interval".to_owned(), interval.into());
        }
        body
    }
}
