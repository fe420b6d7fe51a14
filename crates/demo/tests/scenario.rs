//! The scenario fails if a response is wrong.

mod support;

use dockline::ClaimPolicy;
use dockline_demo::scenario::{self, ScenarioError};
use dockline_github_sim::{Fault, FaultRule};

#[tokio::test]
async fn wrong_response_ends_the_scenario_and_is_named() {
    let environment = support::start(ClaimPolicy::Controlled).await;
    scenario::run(&environment, &mut Vec::new()).await.unwrap();

    // Checking the visitor fails this time.
    let fault = FaultRule::new(Fault::Status { code: 502 }).for_path("/login/oauth/access_token");
    environment.sim().set_fault(fault);
    let mut transcript = Vec::new();
    let result = scenario::run(&environment, &mut transcript).await;
    let transcript = String::from_utf8(transcript).unwrap();
    let Err(ScenarioError::Mismatch { check, expected, actual, .. }) = result else { panic!("{result:?}") };
    assert_eq!((check.as_str(), expected.as_str()), ("status", "200 OK"));
    assert_eq!(actual, "502 Bad Gateway");
    assert_eq!(transcript.matches('✗').count(), 1, "{transcript}");
    assert_eq!(transcript.lines().last(), Some("walk: 3 of 28 steps as expected"));
    environment.stop().await;
}
