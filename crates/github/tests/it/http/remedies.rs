//! What a failed call says: its cause and what to do about it, apart.

use std::error::Error;

use dockline::PortError;
use dockline::ports::GithubGateway;
use dockline_github::CallError;

use crate::fixtures::{gateway, installation_id, usual};
use crate::scripted::{Reply, Scripted};

fn call_error(error: &PortError) -> &CallError {
    error.source().unwrap().downcast_ref().unwrap()
}

/// Returns the error of an installation's look-up that gets this reply.
async fn lookup_error(reply: fn() -> Reply) -> PortError {
    let github = Scripted::start(usual(move |seen| seen.line.contains("/installations/").then(reply))).await;
    gateway(&github).installation(installation_id()).await.unwrap_err()
}

#[tokio::test]
async fn a_failed_call_has_its_cause_with_githubs_words_and_its_help() {
    type Case = (fn() -> Reply, &'static str, &'static str);
    let cases: [Case; 6] = [
        (
            || Reply::message(502, "Bad Gateway"),
            "GitHub returned 502, a failure on its side, and says \"Bad Gateway\"",
            "check GitHub's status page",
        ),
        (
            || Reply::bytes(500, ""),
            "GitHub returned 500, a failure on its side",
            "check GitHub's status page",
        ),
        (
            || Reply::message(403, "You have exceeded a secondary rate limit"),
            "GitHub limits the rate of this credential for 60 s, and says \"You have exceeded a secondary rate limit\"",
            "wait until then; no call is sent before",
        ),
        (
            || Reply::message(400, "1999-01-01 is not a supported version"),
            "GitHub does not support the API version (400), and says \"1999-01-01 is not a supported version\"",
            "configure another version",
        ),
        (
            || Reply::bytes(307, "").header("location", "/elsewhere"),
            "GitHub returned a redirect (307), which is never followed",
            "check the host, and look for a proxy in between",
        ),
        (
            || Reply::message(418, "I am a teapot"),
            "GitHub returned 418, which is unexpected here, and says \"I am a teapot\"",
            "if GitHub's documentation does not explain it, report it as a bug",
        ),
    ];
    for (reply, cause, help) in cases {
        let error = lookup_error(reply).await;
        let call = call_error(&error);
        assert_eq!((call.cause().as_str(), call.help()), (cause, help));
        assert_eq!(call.to_string(), format!("{cause}: {help}"));
    }
}

#[tokio::test]
async fn the_apps_credential_is_named_with_what_belongs_together() {
    let github = Scripted::start(|_| Reply::message(401, "A JSON web token could not be decoded")).await;
    let error = gateway(&github).app().await.unwrap_err();
    let call = call_error(&error);
    assert_eq!(
        call.cause(),
        "GitHub refuses the App's credential (401), and says \"A JSON web token could not be decoded\""
    );
    assert!(call.help().starts_with("check that private key, issuer (client id or App id) and host"));
}
