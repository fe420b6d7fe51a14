//! Metrics that calls and events record.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use dockline::ports::{
    BindingRepo, Event, Events, GithubGateway, KeyStore, MockGithubGateway, RateLeft, StateStore,
};
use dockline::{
    BindingCounts, InstallationId, KeyId, OrganizationId, PortError, PortErrorKind, PortName, Proof,
    RefusalReason, State,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryStateStore};
use dockline_telemetry::{
    EVENTS, EventCounters, FanOut, Metered, PORT_CALL_DURATION, PoolState, TOKENS_MINTED, describe_metrics,
    record_batches, record_bindings, record_github_call, record_jwt_signature, record_listener_rejection,
    record_pool, record_process, record_rate_left, record_token_cache_hits,
};
use dockline_testkit::faults::{Fault, Faulty};
use metrics_exporter_prometheus::PrometheusBuilder;
use time::OffsetDateTime;

/// Returns the exposition of a new recorder after `action`.
fn exposition_after(action: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, action);
    handle.render()
}

fn count(port: &str, method: &str, outcome: &str) -> String {
    format!("{PORT_CALL_DURATION}_count{{port=\"{port}\",method=\"{method}\",outcome=\"{outcome}\"}}")
}

fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

#[test]
fn calls_are_measured_by_port_method_and_outcome() {
    let faulty = Arc::new(Faulty::over(Arc::new(MemoryKeyStore::new()) as Arc<dyn KeyStore>));
    let kinds = [
        ("unavailable", PortErrorKind::Unavailable),
        ("rate_limited", PortErrorKind::RateLimited { retry_after: Duration::from_secs(7) }),
        ("overloaded", PortErrorKind::Overloaded),
        ("rejected", PortErrorKind::Rejected),
        ("corrupt", PortErrorKind::Corrupt),
        ("unexpected", PortErrorKind::Unexpected),
    ];
    for (_, kind) in kinds {
        faulty.set(Fault::FailsAs(kind).once());
    }
    let keys = Metered::over(faulty);
    let id = KeyId::parse("0123456789ABCDEF").unwrap();
    let text = exposition_after(|| {
        for _ in 0..8 {
            let _ = pollster::block_on(keys.find(&id));
        }
    });
    for (outcome, _) in kinds {
        assert!(text.contains(&format!("{} 1", count("key_store", "find", outcome))), "{outcome}\n{text}");
    }
    assert!(text.contains(&format!("{} 2", count("key_store", "find", "ok"))), "{text}");
}

#[test]
fn dropped_and_panicking_calls_are_measured() {
    let mut github = MockGithubGateway::new();
    github.expect_installation().returning(|_| panic!("a gateway with a bug"));
    let panicking = Metered::over(Arc::new(github));
    let text = exposition_after(|| {
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
    let text = exposition_after(|| {
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
fn results_pass_unchanged() {
    let (metered, organization) = (MemoryBindingRepo::new(), OrganizationId::new("org_a").unwrap());
    let bindings = Metered::over(Arc::new(metered.clone()));
    let inserted = pollster::block_on(bindings.insert(dockline_testkit::fixtures::binding())).unwrap();
    let dockline::ports::InsertOutcome::Inserted(inserted) = inserted else { panic!("{inserted:?}") };
    assert_eq!(pollster::block_on(metered.find(&inserted.organization)).unwrap(), Some(inserted));
    assert_eq!(pollster::block_on(bindings.find(&organization)).unwrap(), None);
    let mut github = MockGithubGateway::new();
    github.expect_app().returning(|| {
        Err(PortError::new(PortName::GithubGateway, PortErrorKind::Rejected, "rejected by the test"))
    });
    let error = pollster::block_on(Metered::over(Arc::new(github)).app()).unwrap_err();
    assert_eq!((error.port(), error.kind()), (PortName::GithubGateway, PortErrorKind::Rejected));
}

#[test]
fn number_of_series_does_not_grow_with_organizations_and_installations() {
    let states = Metered::over(Arc::new(MemoryStateStore::new()));
    let bindings = Metered::over(Arc::new(MemoryBindingRepo::new()));
    let lines = |many: u64| {
        exposition_after(|| {
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
    assert_eq!(lines(10_000), lines(1));
}

#[test]
fn events_are_counted_by_kind_and_reason_and_passed_to_all_handlers() {
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
    let text = exposition_after(|| {
        describe_metrics();
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
        format!("# HELP {TOKENS_MINTED} Installation tokens that GitHub issued."),
    ] {
        assert!(text.lines().any(|actual| actual == line), "{line}\n{text}");
    }
    assert!(!text.contains("org_a") && !text.contains("0123456789ABCDEF"), "{text}");
    assert_eq!(memory.recorded().len(), 6);
}

#[test]
fn values_from_the_host_are_recorded() {
    let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let rate = RateLeft { limit: 5_000, remaining: 4_321, resets_at: now + Duration::from_secs(60) };
    let totals = BindingCounts {
        active: 5,
        suspended: 2,
        missing: 3,
        ending: 4,
        uninstalled: 1,
        not_shown: 3,
        due_since: Some(now - Duration::from_secs(90)),
    };
    let text = exposition_after(|| {
        record_github_call("mint", "ok", Duration::from_millis(250));
        record_jwt_signature();
        record_rate_left(Some(rate));
        record_rate_left(None);
        record_token_cache_hits(17);
        record_batches("admission", 3, 70);
        record_listener_rejection("overloaded");
        record_pool(PoolState { max: 8, open: 5, idle: 2, waiting: 4 });
        record_bindings(totals, now);
        record_process("1.2.3", now);
    });
    for line in [
        "dockline_github_call_duration_seconds_count{operation=\"mint\",outcome=\"ok\"} 1",
        "dockline_github_jwt_signatures_total 1",
        "dockline_github_rate_limit 5000",
        "dockline_github_rate_limit_remaining 4321",
        "dockline_github_rate_limit_reset_timestamp_seconds 1700000060",
        "dockline_token_cache_hits_total 17",
        "dockline_batches_total{port=\"admission\"} 3",
        "dockline_batched_calls_total{port=\"admission\"} 70",
        "dockline_listener_rejections_total{reason=\"overloaded\"} 1",
        "dockline_database_pool_max_connections 8",
        "dockline_database_pool_connections{state=\"idle\"} 2",
        "dockline_database_pool_connections{state=\"in_use\"} 3",
        "dockline_database_pool_waiting 4",
        "dockline_bindings{status=\"active\"} 5",
        "dockline_bindings{status=\"suspended\"} 2",
        "dockline_bindings{status=\"missing\"} 3",
        "dockline_bindings{status=\"ending\"} 4",
        "dockline_bindings{status=\"uninstalled\"} 1",
        "dockline_missing_held 0",
        "dockline_bindings_counted_timestamp_seconds 1700000000",
        "dockline_sweep_lag_seconds 90",
        "dockline_build_info{version=\"1.2.3\"} 1",
        "dockline_start_time_seconds 1700000000",
    ] {
        assert!(text.lines().any(|actual| actual == line), "{line}\n{text}");
    }
}

#[test]
fn sweep_lag_is_zero_if_no_binding_is_due() {
    let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    for due_since in [None, Some(now + Duration::from_secs(5))] {
        let totals = BindingCounts {
            active: 9,
            suspended: 0,
            missing: 20,
            ending: 0,
            uninstalled: 3,
            not_shown: 20,
            due_since,
        };
        let text = exposition_after(|| record_bindings(totals, now));
        assert!(text.lines().any(|line| line == "dockline_missing_held 1"), "{text}");
        assert!(text.lines().any(|line| line == "dockline_sweep_lag_seconds 0"), "{text}");
    }
}
