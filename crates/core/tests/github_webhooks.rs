//! GitHub's own examples of deliveries, signed by GitHub's own library (`.ci/github-webhook-examples`): each is understood, and what
//! somebody changed about it is refused, ignored, or understood just as well (I21; L-24 to L-33; GitHub facts 48 to 56).
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
    /// The App that the example is about.
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

    /// What it says, by the documentation of its action.
    fn meaning(&self) -> WebhookEvent {
        let id = |pointer: &str| self.payload.pointer(pointer).and_then(Value::as_u64);
        let installation = || InstallationId::new(id("/installation/id").unwrap()).unwrap();
        match (self.event.as_str(), self.payload["action"].as_str()) {
            ("ping", None) => WebhookEvent::Ping,
            ("github_app_authorization", Some("revoked")) => WebhookEvent::Ignored,
            ("installation", Some("created")) => WebhookEvent::Installed {
                installation: installation(),
                installer: dockline::AccountId::new(id("/sender/id").unwrap()).unwrap(),
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
fn githubs_library_and_we_take_one_anothers_signatures() {
    let (secret, examples) = examples();
    let ours = WebhookSecrets::new([secret.as_str().into()]).unwrap();
    for Example { signature, body, .. } in &examples {
        assert_eq!(signature::verify(&ours, Some(signature.as_bytes()), body.as_bytes()), Ok(()));
        // The same bytes, made by us: so theirs takes ours, which `.ci/github-webhook-examples` has it say of GitHub's vector.
        let made = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize();
        let made = format!("sha256={}", data_encoding::HEXLOWER.encode(&made.into_bytes()));
        assert_eq!(*signature, made);
        // One byte less, more or other.
        let other = body.replacen("\":", "\" :", 1);
        for changed in [&body[1..], &format!("{body}\n"), &other] {
            let refused = signature::verify(&ours, Some(signature.as_bytes()), changed.as_bytes());
            assert_eq!(refused, Err(SignatureRefusal::Mismatch));
        }
    }
}

#[test]
fn every_example_says_what_its_action_means() {
    let (_, examples) = examples();
    let events: std::collections::BTreeSet<_> = examples.iter().map(|example| &*example.event).collect();
    assert_eq!(events.len(), 4, "{events:?}");
    for example in &examples {
        assert_eq!(example.read(&example.body), Ok(example.meaning()), "{}", example.body);
    }
}

type Seen = Result<WebhookEvent, DeliveryFault>;

/// Each example with one thing changed at a time: what it was, what it came to, and what it should have come to.
fn mutations(example: &Example) -> Vec<(&'static str, Seen, Seen)> {
    const SHAPE: Seen = Err(DeliveryFault::AnotherShape);
    const NONE: Seen = Err(DeliveryFault::NotAnObject);
    let same = Ok(example.meaning());
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
        ("as half a form", form(&format!("payload={encoded}&payload=%7B%7D")), NONE),
        ("with more in it", example.changed(|payload| payload["of_next_year"] = json!([{}])), same),
        ("without an event", under(None), Err(DeliveryFault::NoEvent)),
        ("as another event", under(Some(another)), SHAPE),
        ("as a rename", under(Some("installation_target")), SHAPE),
        ("as an event of next year", under(Some("of_next_year")), Ok(WebhookEvent::Ignored)),
    ];
    if example.has("/action") {
        all.extend([
            (
                "action unknown",
                example.changed(|p| p["action"] = json!("of_next_year")),
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
fn what_was_changed_about_an_example_is_refused_ignored_or_means_the_same() {
    let (_, examples) = examples();
    let mut all = 0;
    for example in &examples {
        let mutations = mutations(example);
        assert!(mutations.len() >= 10);
        all += mutations.len();
        for (what, came, expected) in mutations {
            assert_eq!(came, expected, "{}, {what}: {}", example.event, example.body);
        }
    }
    println!("{} examples, {all} mutations", examples.len());
}
