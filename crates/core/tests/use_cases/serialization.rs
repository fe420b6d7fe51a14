//! The JSON of public types, and the values that are parsed back.

use dockline::ports::{Event, ReconcileCursor};
use dockline::{
    AccountId, Binding, ClaimPolicy, ErrorCode, Issue, IssueCode, KeyId, Life, OrganizationId, Pause,
    PauseCause, PortError, PortErrorKind, PortName, Presence, Proof, ReconcileReport, RefusalReason,
    RepositoryId, Scope, Status,
};
use dockline_testkit::fixtures::{NOON, installation, organization};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value};

use crate::support::{account_of, repository};

#[track_caller]
fn assert_json(value: &impl Serialize, expected: &Value) {
    assert_eq!(to_value(value).unwrap(), *expected);
}

fn binding() -> Binding {
    Binding {
        organization: organization("org_acme"),
        installation: installation(7),
        account: account_of(1, "acme-coffee"),
        status: Status::Active,
        life: Life {
            presence: Presence::Missing { since: NOON, looks: 2, last: NOON },
            observed_at: NOON,
            next_look_at: None,
        },
        proof: Proof::Installed,
        proven_by: Some(AccountId::new(77).unwrap()),
        actor: "user:ann".parse().unwrap(),
        registered_at: NOON,
        last_verified_at: NOON,
        generation: 3,
    }
}

#[test]
fn bindings_accounts_and_repositories_have_camel_case_keys_and_microseconds() {
    let time = "2026-06-01T12:00:00.000000+00:00";
    let account = json!({ "id": 1_001, "login": "acme-coffee", "type": "Organization" });
    let expected = json!({
        "organization": "org_acme", "installation": 7, "account": account, "status": "active",
        "life": {
            "presence": { "state": "missing", "since": time, "looks": 2, "last": time },
            "observedAt": time, "nextLookAt": null,
        },
        "proof": "installed", "provenBy": 77, "actor": "user:ann", "registeredAt": time,
        "lastVerifiedAt": time, "generation": 3,
    });
    assert_json(&binding(), &expected);
    let expected = json!({
        "id": 5, "fullName": "acme-coffee/r5", "owner": "acme-coffee", "private": true,
        "defaultBranch": "main", "language": null, "htmlUrl": "https://github.com/acme-coffee/r5",
    });
    assert_json(&repository(5), &expected);
}

#[test]
fn events_name_themselves_and_their_reason() {
    let refused = Event::Refused {
        organization: organization("org_acme"),
        actor: "user:ann".parse().unwrap(),
        installation: installation(7),
        reason: RefusalReason::Taken,
    };
    let expected = json!({
        "event": "refused", "organization": "org_acme", "actor": "user:ann", "installation": 7,
        "reason": "taken",
    });
    assert_json(&refused, &expected);
    let (known, named) = (AccountId::new(1).unwrap(), None);
    let changed = Event::AccountChanged { organization: None, installation: installation(7), known, named };
    let expected = json!({
        "event": "account_changed", "organization": null, "installation": 7, "known": 1, "named": null,
    });
    assert_json(&changed, &expected);
}

#[test]
fn a_report_lists_failures_and_the_pause_without_their_causes() {
    let failure = || PortError::new(PortName::GithubGateway, PortErrorKind::Corrupt, "a secret body");
    let next = ReconcileCursor { next_look_at: NOON, installation: installation(8) };
    let report = ReconcileReport {
        active: 2,
        failed: vec![(installation(7), failure())],
        next: Some(next),
        paused: Some(Pause { until: NOON, cause: PauseCause::OutOfReach(failure()), at: next }),
        ..ReconcileReport::default()
    };
    let message = "the GitHub gateway returned malformed data";
    let time = "2026-06-01T12:00:00.000000+00:00";
    let expected = json!({
        "active": 2, "suspended": 0, "missing": 0, "held": 0, "uninstalled": 0, "accountChanged": 0,
        "denied": 0, "complete": false,
        "failed": [{ "installation": 7, "error": { "message": message } }],
        "next": { "nextLookAt": time, "installation": 8 },
        "paused": {
            "until": time, "cause": { "reason": "out_of_reach", "message": message },
            "at": { "nextLookAt": time, "installation": 8 },
        },
    });
    assert_json(&report, &expected);
    assert_json(&PauseCause::Reserve, &json!({ "reason": "reserve" }));
}

#[test]
fn issues_and_codes_have_their_spelling() {
    let issue = Issue::new("state", IssueCode::NotClaimable, "why");
    assert_json(&issue, &json!({ "path": "state", "code": "not_claimable", "message": "why" }));
    for code in ErrorCode::ALL {
        assert_json(code, &json!(code.to_string()));
    }
    assert_json(&ErrorCode::ReturnUrlNotAllowed, &json!("RETURN_URL_NOT_ALLOWED"));
}

#[test]
fn scopes_ids_and_enums_are_parsed_back_and_invalid_ones_rejected() {
    fn back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        let json = to_value(&value).unwrap();
        assert_eq!(from_value::<T>(json).unwrap(), value);
    }
    back(Scope::GithubAdmin);
    back(Scope::All);
    back(Scope::Other("billing:read".into()));
    back(organization("org_acme"));
    back(installation(7));
    back("0123456789ABCDEF".parse::<KeyId>().unwrap());
    back(ClaimPolicy::Controlled);
    for (text, scope) in [("github:admin", Scope::GithubAdmin), ("*", Scope::All)] {
        assert_eq!((text.parse::<Scope>().unwrap(), scope.to_string()), (scope.clone(), text.to_owned()));
    }
    assert_eq!(String::from(organization("org_acme")), "org_acme");
    assert_eq!(OrganizationId::try_from("org_acme".to_owned()).unwrap(), organization("org_acme"));
    assert!(from_value::<KeyId>(json!("too short")).is_err());
    assert!(from_value::<OrganizationId>(json!("")).is_err());
    assert!(from_value::<RepositoryId>(json!(0)).is_err());
}
