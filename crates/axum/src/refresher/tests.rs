use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck,
};
use dockline::{AccountId, AppId, AuthorizationCode, InstallationToken, PortName, Ports, TokenScope};
use dockline_memory::{MemoryBindingRepo, MemoryStateStore};
use tokio::sync::Semaphore;

use super::*;

/// A GitHub that answers as it is told, and writes down when it was asked about what.
#[derive(Debug)]
struct Scripted {
    begun: Instant,
    asked: Mutex<Vec<(u64, Duration)>>,
    answers: Mutex<HashMap<u64, VecDeque<PortErrorKind>>>,
    /// Answers are given while there are permits.
    gate: Semaphore,
}

#[async_trait]
impl GithubGateway for Scripted {
    fn registration(&self) -> AppRegistration {
        AppRegistration { app: AppId::new(1).unwrap(), install_page: String::new(), authorize_page: None }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        unreachable!()
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        self.asked.lock().unwrap().push((id.get(), self.begun.elapsed()));
        self.gate.acquire().await.unwrap().forget();
        let failure = self.answers.lock().unwrap().get_mut(&id.get()).and_then(VecDeque::pop_front);
        match failure {
            Some(PortErrorKind::Corrupt) => panic!("a gateway with a bug"),
            Some(kind) => Err(PortError::new(PortName::GithubGateway, kind, "as the test asked for")),
            None => Ok(LookupOutcome::Missing),
        }
    }

    async fn check_visitor(
        &self,
        _: &AuthorizationCode,
        _: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        unreachable!()
    }

    async fn uninstall(&self, _: InstallationId) -> Result<UninstallOutcome, PortError> {
        unreachable!()
    }

    async fn mint(&self, _: InstallationId, _: &TokenScope) -> Result<MintOutcome, PortError> {
        unreachable!()
    }

    async fn revoke(&self, _: &InstallationToken) -> Result<(), PortError> {
        unreachable!()
    }

    async fn repositories(&self, _: &InstallationToken, _: u32) -> Result<ListOutcome, PortError> {
        unreachable!()
    }

    async fn installer(&self, _: InstallationId) -> Result<Option<AccountId>, PortError> {
        unreachable!()
    }

    fn rate_left(&self) -> Option<RateLeft> {
        None
    }
}

impl Scripted {
    fn asked(&self) -> Vec<(u64, u64)> {
        self.asked.lock().unwrap().iter().map(|(id, at)| (*id, at.as_secs())).collect()
    }
}

struct Scene {
    github: Arc<Scripted>,
    refresher: Refresher,
    worker: tokio::task::JoinHandle<()>,
}

fn scene(options: RefreshOptions, answers: &[(u64, &[PortErrorKind])]) -> Scene {
    let answers = answers.iter().map(|(id, kinds)| (*id, kinds.iter().copied().collect())).collect();
    let github = Arc::new(Scripted {
        begun: Instant::now(),
        asked: Mutex::default(),
        answers: Mutex::new(answers),
        gate: Semaphore::new(1_000),
    });
    let ports = Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(MemoryBindingRepo::new()),
        github: Arc::clone(&github) as Arc<dyn GithubGateway>,
    };
    let dockline = Dockline::builder(ports).with_policy(dockline::ClaimPolicy::State).build().unwrap();
    let (refresher, work) = Refresher::new(dockline, options);
    Scene { github, refresher, worker: tokio::spawn(work) }
}

impl Scene {
    fn hint(&self, installation: u64) {
        self.refresher.hint(InstallationId::new(installation).unwrap());
    }

    /// Holds GitHub's answers back from now on.
    fn hold(&self) {
        self.github.gate.forget_permits(usize::MAX);
    }

    async fn until_asked(&self, times: usize) {
        while self.github.asked().len() < times {
            tokio::task::yield_now().await;
        }
    }
}

const DOWN: PortErrorKind = PortErrorKind::Unavailable;

#[tokio::test(start_paused = true)]
async fn failures_are_asked_about_again_after_growing_pauses_and_then_given_up() {
    let scene = scene(RefreshOptions::default(), &[(1, &[DOWN; 9]), (2, &[DOWN, PortErrorKind::Rejected])]);
    scene.hint(1);
    scene.hint(2);
    scene.refresher.idle().await;
    let asked = scene.github.asked();
    let times = |id| asked.iter().filter(|(asked, _)| *asked == id).map(|(_, at)| *at).collect::<Vec<_>>();
    assert_eq!(times(1), [0, 1, 5, 21, 85]);
    assert_eq!(times(2), [0, 1, 5]);
    // What is hinted at anew gets all attempts again.
    scene.hint(1);
    scene.refresher.idle().await;
    assert_eq!(scene.github.asked().len(), 13);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_before_the_time_that_github_named_i_19() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(300) };
    let scene = scene(RefreshOptions::default().with_workers(1), &[(1, &[limited])]);
    scene.hint(1);
    scene.until_asked(1).await;
    scene.hint(2);
    scene.refresher.idle().await;
    let mut asked = scene.github.asked();
    asked.sort_unstable();
    assert_eq!(asked, [(1, 0), (1, 300), (2, 300)]);
}

#[tokio::test(start_paused = true)]
async fn an_installation_waits_once_and_is_asked_about_again_for_a_hint_that_came_meanwhile() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.hold();
    scene.hint(1);
    scene.until_asked(1).await;
    for _ in 0..1_000 {
        scene.hint(1);
    }
    assert_eq!(scene.refresher.open(), 2, "the one that is being asked about, and one that waits");
    scene.github.gate.add_permits(10);
    scene.refresher.idle().await;
    assert_eq!(scene.github.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_and_what_fits_is_asked_by_so_many_workers_at_a_time() {
    let scene = scene(RefreshOptions::default().with_capacity(50).with_workers(3), &[]);
    scene.hold();
    for installation in 1..=3 {
        scene.hint(installation);
    }
    scene.until_asked(3).await;
    for installation in 4..=100 {
        scene.hint(installation);
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((scene.github.asked().len(), scene.refresher.open()), (3, 53));
    scene.github.gate.add_permits(100);
    scene.refresher.idle().await;
    assert_eq!(scene.github.asked().len(), 53);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_port_does_not_end_the_work() {
    let scene = scene(RefreshOptions::default().with_workers(1), &[(1, &[PortErrorKind::Corrupt])]);
    scene.hint(1);
    scene.hint(2);
    scene.refresher.idle().await;
    assert_eq!(scene.github.asked(), [(1, 0), (2, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_waits_and_what_may_be_repeated_in_time() {
    let scene = scene(RefreshOptions::default(), &[(1, &[DOWN]), (2, &[DOWN; 9])]);
    for installation in 1..=20 {
        scene.hint(installation);
    }
    let begun = Instant::now();
    // 2 fails at 0, 1 and 5, and would be asked about again at 21.
    assert_eq!(scene.refresher.drain(Duration::from_secs(10)).await, 1);
    assert_eq!(begun.elapsed().as_secs(), 5, "it does not wait for what comes too late");
    scene.worker.await.unwrap();
    assert_eq!(scene.github.asked().len(), 20 + 3);
    scene.refresher.hint(InstallationId::new(1).unwrap());
    assert_eq!(scene.refresher.open(), 0, "nothing is taken any more");
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_bounded_while_github_hangs() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.hold();
    for installation in 1..=7 {
        scene.hint(installation);
    }
    assert_eq!(scene.refresher.drain(Duration::from_secs(10)).await, 7);
    scene.worker.await.unwrap();
    assert_eq!(scene.refresher.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_work_that_was_dropped() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.hold();
    scene.hint(1);
    scene.until_asked(1).await;
    scene.worker.abort();
    scene.refresher.idle().await;
    scene.hint(2);
    assert_eq!(scene.refresher.open(), 0);
}
