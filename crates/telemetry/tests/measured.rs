//! What calls and events leave behind in a recorder.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use dockline::ports::{BindingRepo, Event, Events, GithubGateway, KeyStore, MockGithubGateway, StateStore};
use dockline::{
    InstallationId, KeyId, OrganizationId, PortError, PortErrorKind, PortName, Proof, RefusalReason, State,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryStateStore};
use dockline_telemetry::{
    EVENTS, EventCounters, FanOut, Metered, PORT_CALL_DURATION, TOKENS_MINTED, describe,
};
use dockline_testkit::faults::{Fault, Faulty};
use metrics_exporter_prometheus::PrometheusBuilder;

/// What a recorder of our own shows after `doing`.
fn shown(doing: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, doing);
    handle.render()
}

fn count(port: &str, method: &str, outcome: &str) -> String {
    format!("{PORT_CALL_DURATION}_count{{port=\"{port}\",method=\"{method}\",outcome=\"{outcome}\"}}")
}

fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

#[test]
fn calls_are_told_by_port_method_and_outcome() {
    let faulty = Arc::new(Faulty::over(Arc::new(MemoryKeyStore::new()) as Arc<dyn KeyStore>));
    let kinds = [
        ("unavailable", PortErrorKind::Unavailable),
        ("rate_limited", PortErrorKind::RateLimited { retry_after: Duration::from_secs(7) }),
        ("rejected", PortErrorKind::Rejected),
        ("corrupt", PortErrorKind::Corrupt),
        ("unexpected", PortErrorKind::Unexpected),
    ];
    for (_, kind) in kinds {
        faulty.set(Fault::FailsAs(kind).once());
    }
    let keys = Metered::over(faulty);
    let id = KeyId::parse("0123456789ABCDEF").unwrap();
    let text = shown(|| {
        for _ in 0..7 {
            let _ = pollster::block_on(keys.find(&id));
        }
    });
    for (outcome, _) in kinds {
        assert!(text.contains(&format!("{} 1", count("key_store", "find", outcome))), "{outcome}\n{text}");
    }
    assert!(text.contains(&format!("{} 2", count("key_store", "find", "ok"))), "{text}");
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_seen_and_so_is_one_that_panics() {
    let mut hanging = MockGithubGateway::new();
    hanging.expect_installation().returning(|_| panic!("a gateway with a bug"));
    let panicking = Metered::over(Arc::new(hanging));
    let text = shown(|| {
        let call = std::panic::AssertUnwindSafe(|| {
            pollster::block_on(panicking.installation(installation(7))).map(drop)
        });
        assert!(std::panic::catch_unwind(call).is_err());
    });
    assert!(text.contains(&count("github_gateway", "installation", "panicked")), "{text}");

    /// Never answers.
    #[derive(Debug)]
    struct Hanging;

    #[async_trait::async_trait]
    impl KeyStore for Hanging {
        async fn find(&self, _: &KeyId) -> Result<Option<dockline::KeyRecord>, PortError> {
            std::future::pending().await
        }
    }

    let keys = Metered::over(Arc::new(Hanging));
    let text = shown(|| {
        let id = KeyId::parse("0123456789ABCDEF").unwrap();
        let mut call = keys.find(&id);
        pollster::block_on(poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            Poll::Ready(())
        }));
        drop(call);
    });
    assert!(text.contains(&count("key_store", "find", "dropped")), "{text}");
}

#[test]
fn answers_pass_unchanged() {
    let github = MockGithubGateway::new();
    let (metered, organization) = (MemoryBindingRepo::new(), OrganizationId::new("org_a").unwrap());
    let bindings = Metered::over(Arc::new(metered.clone()));
    let inserted = pollster::block_on(bindings.insert(dockline_testkit::fixtures::binding())).unwrap();
    let dockline::ports::InsertOutcome::Inserted(inserted) = inserted else { panic!("{inserted:?}") };
    assert_eq!(pollster::block_on(metered.find(&inserted.organization)).unwrap(), Some(inserted));
    assert_eq!(pollster::block_on(bindings.find(&organization)).unwrap(), None);
    let mut github = github;
    github.expect_app().returning(|| {
        Err(PortError::new(PortName::GithubGateway, PortErrorKind::Rejected, "as the test asked for"))
    });
    let error = pollster::block_on(Metered::over(Arc::new(github)).app()).unwrap_err();
    assert_eq!((error.port(), error.kind()), (PortName::GithubGateway, PortErrorKind::Rejected));
}

#[test]
fn ten_thousand_organizations_and_installations_are_no_series_of_their_own() {
    let states = Metered::over(Arc::new(MemoryStateStore::new()));
    let bindings = Metered::over(Arc::new(MemoryBindingRepo::new()));
    let run = |many: u64| {
        shown(|| {
            for number in 1..=many {
                let organization = OrganizationId::new(format!("org_{number}")).unwrap();
                let digest = State::parse(format!("state-{number}")).unwrap().digest();
                pollster::block_on(states.find(&organization, &digest)).unwrap();
                pollster::block_on(bindings.installation(installation(number))).unwrap();
                EventCounters.record(&Event::Renamed {
                    organization: Some(organization.clone()),
                    installation: installation(number),
                    from: format!("login-{number}"),
                    to: format!("login-{}", number + 1),
                });
                EventCounters.record(&Event::Replayed {
                    organization,
                    actor: "user:ann".parse().unwrap(),
                    installation: installation(number),
                });
            }
        })
        .lines()
        .count()
    };
    assert_eq!(run(10_000), run(1));
}

#[test]
fn events_are_counted_by_kind_and_reason_and_told_to_all() {
    let organization = OrganizationId::new("org_a").unwrap();
    let memory = dockline_memory::MemoryEvents::new(10);
    let all = FanOut::to([Arc::new(memory.clone()) as Arc<dyn Events>, Arc::new(EventCounters)]);
    let refused = |reason| Event::Refused {
        organization: organization.clone(),
        actor: "user:ann".parse().unwrap(),
        installation: installation(7),
        reason,
    };
    let registered = Event::Registered {
        organization: organization.clone(),
        actor: "user:ann".parse().unwrap(),
        installation: installation(7),
        proof: Proof::Administered,
    };
    let minted = |narrowed| Event::TokenMinted {
        organization: organization.clone(),
        installation: installation(7),
        narrowed,
    };
    let text = shown(|| {
        describe();
        all.record(&refused(RefusalReason::Taken));
        all.record(&refused(RefusalReason::Taken));
        all.record(&refused(RefusalReason::ExpiredState));
        all.record(&registered);
        all.record(&minted(true));
        all.record(&Event::Suspended { organization: None, installation: installation(7) });
    });
    for line in [
        format!("{EVENTS}{{event=\"refused\",detail=\"taken\"}} 2"),
        format!("{EVENTS}{{event=\"refused\",detail=\"{}\"}} 1", RefusalReason::ExpiredState.as_str()),
        format!("{EVENTS}{{event=\"registered\",detail=\"administered\"}} 1"),
        format!("{EVENTS}{{event=\"suspended\",detail=\"none\"}} 1"),
        format!("{TOKENS_MINTED}{{narrowed=\"true\"}} 1"),
        format!("# TYPE {EVENTS} counter"),
        format!("# HELP {TOKENS_MINTED} Installation tokens that GitHub gave."),
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert!(!text.contains("org_a") && !text.contains("0123456789ABCDEF"), "{text}");
    assert_eq!(memory.recorded().len(), 6);
}
