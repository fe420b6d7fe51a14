//! Another signer than the private key itself, and what its trouble does to those who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{AppId, PortError, PortErrorKind};
use dockline_github::{GithubApp, GithubAppConfig, LocalSigner, PublicKey, Signature, Signer, SignerError};
use tokio::sync::Semaphore;

use crate::scripted::Scripted;
use crate::setting::{APP, PKCS1, clock, gateway, usual};

#[derive(Debug)]
enum Does {
    Sign,
    Fail(SignerError),
    Hang,
}

/// Counts how often it is asked, and answers once for each permit.
#[derive(Debug)]
struct Scribe {
    key: LocalSigner,
    does: Does,
    asked: AtomicUsize,
    gate: Semaphore,
}

impl Scribe {
    fn new(does: Does) -> Arc<Self> {
        let key = LocalSigner::from_pem(&PKCS1.into()).unwrap();
        Arc::new(Self { key, does, asked: AtomicUsize::new(0), gate: Semaphore::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Signer for Scribe {
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        match &self.does {
            Does::Sign => self.key.sign(message).await,
            Does::Fail(error) => Err(error.clone()),
            Does::Hang => std::future::pending().await,
        }
    }
}

fn config(github: &Scripted, signer: &Arc<Scribe>) -> GithubAppConfig {
    let signer: Arc<dyn Signer> = Arc::clone(signer) as _;
    GithubAppConfig::signed_by(AppId::new(APP).unwrap(), "acme-dock", signer)
        .with_host(github.host())
        .with_clock(clock())
}

fn told(error: &PortError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Starts sixteen calls and lets them run until all wait.
async fn sixteen(app: &GithubApp) -> Vec<tokio::task::JoinHandle<Result<(), PortError>>> {
    let call = |app: GithubApp| async move { app.app().await.map(drop) };
    let calls: Vec<_> = (0..16).map(|_| tokio::spawn(call(app.clone()))).collect();
    // One thread, and nothing else to wait for: each has come as far as it comes.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    calls
}

#[tokio::test]
async fn many_callers_wait_for_one_signature_and_it_is_the_keys_own() {
    let github = Scripted::start(usual(|_| None)).await;
    let scribe = Scribe::new(Does::Sign);
    let public = PublicKey::from_pem(include_str!("../keys/rsa-2048-public.pem")).unwrap();
    let app = GithubApp::new(config(&github, &scribe).with_public_key(public)).unwrap();
    let calls = sixteen(&app).await;
    assert_eq!((scribe.asked(), github.seen().len()), (1, 0));
    scribe.gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(scribe.asked(), 1);
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
async fn all_who_wait_share_a_failure_and_the_next_one_asks_again() {
    let github = Scripted::start(usual(|_| None)).await;
    for (error, kind) in [
        (SignerError::Unavailable("no route to it".to_owned()), PortErrorKind::Unavailable),
        (SignerError::Broken("no such key".to_owned()), PortErrorKind::Rejected),
    ] {
        let scribe = Scribe::new(Does::Fail(error.clone()));
        let app = GithubApp::new(config(&github, &scribe)).unwrap();
        let calls = sixteen(&app).await;
        scribe.gate.add_permits(1);
        for call in calls {
            let refused = call.await.unwrap().unwrap_err();
            assert_eq!(refused.kind(), kind);
            assert!(told(&refused).contains(&error.to_string()), "{}", told(&refused));
        }
        assert_eq!(scribe.asked(), 1);
        scribe.gate.add_permits(1);
        app.app().await.unwrap_err();
        assert_eq!(scribe.asked(), 2);
    }
    assert_eq!(github.lines(), [""; 0]);
}

#[tokio::test]
async fn one_that_hangs_is_given_up_once_for_all() {
    let github = Scripted::start(usual(|_| None)).await;
    let scribe = Scribe::new(Does::Hang);
    scribe.gate.add_permits(1);
    let config = config(&github, &scribe).with_signing_timeout(Duration::from_millis(50));
    let app = GithubApp::new(config).unwrap();
    for call in sixteen(&app).await {
        let refused = call.await.unwrap().unwrap_err();
        assert_eq!(refused.kind(), PortErrorKind::Unavailable);
        assert!(told(&refused).contains("did not answer within 50ms"), "{}", told(&refused));
    }
    assert_eq!(scribe.asked(), 1);
}

#[tokio::test]
async fn where_the_asking_caller_goes_another_asks() {
    let github = Scripted::start(usual(|_| None)).await;
    let scribe = Scribe::new(Does::Sign);
    let app = GithubApp::new(config(&github, &scribe)).unwrap();
    let mut calls = sixteen(&app).await;
    calls.remove(0).abort();
    scribe.gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(scribe.asked(), 2);
}

#[tokio::test]
async fn a_signature_of_another_key_is_told_before_github_sees_it() {
    let github = Scripted::start(usual(|_| None)).await;
    let scribe = Scribe::new(Does::Sign);
    scribe.gate.add_permits(1);
    let other = include_str!("../keys/other-public.pem");
    let config = config(&github, &scribe).with_public_key(PublicKey::from_pem(other).unwrap());
    let refused = GithubApp::new(config).unwrap().app().await.unwrap_err();
    assert_eq!(refused.kind(), PortErrorKind::Rejected);
    assert!(told(&refused).contains("does not fit the public key"), "{}", told(&refused));
    assert_eq!(github.lines(), [""; 0]);
    assert!(gateway(&github).app().await.is_ok());
}

#[test]
fn a_signature_has_a_keys_length() {
    assert!(Signature::new(vec![0; 256]).is_ok() && Signature::new(vec![0; 512]).is_ok());
    for length in [0, 255, 1025] {
        assert!(matches!(Signature::new(vec![0; length]), Err(SignerError::Broken(_))), "{length}");
    }
    assert_eq!(format!("{:?}", Signature::new([1; 256]).unwrap()), "Signature(256 bytes)");
}
