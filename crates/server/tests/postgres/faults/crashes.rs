//! Kills of the server and crashes of PostgreSQL under load leave no partial binding, and repeated calls succeed (I4, I6,
//! I24).

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::api::{Answer, Backend};
use crate::cluster::{OwnCluster, recovered, restart_at_once};
use crate::schema::TestSchema;
use crate::server::{Github, Server};

const ORGANIZATIONS: usize = 24;
/// Kills of the server, and of the database.
const KILLS: usize = 4;

/// How the database crashes.
#[derive(Clone, Copy)]
enum Crash {
    /// Kills one backend; PostgreSQL then closes all connections and recovers.
    KilledBackend,
    /// `pg_ctl restart -m immediate`, followed by recovery.
    ImmediateRestart,
}

impl Crash {
    async fn happens(self, schema: &TestSchema) {
        match self {
            Self::KilledBackend => {
                let victim = "select coalesce(max(pid), 0)::bigint from pg_stat_activity \
                              where backend_type = 'client backend' and pid <> pg_backend_pid()";
                let pid = loop {
                    match schema.number(victim).await {
                        0 => tokio::task::yield_now().await,
                        pid => break pid,
                    }
                };
                assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
            }
            Self::ImmediateRestart => restart_at_once(schema).await,
        }
        recovered(schema).await;
    }
}

/// The state that all backends share.
struct Load {
    api: String,
    github: Github,
    over: AtomicBool,
    /// Number of bindings that were made, repeated and released.
    cycles: AtomicUsize,
    /// Number of calls that failed because of a kill or a crash.
    troubled: AtomicUsize,
}

impl Load {
    /// Repeats a call until it gets a response other than 503.
    async fn insist<T, C: Future<Output = Option<T>>>(&self, call: impl Fn() -> C) -> T {
        loop {
            if let Some(answer) = call().await {
                return answer;
            }
            self.troubled.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Registers, repeats the registration and detaches, with a new installation each time. Returns with a binding.
    async fn keep_binding(&self, backend: Backend, number: usize) -> (Backend, u64, String, String) {
        let settled = |answer: Option<Answer>| answer.filter(|answer| answer.status != 503);
        for round in 0.. {
            let installation = self.github.install(&format!("account-{number}-{round}"));
            let state = self.insist(|| backend.try_state(&self.api)).await;
            let register = || async { settled(backend.register(&self.api, installation, &state).await) };
            let first = self.insist(register).await;
            assert_eq!(first.status, 201, "{}", first.body);
            let again = self.insist(register).await;
            assert_eq!((again.status, &again.body), (201, &first.body), "registeredAt is for life");
            if self.over.load(Ordering::Relaxed) {
                return (backend, installation, state, first.body);
            }
            let gone = self.insist(|| async { settled(backend.detach(&self.api).await) }).await;
            // 404 is the response to a repetition if the first response was lost.
            assert!(matches!(gone.status, 204 | 404), "{}", gone.body);
            self.cycles.fetch_add(1, Ordering::Relaxed);
        }
        unreachable!("the rounds do not end")
    }

    /// Waits until calls succeed again.
    async fn progress(&self) {
        let aim = self.cycles.load(Ordering::Relaxed) + ORGANIZATIONS;
        while self.cycles.load(Ordering::Relaxed) < aim {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_server_and_database_leave_no_partial_binding() {
    let cluster = OwnCluster::start();
    let schema = TestSchema::of(cluster.url());
    // The test cluster turns this off; PostgreSQL's default is on.
    schema.execute("alter database postgres set synchronous_commit = on").await;
    schema.migrate().await;
    let github = Github::start(&schema).await;
    let mut server = Server::start(&schema, &github, "127.0.0.1:0");
    let load = Arc::new(Load {
        api: server.api.clone(),
        github,
        over: AtomicBool::new(false),
        cycles: AtomicUsize::new(0),
        troubled: AtomicUsize::new(0),
    });
    let mut backends = JoinSet::new();
    for number in 0..ORGANIZATIONS {
        let backend = Backend::new(schema.key(&format!("org_{number}")).await);
        let load = load.clone();
        backends.spawn(async move { load.keep_binding(backend, number).await });
    }
    let listen = load.api.strip_prefix("http://").unwrap();
    for kill in 0..KILLS {
        load.progress().await;
        let crash = if kill % 2 == 0 { Crash::KilledBackend } else { Crash::ImmediateRestart };
        crash.happens(&schema).await;
        load.progress().await;
        server.kill();
        server = Server::start(&schema, &load.github, listen);
    }
    load.progress().await;
    load.over.store(true, Ordering::Relaxed);
    while let Some(ended) = backends.join_next().await {
        let (backend, installation, state, body) = ended.unwrap();
        let again = backend.register(&load.api, installation, &state).await.unwrap();
        assert_eq!((again.status, again.body), (201, body));
    }
    let (cycles, troubled) = (&load.cycles, &load.troubled);
    println!("{cycles:?} bindings made and released, {troubled:?} calls repeated, {KILLS} kills of each");
    assert!(troubled.load(Ordering::Relaxed) > 0, "no call noticed a kill");

    let all = i64::try_from(ORGANIZATIONS).unwrap();
    let live = "select count(*) from $schema.bindings where released_at is null";
    assert_eq!(schema.number(live).await, all);
    let held = "select count(*) from $schema.installations where organization is not null";
    assert_eq!(schema.number(held).await, all);
    let whole = "select count(*) from $schema.bindings b join $schema.installations i \
                 on i.installation_id = b.installation_id and i.organization = b.organization \
                 where b.released_at is null";
    assert_eq!(schema.number(whole).await, all, "both rows or none");
}
