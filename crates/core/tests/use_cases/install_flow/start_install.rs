//! `start_install`: the install link and its state.

use std::sync::Arc;

use dockline::ports::Entropy;
use dockline::{
    EntropyFailed, ErrorCode, IssueCode, IssuedState, PortErrorKind, PortName, StartInstallError,
    StartInstallRequest,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;

use crate::support::{RETURN_URL, World, acme, rival};

fn request<'a>(return_url: Option<&'a str>, state: Option<&'a str>) -> StartInstallRequest<'a> {
    StartInstallRequest { return_url, state }
}

/// The path and code of each issue.
fn issues(error: StartInstallError) -> Vec<(String, IssueCode)> {
    match error {
        StartInstallError::Invalid(issues) => {
            issues.into_iter().map(|issue| (issue.path.into_owned(), issue.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_link_carries_a_new_state_that_is_stored_for_the_callers_organization() {
    let world = World::new();
    let link = world.dockline.start_install(&acme(), request(Some(RETURN_URL), None)).await.unwrap();
    let state = link.state.expose().to_owned();
    assert_eq!(state.len(), 32);
    assert_eq!(
        link.url,
        format!(
            "https://github.com/apps/dockline/installations/new?state={state}\
             &redirect_uri=https%3A%2F%2Fapp.acme.example%2Fdone"
        )
    );
    assert_eq!(link.expires_at, NOON + time::Duration::minutes(15));
    let issued = IssuedState {
        digest: link.state.digest(),
        organization: acme().organization,
        organization_name: acme().organization_name,
        actor: acme().actor,
        return_url: RETURN_URL.into(),
        issued_at: NOON,
        expires_at: link.expires_at,
        pending: Vec::new(),
        answered: None,
        claim: None,
        revoked: false,
    };
    assert_eq!(world.issued(&link.state).await, Some(issued));
    let another = world.state().await;
    assert_ne!(another.expose(), state);
}

#[tokio::test]
async fn times_are_whole_microseconds() {
    let world = World::new();
    world.clock.advance(time::Duration::nanoseconds(2_999));
    let link = world.dockline.start_install(&acme(), request(Some(RETURN_URL), None)).await.unwrap();
    assert_eq!(link.expires_at, NOON + IssuedState::LIFETIME + time::Duration::microseconds(2));
}

#[tokio::test]
async fn a_callers_own_state_is_used_if_it_cannot_be_guessed_l_04() {
    let world = World::new();
    let own = "own-state_of.acme~0123";
    let link = world.dockline.start_install(&acme(), request(Some(RETURN_URL), Some(own))).await.unwrap();
    assert_eq!(link.state.expose(), own);
    assert!(link.url.contains(&format!("?state={own}&")));
    for (bad, hint) in [
        ("", "at least 16 characters"),
        ("fifteen-letters", "at least 16 characters"),
        ("sixteen letters!", "A-Z a-z 0-9"),
        (&"x".repeat(257), "16 to 256"),
    ] {
        let refused = world.dockline.start_install(&acme(), request(Some(RETURN_URL), Some(bad))).await;
        let StartInstallError::Invalid(found) = refused.unwrap_err() else { panic!("{bad}") };
        assert!(found[0].message.contains(hint), "{bad}: {found:?}");
        assert_eq!(issues(StartInstallError::Invalid(found)), [("state".into(), IssueCode::Malformed)]);
    }
    let shortest = "sixteen-letters!".replace('!', "_");
    world.dockline.start_install(&acme(), request(Some(RETURN_URL), Some(&shortest))).await.unwrap();
}

#[tokio::test]
async fn all_problems_of_a_request_are_reported_at_once_and_nothing_is_stored() {
    let world = World::new();
    let start = async |return_url, state| {
        world.dockline.start_install(&acme(), request(return_url, state)).await.unwrap_err()
    };
    let missing = start(None, Some("short")).await;
    assert_eq!(missing.code(), ErrorCode::Validation);
    let expected = [("returnUrl".into(), IssueCode::Missing), ("state".into(), IssueCode::Malformed)];
    assert_eq!(issues(missing), expected);
    let malformed = start(Some("/done"), None).await;
    assert_eq!(issues(malformed), [("returnUrl".into(), IssueCode::Malformed)]);
    let reserved = start(Some("https://app.acme.example/done?a=b&st%61te=x"), None).await;
    assert_eq!(issues(reserved), [("returnUrl".into(), IssueCode::Malformed)]);
    let not_allowed = start(Some("https://evil.example/"), None).await;
    assert!(matches!(not_allowed, StartInstallError::ReturnUrlNotAllowed), "{not_allowed:?}");
    assert_eq!(not_allowed.code(), ErrorCode::ReturnUrlNotAllowed);
    // An invalid request is reported before a URL that is not allowed.
    let both = start(Some("https://evil.example/"), Some("short")).await;
    assert_eq!(issues(both), [("state".into(), IssueCode::Malformed)]);
    assert_eq!(world.states.count("put"), 0);
}

#[tokio::test]
async fn a_state_that_another_organization_uses_is_refused() {
    let world = World::new();
    let state = Some("a-state-that-both-choose");
    world.dockline.start_install(&rival(), request(Some(RETURN_URL), state)).await.unwrap();
    let refused = world.dockline.start_install(&acme(), request(Some(RETURN_URL), state)).await;
    assert_eq!(issues(refused.unwrap_err()), [("state".into(), IssueCode::NotClaimable)]);
}

#[derive(Debug)]
pub(crate) struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }
}

#[tokio::test]
async fn without_randomness_or_a_store_no_link_is_returned() {
    let world = World::with(|builder| builder.with_entropy(Arc::new(NoEntropy)));
    let port =
        async |state| match world.dockline.start_install(&acme(), request(Some(RETURN_URL), state)).await {
            Err(StartInstallError::Port(error)) => (error.port(), error.kind()),
            other => panic!("{other:?}"),
        };
    assert_eq!(port(None).await, (PortName::Entropy, PortErrorKind::Unexpected));
    assert_eq!(world.states.count("put"), 0);
    world.states.set(Fault::FailsBefore.once());
    let own = Some("a-state-of-the-caller");
    assert_eq!(port(own).await, (PortName::StateStore, PortErrorKind::Unavailable));
    // The same request succeeds afterwards.
    world.dockline.start_install(&acme(), request(Some(RETURN_URL), own)).await.unwrap();
}
