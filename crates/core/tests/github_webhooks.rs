//! GitHub's examples of deliveries, signed by GitHub's library (`.ci/github-webhook-examples`), and changed ones (I21; L-24 to L-33).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use dockline::rules::{delivery, signature};
use dockline::{AppId, DeliveryFault, InstallationId, SignatureRefusal, WebhookEvent, WebhookSecrets};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

struct Example {
    event: String,
    signature: String,
    body: String,
    payload: Value,
}

fn examples() -> (String, Vec<Example>) {
    let excerpt: Value = serde_json::from_str(include_str!("github-webhooks.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let examples = excerpt["examples"].as_array().unwrap().iter().map(|example| {
        let body = text(&example["body"]);
        let payload = serde_json::from_str(&body).unwrap();
        Example { event: text(&example["event"]), signature: text(&example["signature"]), body, payload }
    });
    (text(&excerpt["secret"]), examples.collect())
}

impl Example {
    /// The App that the example names.
    fn app(&self) -> AppId {
        let apps = [&self.payload["installation"]["app_id"], &self.payload["hook"]["app_id"]];
        AppId::new(apps.into_iter().find_map(Value::as_u64).unwrap_or(1)).unwrap()
    }

    fn read(&self, body: &str) -> Result<WebhookEvent, DeliveryFault> {
        delivery::read(Some(&self.event), Some("application/json"), body.as_bytes(), self.app())
    }

    /// Reads the example with one thing changed.
    fn changed(&self, change: impl FnOnce(&mut Value)) -> Result<WebhookEvent, DeliveryFault> {
        let mut payload = self.payload.clone();
        change(&mut payload);
        self.read(&payload.to_string())
    }

    fn has(&self, pointer: &str) -> bool {
        self.payload.pointer(pointer).is_some()
    }

    /// The event, by GitHub's documentation of the action.
    fn expected(&self) -> WebhookEvent {
        let id = |pointer: &str| self.payload.pointer(pointer).and_then(Value::as_u64);
        let installation = || InstallationId::new(id("/installation/id").unwrap()).unwrap();
        match (self.event.as_str(), self.payload["action"].as_str()) {
            ("ping", None) => WebhookEvent::Ping,
            ("github_app_authorization", Some("revoked")) => WebhookEvent::Ignored,
            ("installation", Some("created")) => WebhookEvent::Installed {
                installation: installation(),
                record: dockline::InstallerRecord {
                    installer: dockline::AccountId::new(id("/sender/id").unwrap()).unwrap(),
                    members_permission: self.payload.pointer("/installation/permissions/members").is_some(),
                },
            },
            ("installation", Some("deleted")) => WebhookEvent::Deleted { installation: installation() },
            ("installation", Some("suspend" | "unsuspend")) => {
                WebhookEvent::StatusChanged { installation: installation() }
            }
            ("installation", Some("new_permissions_accepted"))
            | ("installation_repositories", Some("added" | "removed")) => {
                WebhookEvent::PermissionsChanged { installation: installation() }
            }
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn signatures_of_githubs_library_are_accepted_and_equal_ours() {
    let (secret, examples) = examples();
    let ours = WebhookSecrets::new([secret.as_str().into()]).unwrap();
    for Example { signature, body, .. } in &examples {
        assert_eq!(signature::verify(&ours, Some(signature.as_bytes()), body.as_bytes()), Ok(()));
        // Our signature has the same bytes, so GitHub's library accepts it.
        let made = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize();
        let made = format!("sha256={}", data_encoding::HEXLOWER.encode(&made.into_bytes()));
        assert_eq!(*signature, made);
        // A byte is missing, added or changed.
        let other = body.replacen("\":", "\" :", 1);
        for changed in [&body[1..], &format!("{body}\n"), &other] {
            let refused = signature::verify(&ours, Some(signature.as_bytes()), changed.as_bytes());
            assert_eq!(refused, Err(SignatureRefusal::Mismatch));
        }
    }
}

#[test]
fn every_example_is_parsed_as_the_event_of_its_action() {
    let (_, examples) = examples();
    let events: std::collections::BTreeSet<_> = examples.iter().map(|example| &*example.event).collect();
    assert_eq!(events.len(), 4, "{events:?}");
    for example in &examples {
        assert_eq!(example.read(&example.body), Ok(example.expected()), "{}", example.body);
    }
}

type Parsed = Result<WebhookEvent, DeliveryFault>;

/// An example with one change at a time: the change, the result and the expected result.
fn mutations(example: &Example) -> Vec<(&'static str, Parsed, Parsed)> {
    const SHAPE: Parsed = Err(DeliveryFault::AnotherShape);
    const NONE: Parsed = Err(DeliveryFault::NotAnObject);
    let same = Ok(example.expected());
    let under = |event| delivery::read(event, None, example.body.as_bytes(), example.app());
    let encoded: String = example.body.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = |body: &str| {
        let kind = Some("application/x-www-form-urlencoded");
        delivery::read(Some(&example.event), kind, body.as_bytes(), example.app())
    };
    let another = if example.event == "installation" { "installation_repositories" } else { "installation" };
    let mut all = vec![
        ("cut off", example.read(&example.body[..example.body.len() - 1]), NONE),
        ("in a list", example.read(&format!("[{}]", example.body)), NONE),
        ("twice", example.read(&example.body.repeat(2)), NONE),
        ("as a form", form(&format!("payload={encoded}")), same),
        ("as a form with a second payload", form(&format!("payload={encoded}&payload=%7B%7D")), NONE),
        ("as a form with a field behind the payload", form(&format!("payload={encoded}&a=b")), NONE),
        ("as a form with a field before the payload", form(&format!("a=b&payload={encoded}")), NONE),
        ("as a form without its field", form(&encoded), NONE),
        ("with an unknown field", example.changed(|payload| payload["unknown_yet"] = json!([{}])), same),
        ("without an event", under(None), Err(DeliveryFault::NoEvent)),
        ("as another event", under(Some(another)), SHAPE),
        ("as a rename", under(Some("installation_target")), SHAPE),
        ("as an unknown event", under(Some("unknown_yet")), Ok(WebhookEvent::Ignored)),
    ];
    if example.has("/action") {
        all.extend([
            (
                "action unknown",
                example.changed(|p| p["action"] = json!("unknown_yet")),
                Ok(WebhookEvent::Ignored),
            ),
            ("action a number", example.changed(|p| p["action"] = json!(1)), SHAPE),
            ("sender gone", example.changed(|p| drop(p.as_object_mut().unwrap().remove("sender"))), SHAPE),
            ("sender a name", example.changed(|p| p["sender"] = json!("olga")), SHAPE),
            ("sender's id a text", example.changed(|p| p["sender"]["id"] = json!("1")), SHAPE),
        ]);
    }
    if example.has("/installation") {
        let foreign = json!(example.app().get() + 1);
        all.extend([
            (
                "installation gone",
                example.changed(|p| drop(p.as_object_mut().unwrap().remove("installation"))),
                SHAPE,
            ),
            ("id a text", example.changed(|p| p["installation"]["id"] = json!("1")), SHAPE),
            ("id zero", example.changed(|p| p["installation"]["id"] = json!(0)), SHAPE),
            ("id negative", example.changed(|p| p["installation"]["id"] = json!(-1)), SHAPE),
            ("id fractional", example.changed(|p| p["installation"]["id"] = json!(1.5)), SHAPE),
            (
                "another App's",
                example.changed(|p| p["installation"]["app_id"] = foreign),
                Err(DeliveryFault::ForeignApp),
            ),
            ("App not named", example.changed(|p| p["installation"]["app_id"] = Value::Null), SHAPE),
            ("account null", example.changed(|p| p["installation"]["account"] = Value::Null), same),
            ("dates as numbers", example.changed(|p| p["installation"]["created_at"] = json!(1)), same),
        ]);
    }
    if example.has("/hook_id") {
        all.extend([
            ("hook gone", example.changed(|p| drop(p.as_object_mut().unwrap().remove("hook"))), same),
            ("hook_id a text", example.changed(|p| p["hook_id"] = json!("1")), SHAPE),
            ("hook_id gone", example.changed(|p| drop(p.as_object_mut().unwrap().remove("hook_id"))), SHAPE),
            (
                "another App's",
                example.changed(|p| p["hook"]["app_id"] = json!(example.app().get() + 1)),
                Err(DeliveryFault::ForeignApp),
            ),
        ]);
    }
    all
}

#[test]
fn a_changed_example_is_rejected_ignored_or_parsed_as_before() {
    let (_, examples) = examples();
    let mut all = 0;
    for example in &examples {
        let mutations = mutations(example);
        assert!(mutations.len() >= 10);
        all += mutations.len();
        for (change, parsed, expected) in mutations {
            assert_eq!(parsed, expected, "{}, {change}: {}", example.event, example.body);
        }
    }
    println!("{} examples, {all} mutations", examples.len());
}

/// The required fields of an event, with their JSON type.
fn required(event: &str) -> &'static [(&'static str, &'static str)] {
    match event {
        "installation" => &[
            ("/action", "string"),
            ("/installation", "object"),
            ("/installation/id", "number"),
            ("/installation/app_id", "number"),
            ("/installation/permissions", "object"),
            ("/sender", "object"),
            ("/sender/id", "number"),
        ],
        "installation_repositories" => &[
            ("/action", "string"),
            ("/installation", "object"),
            ("/installation/id", "number"),
            ("/installation/app_id", "number"),
            ("/installation/permissions", "object"),
            ("/sender", "object"),
            ("/sender/id", "number"),
            ("/repositories_added", "array"),
            ("/repositories_removed", "array"),
        ],
        "installation_target" => &[
            ("/action", "string"),
            ("/account", "object"),
            ("/account/id", "number"),
            ("/changes", "object"),
            ("/installation", "object"),
            ("/installation/id", "number"),
        ],
        "github_app_authorization" => {
            &[("/action", "string"), ("/sender", "object"), ("/sender/id", "number")]
        }
        "ping" => &[("/hook_id", "number")],
        other => unreachable!("{other}"),
    }
}

/// Fields that may be missing or null, with their JSON type.
fn optional(event: &str) -> &'static [(&'static str, &'static str)] {
    match event {
        "installation" | "installation_repositories" => &[("/installation/account", "object")],
        "ping" => &[("/hook", "object"), ("/hook/app_id", "number")],
        _ => &[],
    }
}

/// A value of each JSON type.
fn values() -> [(&'static str, Value); 6] {
    [
        ("null", Value::Null),
        ("boolean", json!(true)),
        ("number", json!(1)),
        ("string", json!("1")),
        ("array", json!([])),
        ("object", json!({})),
    ]
}

fn remove(payload: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    payload.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
}

fn renamed_account() -> Example {
    let payload = json!({
        "action": "renamed", "account": { "id": 2, "login": "acme-roasters" },
        "changes": { "login": { "from": "acme-coffee" } }, "installation": { "id": 3, "node_id": "x" },
        "target_type": "Organization",
    });
    let (event, signature) = ("installation_target".to_owned(), String::new());
    Example { event, signature, body: payload.to_string(), payload }
}

#[test]
fn each_required_field_alone_is_rejected_if_it_is_missing_or_of_another_type() {
    let (_, mut examples) = examples();
    examples.push(renamed_account());
    let shape = Err(DeliveryFault::AnotherShape);
    for example in &examples {
        let event = example.event.as_str();
        for (pointer, kind) in required(event) {
            assert_eq!(example.changed(|p| remove(p, pointer)), shape, "{event} without {pointer}");
            for (other, value) in values().into_iter().filter(|(other, _)| other != kind) {
                let parsed = example.changed(|p| *p.pointer_mut(pointer).unwrap() = value);
                assert_eq!(parsed, shape, "{event} with {pointer} as {other}");
            }
        }
        for (pointer, kind) in optional(event).iter().filter(|(pointer, _)| example.has(pointer)) {
            let same = example.read(&example.body);
            assert_eq!(example.changed(|p| remove(p, pointer)), same, "{event} without {pointer}");
            for (other, value) in values().into_iter().filter(|(other, _)| other != kind) {
                let parsed = example.changed(|p| *p.pointer_mut(pointer).unwrap() = value);
                let expected = if other == "null" { same } else { shape };
                assert_eq!(parsed, expected, "{event} with {pointer} as {other}");
            }
        }
    }
}

#[test]
fn fields_of_another_event_are_rejected() {
    let (_, examples) = examples();
    let shape = Err(DeliveryFault::AnotherShape);
    for example in examples.iter().filter(|example| example.event == "installation") {
        for field in ["repositories_added", "repositories_removed"] {
            for (_, value) in values().into_iter().filter(|(kind, _)| *kind != "null") {
                assert_eq!(example.changed(|p| p[field] = value), shape, "{field}");
            }
        }
        let other = |account: Value| example.changed(|p| p["installation"]["account"] = account);
        assert_eq!(other(json!({})), shape, "an account without an id");
    }
}

#[test]
fn a_renamed_account_is_parsed_with_its_installation_and_no_app() {
    let example = renamed_account();
    let installation = InstallationId::new(3).unwrap();
    assert_eq!(example.read(&example.body), Ok(WebhookEvent::Renamed { installation }));
    let other = example.changed(|p| p["action"] = json!("unknown_yet"));
    assert_eq!(other, Ok(WebhookEvent::Ignored));
    assert_eq!(example.changed(|p| p["installation"]["id"] = json!(0)), Err(DeliveryFault::AnotherShape));
    assert_eq!(example.changed(|p| p["account"]["id"] = json!(0)), Err(DeliveryFault::AnotherShape));
    let events = [
        (WebhookEvent::Renamed { installation }, Some(installation)),
        (WebhookEvent::Deleted { installation }, Some(installation)),
        (WebhookEvent::StatusChanged { installation }, Some(installation)),
        (WebhookEvent::PermissionsChanged { installation }, Some(installation)),
        (WebhookEvent::Ping, None),
        (WebhookEvent::Ignored, None),
    ];
    for (event, expected) in events {
        assert_eq!(event.installation(), expected, "{event:?}");
    }
}

#[test]
fn a_form_decodes_plus_signs_and_its_media_type_may_have_parameters_and_capitals() {
    let example = renamed_account();
    let spaced = example.body.replace("acme-roasters", "acme roasters");
    let encoded: String = spaced
        .bytes()
        .map(|byte| if byte == b' ' { "+".to_owned() } else { format!("%{byte:02X}") })
        .collect();
    let read = |kind, body: String| {
        delivery::read(Some(&example.event), Some(kind), body.as_bytes(), AppId::new(1).unwrap())
    };
    let form = format!("payload={encoded}");
    for kind in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLEncoded ; charset=utf-8",
        " application/x-www-form-urlencoded",
    ] {
        assert_eq!(read(kind, form.clone()), Ok(example.read(&example.body).unwrap()), "{kind}");
        assert_eq!(read(kind, example.body.clone()), Err(DeliveryFault::NotAnObject), "{kind}");
        // A raw `&` starts another field, also within the text of the first one.
        assert_eq!(read(kind, form.replace('+', "&")), Err(DeliveryFault::NotAnObject), "{kind}");
    }
    for kind in ["application/json", "", "text/plain; application/x-www-form-urlencoded"] {
        assert_eq!(read(kind, form.clone()), Err(DeliveryFault::NotAnObject), "{kind}");
        assert!(read(kind, example.body.clone()).is_ok(), "{kind}");
    }
    let not_utf_8 = delivery::read(Some("push"), None, b"{\"a\":\"\xff\"}", AppId::new(1).unwrap());
    assert_eq!(not_utf_8, Err(DeliveryFault::NotAnObject));
}
