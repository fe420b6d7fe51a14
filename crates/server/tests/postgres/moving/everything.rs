//! Everything is there after the move, unchanged.

use dockline::ports::{
    BindingRepo, Clock, Directory, HistoryOf, InterruptedScan, RedeliveryStore, ReserveOutcome, ScanPosition,
    StateStore, SystemClock,
};
use dockline::{
    AccountId, ClaimMembership, CodeFate, HistoryEntry, InstallationId, InstallationRecord, InstallerRecord,
    IssuedState, OrganizationId, PendingConfirmation, Proof, SecretDigest, SetupAction, StoredFacts,
    VerifiedClaim,
};
use dockline_postgres::{AppNumber as PgNumber, PgBindingRepo, PgDirectory, PgRedeliveryStore, PgStateStore};
use dockline_sqlite::{
    AppNumber, SqliteBindingRepo, SqliteDirectory, SqliteOptions, SqliteRedeliveryStore, SqliteStateStore,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::scene::{Bound, Scene, Server};
use super::{json as json_of_both, run, with_schema};
use crate::forwarding::product::{Product, SECRET};
use crate::schema::TestSchema;

fn digest(text: &str) -> SecretDigest {
    SecretDigest::of(text.as_bytes())
}

fn claim(number: u64) -> VerifiedClaim {
    VerifiedClaim {
        installation: InstallationId::new(number).unwrap(),
        account: AccountId::new(8).unwrap(),
        proof: Proof::Administered,
        visitor: AccountId::new(7).unwrap(),
        membership: ClaimMembership::Administrator,
    }
}

fn state(text: &str, now: OffsetDateTime) -> IssuedState {
    IssuedState {
        digest: digest(text),
        organization: OrganizationId::new("org_1").unwrap(),
        organization_name: "Ümläut ☕".parse().unwrap(),
        actor: "user:ann".parse().unwrap(),
        return_url: "https://app.example.com/".to_owned(),
        issued_at: now,
        expires_at: now + IssuedState::LIFETIME,
        pending: Vec::new(),
        answered: None,
        claim: None,
        revoked: false,
    }
}

fn pending(ticket: &str, number: u64) -> PendingConfirmation {
    PendingConfirmation {
        ticket: digest(ticket),
        browser: digest("browser"),
        claim: claim(number),
        setup_action: SetupAction::Install,
    }
}

/// Everything that the ports return of one database.
#[derive(Debug, PartialEq)]
struct Stored {
    states: Vec<Option<IssuedState>>,
    codes: Vec<ReserveOutcome>,
    installations: Vec<Option<InstallationRecord>>,
    installers: Vec<Option<InstallerRecord>>,
    facts: Vec<Option<StoredFacts>>,
    history: Vec<HistoryEntry>,
    scan: Option<ScanPosition>,
}

/// The states that [`fill`] adds.
const STATES: [&str; 3] = ["asked", "answered", "refused"];

/// Adds what takes a visitor: confirmations, claims, codes, an installer, and an interrupted scan.
async fn fill(scene: &Scene, now: OffsetDateTime) {
    let database = SqliteOptions::new(scene.database()).as_command().open().await.unwrap();
    let app = database.with_app(AppNumber::FIRST);
    let states = SqliteStateStore::new(&app);
    for name in STATES {
        states.put(state(name, now)).await.unwrap();
        states.reserve_code(&digest(name), &digest("code")).await.unwrap();
    }
    for (name, ticket, number) in
        [("asked", "one", 100), ("asked", "two", 101), ("answered", "three", 102), ("refused", "four", 103)]
    {
        assert!(states.save_pending(&digest(name), pending(ticket, number)).await.unwrap());
    }
    let ticket = digest("three");
    states.confirm_claim(&digest("answered"), Some(ticket), claim(102)).await.unwrap();
    states.revoke(&digest("refused"), Some(digest("four"))).await.unwrap();
    states.settle_code(&digest("answered"), &digest("code"), CodeFate::Used).await.unwrap();
    let installer = InstallerRecord { installer: AccountId::new(7).unwrap(), members_permission: true };
    let bindings = SqliteBindingRepo::new(&app);
    bindings.record_installer(InstallationId::new(100).unwrap(), installer, now).await.unwrap();
    let scans = SqliteRedeliveryStore::new(&app);
    let until = now + Duration::MINUTE;
    if scans.lease(1, now, until).await.unwrap().is_some() {
        let interrupted = InterruptedScan { cursor: "next".to_owned(), newest: now };
        let position = ScanPosition { read_to: Some(now - Duration::DAY), interrupted: Some(interrupted) };
        assert!(scans.release(1, &position).await.unwrap());
    }
    scans.record_request("a-guid", now, now - Duration::DAY).await.unwrap();
}

/// Reads everything by the ports.
async fn stored(
    states: &dyn StateStore,
    bindings: &dyn BindingRepo,
    directory: &dyn Directory,
    scans: &dyn RedeliveryStore,
    installations: &[u64],
) -> Stored {
    let mut all = Stored {
        states: vec![],
        codes: vec![],
        installations: vec![],
        installers: vec![],
        facts: vec![],
        history: vec![],
        scan: None,
    };
    for name in STATES {
        all.states.push(states.find_by_digest(&digest(name)).await.unwrap());
        all.codes.push(states.reserve_code(&digest(name), &digest("code")).await.unwrap());
    }
    for number in installations.iter().chain(&[100]) {
        let id = InstallationId::new(*number).unwrap();
        all.installations.push(bindings.installation(id).await.unwrap());
        all.installers.push(bindings.installer(id).await.unwrap());
        all.facts.push(directory.facts(id).await.unwrap());
        all.history.extend(directory.history(&HistoryOf::Installation(id), None, 100).await.unwrap());
    }
    // Long after any lease.
    let now = SystemClock.now() + Duration::DAY;
    all.scan = scans.lease(2, now, now).await.unwrap();
    all
}

/// What the commands print of the database.
fn shown(json: impl Fn(&[&str]) -> Value) -> Vec<Value> {
    let mut all = vec![
        json(&["keys", "list"]),
        json(&["bindings", "list"]),
        json(&["deliveries", "list"]),
        json(&["installations", "resets"]),
        json(&["apps", "list"]),
    ];
    for organization in ["org_1", "org_2", "org_3", "org_4"] {
        all.push(json(&["bindings", "history", organization]));
    }
    all
}

/// Binds four organizations, and ends two of the bindings and a key in different ways.
async fn prepare(scene: &Scene, server: &Server) -> Vec<Bound> {
    scene.set_webhook(server);
    let mut bound = Vec::new();
    for number in 1..=4 {
        bound.push(scene.bind(server, &format!("org_{number}")).await);
    }
    let sim = scene.sim.sim();
    let payload = json!({ "ref": "refs/heads/main", "size": 1.5, "note": "ümläut" });
    sim.send_event(bound[0].installation, "push", payload.as_object().unwrap().clone()).unwrap();
    scene.json(&["bindings", "detach", "org_2", "--yes", "--actor", "ops:eve"]);
    // The end of one is forgotten, the end of the other is final.
    for number in [1, 2] {
        sim.uninstall(bound[number].installation).unwrap();
    }
    sim.settled().await;
    let forgotten = bound[1].installation.to_string();
    scene.json(&["installations", "reset", &forgotten, "--yes", "--note", "ann: restored"]);
    let keys = scene.json(&["keys", "list", "--organization", "org_4"]);
    scene.ok(&["keys", "revoke", keys[0]["keyId"].as_str().unwrap()]);
    bound
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_the_same_on_postgres_and_serve_goes_on_there() {
    let (scene, schema) = (Scene::start().await, TestSchema::new());
    std::fs::write(scene.path("forward-secret"), SECRET).unwrap();
    let secret = scene.text("forward-secret");
    // Nothing listens there yet.
    let nowhere = ["--forward-to", "http://127.0.0.1:1/", "--forward-secret-file", &secret];
    let server = scene.serve(&nowhere);
    let bound = prepare(&scene, &server).await;
    let answer = bound[0].backend.inspect(&server.api).await.unwrap().body;
    assert_eq!(server.end(), Some(0));
    fill(&scene, SystemClock.now()).await;
    let before = shown(|arguments| scene.json(arguments));
    assert!(!before[2]["deliveries"].as_array().unwrap().is_empty());

    let sealed = scene.json(&["move", "seal"]);
    assert_eq!(sealed["file"], scene.database().to_str().unwrap());
    let copied = json_of_both(&scene, &schema, &["move", "copy"]);
    let rows = |table: &str| {
        let tables = copied["tables"].as_array().unwrap();
        let found = tables.iter().find(|found| found["table"] == table).unwrap();
        found["postgres"]["rows"].as_u64().unwrap()
    };
    for table in ["apps", "api_keys", "budgets", "install_states", "installations", "bindings", "installers"]
    {
        assert!(rows(table) > 0, "{table}");
    }
    for table in
        ["installation_facts", "tombstone_resets", "outbox_entries", "outbox_bodies", "redelivery_scans"]
    {
        assert!(rows(table) > 0, "{table}");
    }
    let verified = json_of_both(&scene, &schema, &["move", "verify"]);
    assert_eq!(verified["same"], true, "{verified}");
    assert_eq!(shown(|arguments| json_of_both(&scene, &schema, arguments)), before);

    // Serve on PostgreSQL: the same answers, and the waiting messages.
    let product = Product::start().await;
    let options = ["--json", "--forward-to", &product.url, "--forward-secret-file", &secret];
    let server = Server::of(with_schema(scene.serve_command(&options), &schema));
    assert_eq!(server.announced["databaseFile"], Value::Null);
    scene.set_webhook(&server);
    assert_eq!(bound[0].backend.inspect(&server.api).await.unwrap().body, answer);
    let register =
        async |bound: &Bound| bound.backend.register(&server.api, bound.installation, &bound.state).await;
    let again = register(&bound[0]).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &bound[0].registered));
    assert_eq!(register(&bound[1]).await.unwrap().status, 422, "its state is spent");
    let ended = bound[2].backend.inspect(&server.api).await.unwrap();
    assert_eq!(ended.json()["status"], "uninstalled");
    assert_eq!(register(&bound[3]).await.unwrap().status, 401, "its key is revoked");
    let waiting = before[2]["deliveries"].as_array().unwrap();
    for organization in ["org_1", "org_2", "org_3", "org_4"] {
        let of_organization = waiting.iter().filter(|it| it["organization"] == organization);
        product.until_accepted(organization, of_organization.count()).await;
    }
    let messages = product.accepted("org_1");
    assert!(messages.iter().any(|message| message.envelope["payload"]["note"] == "ümläut"), "{messages:?}");
    let payload = json!({ "ref": "refs/heads/main" });
    scene.sim.sim().send_event(bound[0].installation, "push", payload.as_object().unwrap().clone()).unwrap();
    product.until_accepted("org_1", messages.len() + 1).await;
    let sequences: Vec<_> = product.accepted("org_1").iter().map(|message| message.sequence()).collect();
    let expected: Vec<_> = (1..=sequences.len() as u64).collect();
    assert_eq!(sequences, expected, "the queue goes on where it ended");
    assert_eq!(server.end(), Some(0));

    // What serve has changed is found.
    let (code, said, _) = run(&scene, &schema, &["move", "verify"]);
    assert!(code == 1 && said.contains("differs"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_return_the_same_from_both_databases() {
    let (scene, schema) = (Scene::start().await, TestSchema::new());
    let server = scene.serve(&[]);
    let bound = prepare(&scene, &server).await;
    let installations: Vec<u64> = bound.iter().map(|bound| bound.installation).collect();
    assert_eq!(server.end(), Some(0));
    fill(&scene, SystemClock.now()).await;
    let before = {
        let database = SqliteOptions::new(scene.database()).as_command().open().await.unwrap();
        let app = database.with_app(AppNumber::FIRST);
        stored(
            &SqliteStateStore::new(&app),
            &SqliteBindingRepo::new(&app),
            &SqliteDirectory::new(&app),
            &SqliteRedeliveryStore::new(&app),
            &installations,
        )
        .await
    };
    scene.ok(&["move", "seal"]);
    json_of_both(&scene, &schema, &["move", "copy"]);
    let app = schema.database().with_app(PgNumber::FIRST);
    let after = stored(
        &PgStateStore::new(&app),
        &PgBindingRepo::new(&app),
        &PgDirectory::new(&app),
        &PgRedeliveryStore::new(&app),
        &installations,
    )
    .await;
    assert!(before.states[0].as_ref().is_some_and(|state| state.pending.len() == 2), "{before:?}");
    assert!(before.states[1].as_ref().is_some_and(|state| state.claim.is_some() && state.answered.is_some()));
    assert!(before.scan.as_ref().is_some_and(|scan| scan.interrupted.is_some()));
    assert_eq!(before, after);
}
