//! The walk says so when something is wrong.

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule};
use dockline_server::address::ListenAddr;
use dockline_server::demo::Demo;
use dockline_server::walk::{self, WalkFailed};

#[tokio::test]
async fn a_wrong_answer_ends_the_walk_and_is_named() {
    let (zero, policy) = (ListenAddr::loopback(0), ClaimPolicy::Controlled);
    let demo = Demo::start(zero, zero, policy).await.unwrap();
    walk::run(&demo, &mut Vec::new()).await.unwrap();

    // This time GitHub is in trouble when it is asked who came.
    let trouble = FaultRule::new(Fault::Status { code: 502 }).for_path("/login/oauth/access_token");
    demo.sim().set_fault(trouble);
    let mut transcript = Vec::new();
    let failed = walk::run(&demo, &mut transcript).await;
    let transcript = String::from_utf8(transcript).unwrap();
    let Err(WalkFailed::Wrong { what, expected, came, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!((what.as_str(), expected.as_str()), ("status", "200 OK"));
    assert_eq!(came, "502 Bad Gateway");
    assert_eq!(transcript.matches('✗').count(), 1, "{transcript}");
    assert_eq!(transcript.lines().last(), Some("walk: 3 of 28 steps as expected"));
    demo.stop().await;
}
