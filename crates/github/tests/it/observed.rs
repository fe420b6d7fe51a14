//! What an observer is told.

use std::sync::{Arc, Mutex};

use dockline::TokenScope;
use dockline::ports::GithubGateway;
use dockline_github::{Called, GithubApp, Observer, Operation, Outcome};
use serde_json::json;

use crate::scripted::{Reply, Scripted};
use crate::setting::{code, config, installation_id, usual};

#[derive(Debug, Default)]
struct Notes {
    called: Mutex<Vec<(Operation, Outcome)>>,
    signed: Mutex<usize>,
}

impl Observer for Notes {
    fn called(&self, called: Called) {
        self.called.lock().unwrap().push((called.operation, called.outcome));
    }

    fn signed(&self) {
        *self.signed.lock().unwrap() += 1;
    }
}

fn observed(github: &Scripted) -> (GithubApp, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    (GithubApp::new(config(github).with_observer(notes.clone())).unwrap(), notes)
}

#[tokio::test]
async fn every_request_is_told_and_one_signature_for_all_of_them() {
    let github = Scripted::start(usual(|_| None)).await;
    let (app, notes) = observed(&github);
    app.app().await.unwrap();
    app.installation(installation_id()).await.unwrap();
    app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
    app.check_visitor(&code(), installation_id()).await.unwrap();
    let called = notes.called.lock().unwrap().clone();
    assert_eq!(called.len(), github.seen().len());
    assert!(called.iter().all(|(_, outcome)| *outcome == Outcome::Ok), "{called:?}");
    for operation in [
        Operation::App,
        Operation::Installation,
        Operation::Mint,
        Operation::ExchangeCode,
        Operation::Visitor,
        Operation::VisitorsInstallations,
        Operation::VisitorsMembership,
        Operation::RevokeVisitorsToken,
    ] {
        assert!(called.iter().any(|(told, _)| *told == operation), "{operation:?} in {called:?}");
    }
    assert_eq!(*notes.signed.lock().unwrap(), 1);
}

#[tokio::test]
async fn trouble_is_told_by_its_kind_and_what_a_pause_holds_back_is_no_request() {
    let message = |message: &str| json!({ "message": message });
    for (status, message, outcome) in [
        (401, message("Bad credentials"), Outcome::Unauthorized),
        (403, message("Resource not accessible by integration"), Outcome::Denied),
        (403, message("This installation has been suspended"), Outcome::Suspended),
        (429, message("slow down"), Outcome::Limited),
        (422, message("Validation Failed"), Outcome::Unprocessable),
        (502, message("bad gateway"), Outcome::ServerError),
        (301, message("moved"), Outcome::NotGithubs),
        (418, message("teapot"), Outcome::Unforeseen),
    ] {
        let github = Scripted::start(move |_| Reply::json(status, &message)).await;
        let (app, notes) = observed(&github);
        for _ in 0..2 {
            app.app().await.unwrap_err();
        }
        let requests = github.seen().len();
        let called = notes.called.lock().unwrap().clone();
        assert_eq!(called, vec![(Operation::App, outcome); requests], "{status}");
        assert_eq!(requests, if outcome == Outcome::Limited { 1 } else { 2 }, "{status}");
    }
}
