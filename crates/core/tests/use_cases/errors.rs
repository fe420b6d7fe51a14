//! The code and the text of each kind of infrastructure failure, and the issues of refusals.

use std::error::Error;
use std::time::Duration;

use dockline::{
    CallbackError, ChargeError, DetachError, EntropyFailed, ErrorCode, IssueCode, PortError, PortErrorKind,
    PortName, RefusalReason, RegisterError, RepositoriesError, StartInstallError, WebhookError,
};

fn failure(port: PortName, kind: PortErrorKind) -> PortError {
    PortError::new(port, kind, "the cause")
}

#[test]
fn causes_are_the_texts_of_all_sources_each_once_c57() {
    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Cause {
        text: &'static str,
        source: Option<Box<Cause>>,
    }
    let cause = |text, source: Option<Cause>| Cause { text, source: source.map(Box::new) };
    let root = || cause("no space left on device", None);
    for (source, expected) in [
        (root(), "no space left on device"),
        (cause("the pool failed", Some(root())), "the pool failed: no space left on device"),
        (
            cause("the pool failed", Some(cause("connecting failed", Some(root())))),
            "the pool failed: connecting failed: no space left on device",
        ),
        // A text that quotes its source.
        (cause("failed: no space left on device", Some(root())), "failed: no space left on device"),
    ] {
        let error = PortError::new(PortName::BindingRepo, PortErrorKind::Unavailable, source);
        assert_eq!(error.causes(), expected);
    }
}

#[test]
fn every_failure_has_the_code_of_its_port_and_kind() {
    use PortErrorKind as K;
    use PortName as P;
    let limited = K::RateLimited { retry_after: Duration::from_secs(9) };
    let stores = [
        P::KeyStore,
        P::StateStore,
        P::BindingRepo,
        P::RateLimiter,
        P::Entropy,
        P::DeliverySink,
        P::DeliveryStore,
        P::Outbox,
    ];
    for (kind, of_store, of_github) in [
        (K::Unavailable, ErrorCode::Unavailable, ErrorCode::PlatformError),
        (limited, ErrorCode::Unavailable, ErrorCode::PlatformError),
        (K::Rejected, ErrorCode::Internal, ErrorCode::Internal),
        (K::Corrupt, ErrorCode::Internal, ErrorCode::PlatformError),
        (K::Unexpected, ErrorCode::Internal, ErrorCode::PlatformError),
    ] {
        for port in stores {
            assert_eq!(failure(port, kind).code(), of_store, "{port:?} {kind:?}");
        }
        let error = failure(P::GithubGateway, kind);
        assert_eq!(error.code(), of_github, "{kind:?}");
        // Each use case passes the code on.
        assert_eq!(StartInstallError::from(error.clone()).code(), of_github);
        assert_eq!(CallbackError::Port { error: error.clone(), ways_out: Box::default() }.code(), of_github);
        assert_eq!(RegisterError::from(error.clone()).code(), of_github);
        assert_eq!(DetachError::from(error.clone()).code(), of_github);
        assert_eq!(ChargeError::from(error.clone()).code(), of_github);
        assert_eq!(RepositoriesError::from(error.clone()).code(), of_github);
        assert_eq!(WebhookError::from(error).code(), of_github);
    }
    let retryable: Vec<_> = ErrorCode::ALL.iter().filter(|code| code.is_retryable()).collect();
    assert_eq!(retryable, [&ErrorCode::RateLimited, &ErrorCode::PlatformError, &ErrorCode::Unavailable]);
}

#[test]
fn the_text_of_a_failure_names_port_and_kind_and_its_source_the_cause() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(9) };
    for (port, kind, text) in [
        (PortName::KeyStore, PortErrorKind::Unavailable, "the key store is unavailable"),
        (PortName::Admission, PortErrorKind::Overloaded, "too many calls wait for the admission"),
        (PortName::StateStore, PortErrorKind::Corrupt, "the state store returned malformed data"),
        (PortName::BindingRepo, PortErrorKind::Unexpected, "the binding repository failed unexpectedly"),
        (PortName::GithubGateway, PortErrorKind::Rejected, "the GitHub gateway rejects our credential"),
        (PortName::RateLimiter, limited, "the rate limiter limits our requests for 9 s"),
        (PortName::Entropy, PortErrorKind::Unexpected, "the source of randomness failed unexpectedly"),
        (PortName::DeliverySink, PortErrorKind::Unavailable, "the delivery sink is unavailable"),
        (PortName::DeliveryStore, PortErrorKind::Unavailable, "the delivery store is unavailable"),
        (PortName::Outbox, PortErrorKind::Unavailable, "the outbox is unavailable"),
    ] {
        let error = failure(port, kind);
        assert_eq!(error.to_string(), text);
        assert_eq!(error.source().unwrap().to_string(), "the cause");
        assert_eq!((error.port(), error.kind()), (port, kind));
    }
    let entropy = PortError::from(EntropyFailed);
    assert_eq!((entropy.port(), entropy.kind()), (PortName::Entropy, PortErrorKind::Unexpected));
}

#[test]
fn a_refusal_about_the_state_names_the_state_and_any_other_the_installation() {
    for reason in RefusalReason::ALL {
        let issue = reason.issue();
        let (path, code) = match reason {
            RefusalReason::UnknownState => ("state", IssueCode::NotClaimable),
            RefusalReason::ExpiredState => ("state", IssueCode::Expired),
            _ => ("installationId", IssueCode::NotClaimable),
        };
        assert_eq!((issue.path.as_ref(), issue.code), (path, code), "{reason}");
    }
}

#[test]
fn the_source_of_a_failure_is_the_adapters_own_error() {
    let error = PortError::new(PortName::Entropy, PortErrorKind::Unexpected, EntropyFailed).clone();
    let source = error.source().and_then(|source| source.downcast_ref::<EntropyFailed>());
    assert_eq!(source, Some(&EntropyFailed));
}
