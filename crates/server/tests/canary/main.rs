//! Known secrets pass through every path of the service, and appear in no log, metric, trace or response, in any encoding.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod breakage;
mod github;
#[path = "../support/http_client.rs"]
mod http_client;
mod needles;
mod program;
mod refusals;
mod walks;
mod watch;
mod world;

use dockline_github_sim::{GithubSim, NewApp};
use secrecy::ExposeSecret;

use crate::github::{Github, Mode};
use crate::watch::Watch;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_appears_in_any_output_on_any_path() {
    let watch = Watch::begin();
    walks::guard_constants(&watch);
    // Only for its keys; the test has its own GitHub.
    let app = NewApp::new("acme-dock", "https://api.example.com/v1/github/installation/callback");
    let pem = GithubSim::default().create_app(app).unwrap().private_key_pem;
    for line in pem.expose_secret().lines().filter(|line| line.len() > 60) {
        watch.guard("the App's private key", line);
    }
    let github = Github::start().await;

    for stateless in [false, true] {
        github.set(Mode::Well { stateless });
        let world = World::start(&watch, &github, &pem, |ports| ports).await;
        let kind = if stateless { "tokens of the new format" } else { "tokens of the old format" };
        let (key, state) = walks::success(&world, &format!("org_acme_{stateless}"), kind).await;
        refusals::refusals(&world, &key, &state).await;
        refusals::raw(&world, &key).await;
        walks::webhooks(&world, &key, kind).await;
        walks::detach(&world, &key).await;
    }
    let mut modes = vec![Mode::Mixed, Mode::Html, Mode::Huge, Mode::Never];
    modes.extend(
        [201, 204, 301, 307, 400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503].map(Mode::Repeats),
    );
    for (number, mode) in modes.into_iter().enumerate() {
        // A new world each, because a requested pause would delay the next.
        let world = World::start(&watch, &github, &pem, |ports| ports).await;
        walks::trouble(&world, &github, mode, number).await;
    }
    github.set(Mode::Well { stateless: true });
    breakage::stores(&watch, &github, &pem).await;
    breakage::panics(&watch, &github, &pem).await;
    for jwt in github.jwts() {
        // The other parts are the App id and the time.
        let signature = jwt.rsplit('.').next().unwrap();
        watch.guard("the signature of the App's JWT", signature);
    }
    assert!(!github.jwts().is_empty());

    let leaks = watch.leaks();
    // Printed, because a panic's message goes to the log.
    for leak in &leaks {
        println!("{leak}");
    }
    assert!(leaks.is_empty(), "there are leaks");
    // Each source has been searched.
    for expected in
        ["a handler panicked", "a thread panicked", "visitor turned away", "delivery refused", "port{"]
    {
        assert!(watch.log().contains(expected), "{expected}");
    }
    for span in ["request{", "port{", "github{"] {
        assert!(watch.spans().contains(span), "{span}");
    }
    for (path, statuses) in watch.paths() {
        println!("{path}: {statuses:?}");
    }
}
