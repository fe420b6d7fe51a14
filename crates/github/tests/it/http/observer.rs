//! The observer of requests and signatures.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockline::TokenScope;
use dockline::ports::GithubGateway;
use dockline_github::{CallOutcome, CompletedCall, GithubApp, GithubHost, Observer, Operation};
use serde_json::json;

use crate::fixtures::{code, config, installation_id, usual};
use crate::scripted::{Reply, Scripted};

#[derive(Debug, Default)]
struct Recorder {
    calls: Mutex<Vec<(Operation, CallOutcome)>>,
    signed: Mutex<usize>,
}

impl Observer for Recorder {
    fn call_completed(&self, call: CompletedCall) {
        self.calls.lock().unwrap().push((call.operation, call.outcome));
    }

    fn jwt_signed(&self) {
        *self.signed.lock().unwrap() += 1;
    }
}

fn observed(github: &Scripted) -> (GithubApp, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    (GithubApp::new(config(github).with_observer(recorder.clone())).unwrap(), recorder)
}

#[tokio::test]
async fn each_request_and_the_one_signature_are_observed() {
    let github = Scripted::start(usual(|_| None)).await;
    let (app, recorder) = observed(&github);
    app.app().await.unwrap();
    app.installation(installation_id()).await.unwrap();
    app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
    app.check_visitor(&code(), installation_id()).await.unwrap();
    let calls = recorder.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), github.seen().len());
    assert!(calls.iter().all(|(_, outcome)| *outcome == CallOutcome::Ok), "{calls:?}");
    for operation in [
        Operation::App,
        Operation::Installation,
        Operation::Mint,
        Operation::ExchangeCode,
        Operation::Visitor,
        Operation::VisitorInstallations,
        Operation::VisitorMembership,
        Operation::RevokeVisitorToken,
    ] {
        assert!(calls.iter().any(|(seen, _)| *seen == operation), "{operation:?} in {calls:?}");
    }
    assert_eq!(*recorder.signed.lock().unwrap(), 1);
}

#[tokio::test]
async fn errors_are_observed_by_outcome_and_paused_calls_are_not_requests() {
    let message = |message: &str| json!({ "message": message });
    for (status, message, outcome) in [
        (401, message("Bad credentials"), CallOutcome::Unauthorized),
        (403, message("Resource not accessible by integration"), CallOutcome::Denied),
        (403, message("This installation has been suspended"), CallOutcome::Suspended),
        (429, message("slow down"), CallOutcome::RateLimited),
        (422, message("Validation Failed"), CallOutcome::Unprocessable),
        (502, message("bad gateway"), CallOutcome::ServerError),
        (301, message("moved"), CallOutcome::InvalidResponse),
        (418, message("teapot"), CallOutcome::UnexpectedStatus),
    ] {
        let github = Scripted::start(move |_| Reply::json(status, &message)).await;
        let (app, recorder) = observed(&github);
        for _ in 0..2 {
            app.app().await.unwrap_err();
        }
        let requests = github.seen().len();
        let calls = recorder.calls.lock().unwrap().clone();
        assert_eq!(calls, vec![(Operation::App, outcome); requests], "{status}");
        assert_eq!(requests, if outcome == CallOutcome::RateLimited { 1 } else { 2 }, "{status}");
    }
}

#[tokio::test]
async fn a_timeout_and_a_refused_connection_are_observed() {
    let github = Scripted::start(|_| Reply::Never).await;
    let recorder = Arc::new(Recorder::default());
    let config = config(&github).with_timeout(Duration::from_millis(50)).with_observer(recorder.clone());
    GithubApp::new(config.clone()).unwrap().app().await.unwrap_err();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let host = GithubHost::at(&format!("http://{closed}"), &format!("http://{closed}")).unwrap();
    GithubApp::new(config.with_host(host)).unwrap().app().await.unwrap_err();
    let calls = recorder.calls.lock().unwrap().clone();
    assert_eq!(calls, [(Operation::App, CallOutcome::TimedOut), (Operation::App, CallOutcome::Unreachable)]);
}

#[test]
fn labels_are_distinct() {
    let operations: HashSet<_> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
    assert_eq!(operations.len(), Operation::ALL.len());
    let outcomes: HashSet<_> = CallOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    assert_eq!(outcomes.len(), CallOutcome::ALL.len());
}
