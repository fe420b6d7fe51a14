//! Custom signers: single flight, failures and timeouts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{AppId, PortError, PortErrorKind};
use dockline_github::{GithubApp, GithubAppConfig, LocalSigner, PublicKey, Signature, Signer, SignerError};
use tokio::sync::Semaphore;

use crate::fixtures::{APP, PKCS1, clock, gateway, usual};
use crate::scripted::Scripted;

#[derive(Debug)]
enum Behavior {
    Sign,
    Fail(SignerError),
    Hang,
}

/// Counts its calls; each call waits for a permit.
#[derive(Debug)]
struct TestSigner {
    key: LocalSigner,
    behavior: Behavior,
    calls: AtomicUsize,
    gate: Semaphore,
}

impl TestSigner {
    fn new(behavior: Behavior) -> Arc<Self> {
        let key = LocalSigner::from_pem(&PKCS1.into()).unwrap();
        Arc::new(Self { key, behavior, calls: AtomicUsize::new(0), gate: Semaphore::new(0) })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Signer for TestSigner {
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        match &self.behavior {
            Behavior::Sign => self.key.sign(message).await,
            Behavior::Fail(error) => Err(error.clone()),
            Behavior::Hang => std::future::pending().await,
        }
    }
}

fn config(github: &Scripted, signer: &Arc<TestSigner>) -> GithubAppConfig {
    let signer: Arc<dyn Signer> = Arc::clone(signer) as _;
    GithubAppConfig::signed_by(AppId::new(APP).unwrap(), "acme-dock", signer)
        .with_host(github.host())
        .with_clock(clock())
}

fn cause(error: &PortError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Starts sixteen calls and lets them run until all of them wait.
async fn sixteen(app: &GithubApp) -> Vec<tokio::task::JoinHandle<Result<(), PortError>>> {
    let call = |app: GithubApp| async move { app.app().await.map(drop) };
    let calls: Vec<_> = (0..16).map(|_| tokio::spawn(call(app.clone()))).collect();
    // On one thread, each call then waits for the signer.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    calls
}

#[tokio::test]
async fn concurrent_calls_share_one_signature_equal_to_that_of_the_local_key() {
    let github = Scripted::start(usual(|_| None)).await;
    let signer = TestSigner::new(Behavior::Sign);
    let public = PublicKey::from_pem(include_str!("../../keys/rsa-2048-public.pem")).unwrap();
    let app = GithubApp::new(config(&github, &signer).with_public_key(public)).unwrap();
    let calls = sixteen(&app).await;
    assert_eq!((signer.calls(), github.seen().len()), (1, 0));
    signer.gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(signer.calls(), 1);
    let bearers: Vec<String> = github.seen().iter().map(|seen| seen.bearer().to_owned()).collect();
    assert!(bearers.windows(2).all(|pair| pair[0] == pair[1]));

    let local = Scripted::start(usual(|_| None)).await;
    let issuer = dockline_github::Issuer::AppId;
    let config = GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", PKCS1.into());
    let config = config.with_host(local.host()).with_clock(clock()).with_issuer(issuer);
    GithubApp::new(config).unwrap().app().await.unwrap();
    assert_eq!(local.seen()[0].bearer(), bearers[0]);
}

#[tokio::test]
async fn concurrent_calls_share_an_error_and_the_next_call_signs_again() {
    let github = Scripted::start(usual(|_| None)).await;
    for (error, kind) in [
        (SignerError::Unavailable("no route to it".to_owned()), PortErrorKind::Unavailable),
        (SignerError::Broken("no such key".to_owned()), PortErrorKind::Rejected),
    ] {
        let signer = TestSigner::new(Behavior::Fail(error.clone()));
        let app = GithubApp::new(config(&github, &signer)).unwrap();
        let calls = sixteen(&app).await;
        signer.gate.add_permits(1);
        for call in calls {
            let refused = call.await.unwrap().unwrap_err();
            assert_eq!(refused.kind(), kind);
            assert!(cause(&refused).contains(&error.to_string()), "{}", cause(&refused));
        }
        assert_eq!(signer.calls(), 1);
        signer.gate.add_permits(1);
        app.app().await.unwrap_err();
        assert_eq!(signer.calls(), 2);
    }
    assert_eq!(github.lines(), [""; 0]);
}

#[tokio::test]
async fn a_hanging_signer_times_out_once_for_all_waiting_calls() {
    let github = Scripted::start(usual(|_| None)).await;
    let signer = TestSigner::new(Behavior::Hang);
    signer.gate.add_permits(1);
    let config = config(&github, &signer).with_signing_timeout(Duration::from_millis(50));
    let app = GithubApp::new(config).unwrap();
    for call in sixteen(&app).await {
        let refused = call.await.unwrap().unwrap_err();
        assert_eq!(refused.kind(), PortErrorKind::Unavailable);
        assert!(cause(&refused).contains("did not answer within 50ms"), "{}", cause(&refused));
    }
    assert_eq!(signer.calls(), 1);
}

#[tokio::test]
async fn if_the_signing_call_is_cancelled_the_next_one_signs() {
    let github = Scripted::start(usual(|_| None)).await;
    let signer = TestSigner::new(Behavior::Sign);
    let app = GithubApp::new(config(&github, &signer)).unwrap();
    let mut calls = sixteen(&app).await;
    calls.remove(0).abort();
    signer.gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(signer.calls(), 2);
}

#[tokio::test]
async fn a_signature_by_another_key_is_rejected_before_it_is_sent() {
    let github = Scripted::start(usual(|_| None)).await;
    let signer = TestSigner::new(Behavior::Sign);
    signer.gate.add_permits(1);
    let other = include_str!("../../keys/other-public.pem");
    let config = config(&github, &signer).with_public_key(PublicKey::from_pem(other).unwrap());
    let refused = GithubApp::new(config).unwrap().app().await.unwrap_err();
    assert_eq!(refused.kind(), PortErrorKind::Rejected);
    assert!(cause(&refused).contains("does not match the public key"), "{}", cause(&refused));
    assert_eq!(github.lines(), [""; 0]);
    assert!(gateway(&github).app().await.is_ok());
}

#[test]
fn a_signature_has_the_length_of_a_key() {
    assert!(Signature::new(vec![0; 256]).is_ok() && Signature::new(vec![0; 512]).is_ok());
    for length in [0, 255, 1025] {
        assert!(matches!(Signature::new(vec![0; length]), Err(SignerError::Broken(_))), "{length}");
    }
    assert_eq!(format!("{:?}", Signature::new([1; 256]).unwrap()), "Signature(256 bytes)");
}
