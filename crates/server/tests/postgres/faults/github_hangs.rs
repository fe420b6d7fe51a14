//! A node whose GitHub never answers.

use std::time::Duration;

use dockline_github_sim::{Fault, FaultRule};
use tokio::task::JoinSet;

use crate::api::Backend;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

/// The registrations of one organization that may wait for GitHub.
const MOST_PER_ORGANIZATION: usize = 128;

/// The most registrations of one organization.
const REGISTRATIONS: u64 = 300;

/// Only a failing test waits this long, less than a call to GitHub does.
const LONG: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_needs_no_github_is_answered_while_github_hangs_c51() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let installation = github.install("acme");
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let calm = Backend::new(schema.key("org_calm").await);
    let state = calm.state(&server.api).await;
    assert_eq!(calm.register(&server.api, installation, &state).await.unwrap().status, 201);

    github.sim.sim().set_fault(FaultRule::new(Fault::Hang));
    let eager = Backend::new(schema.key("org_eager").await);
    let eager_state = eager.state(&server.api).await;
    let mut registrations = JoinSet::new();
    for number in 0..REGISTRATIONS {
        let (eager, api, state) = (eager.clone(), server.api.clone(), eager_state.clone());
        let installation = 1_000_000 + number;
        registrations.spawn(async move { eager.register(&api, installation, &state).await.unwrap() });
    }
    for _ in MOST_PER_ORGANIZATION..usize::try_from(REGISTRATIONS).unwrap() {
        let refused = registrations.join_next().await.unwrap().unwrap();
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert_eq!(refused.json()["error"]["code"], "PLATFORM_ERROR");
    }

    let answered = async {
        let again = calm.register(&server.api, installation, &state).await.unwrap();
        assert_eq!(again.status, 201, "{}", again.body);
        assert_eq!(calm.inspect(&server.api).await.unwrap().status, 200);
        for probe in ["healthz", "readyz"] {
            let probed = loopback().get(format!("{}/{probe}", server.api)).send().await.unwrap();
            assert_eq!(probed.status().as_u16(), 200, "{probe}");
        }
    };
    tokio::time::timeout(LONG, answered).await.expect("answers while GitHub hangs");
    assert!(registrations.try_join_next().is_none(), "the registrations wait for GitHub");
}
