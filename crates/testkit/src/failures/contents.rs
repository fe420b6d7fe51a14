//! What errors and `Debug` show, and rows that do not parse.

use dockline::{PortErrorKind, PortName};

use super::calls::{calls, end_all};
use super::{Affected, Failure, FailureDriver};
use crate::fixtures::{CANARY, NOON, binding_of, digest, organization, state_of};
use crate::runner::cases;

/// Asserts that a text contains none of the driver's secrets.
fn assert_no_secret(driver: &dyn FailureDriver, shown: &str, what: &str) {
    for secret in driver.secrets() {
        assert!(!secret.is_empty(), "the driver names an empty secret");
        assert!(
            !shown.contains(&secret),
            "{what} shows the secret {secret:?}: {shown}; keep it in a `secrecy` type, and write `Debug` by hand"
        );
    }
}

cases!(
    use __failures_contents as list;

    /// `Debug` of the adapter's types and of its options shows no secret (I14).
    pub async fn debug_shows_no_secret(driver: &dyn FailureDriver) {
        assert!(!driver.secrets().is_empty(), "name the secrets of the adapter's configuration in `secrets`");
        assert_no_secret(
            driver,
            &format!("{:?} {:#?}", driver.stores(), driver.stores()),
            "`Debug` of a port",
        );
        for shown in driver.shown() {
            assert_no_secret(driver, &shown, "`Debug` of a type");
        }
    }

    /// An error shows no secret of the configuration and no value that was stored (I14).
    pub async fn errors_show_no_secret(driver: &dyn FailureDriver) {
        let (stores, deadline) = (driver.stores(), driver.deadline());
        for failure in [Failure::Unreachable, Failure::Silent] {
            if driver.fail(failure).await == Affected::Nothing {
                continue;
            }
            for (name, error) in end_all(calls(&stores, 1), deadline).await {
                assert_no_secret(driver, &format!("{error} {error:?} {}", error.causes()), name);
            }
            driver.recover().await;
        }
    }

    /// A stored value that does not parse is `Corrupt`, not an answer and not `Unavailable`: a retry does not help. The error
    /// names the column and not the value.
    pub async fn value_that_does_not_parse_is_corrupt(driver: &dyn FailureDriver) {
        let stores = driver.stores();
        let (text, acme) = (digest("state"), organization("acme"));
        if let Some(states) = &stores.states {
            let mut state = state_of("acme", text, NOON);
            state.return_url = format!("https://app.acme.example/{CANARY}");
            states.put(state).await.unwrap();
        }
        if let Some(bindings) = &stores.bindings {
            bindings.insert(binding_of("acme", 1, text)).await.unwrap();
        }
        if !driver.corrupt().await {
            return;
        }
        let mut errors = Vec::new();
        if let Some(states) = &stores.states {
            errors.push((PortName::StateStore, states.find_by_digest(&text).await.err()));
        }
        if let Some(bindings) = &stores.bindings {
            errors.push((PortName::BindingRepo, bindings.find(&acme).await.err()));
        }
        assert!(errors.iter().any(|(_, error)| error.is_some()), "no row was made unreadable");
        for (port, error) in errors.into_iter().filter_map(|(port, error)| Some((port, error?))) {
            assert_eq!((error.port(), error.kind()), (port, PortErrorKind::Corrupt), "{error:?}");
            let shown = format!("{error} {error:?} {}", error.causes());
            assert!(!shown.contains(CANARY), "the error shows a stored value: {shown}");
        }
    }
);
