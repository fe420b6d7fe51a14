//! `dockline organizations`: what is exported, and that nothing is left of what is erased.

use std::process::{Command, Output};

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::faults::lifecycle::bound;
use crate::schema::TestSchema;
use crate::server::{Github, Server, run};

fn stderr(ended: &Output) -> String {
    String::from_utf8(ended.stderr.clone()).unwrap()
}

/// Returns the schema as SQL, as `pg_dump` writes it.
fn dump(schema: &TestSchema) -> String {
    let program = dump_program();
    let mut command = Command::new(&program);
    command.arg(format!("--schema={}", schema.name)).arg(schema.url.expose_secret());
    let ended = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(ended.status.success(), "{}", stderr(&ended));
    with_bodies(&String::from_utf8(ended.stdout).unwrap())
}

/// Adds the text of bodies, which a dump has in hexadecimal.
fn with_bodies(dump: &str) -> String {
    let bodies = dump.split("\\\\x").skip(1).filter_map(|after| {
        let digits = after.split(|c: char| !c.is_ascii_hexdigit()).next()?;
        let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        String::from_utf8(bytes?).ok()
    });
    [dump.to_owned()].into_iter().chain(bodies).collect::<Vec<_>>().join("\n")
}

/// The program of the server's own version: an older one refuses to dump.
fn dump_program() -> String {
    if let Some(folder) = std::env::var_os("DOCKLINE_POSTGRES_BIN") {
        return format!("{}/pg_dump", folder.to_str().unwrap());
    }
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = debian.map(|folder| folder.path().join("bin/pg_dump")).filter(|path| path.is_file()).max();
    newest.map_or_else(|| "pg_dump".to_owned(), |path| path.to_str().unwrap().to_owned())
}

/// Returns how often the text is in the dump; a number only as a whole one, since it may be part of a time or a digest.
fn count(dump: &str, needle: &str) -> usize {
    if needle.bytes().all(|byte| byte.is_ascii_digit()) {
        dump.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| *word == needle).count()
    } else {
        dump.matches(needle).count()
    }
}

/// Asserts that the dump does not contain the text, and shows where it does.
fn assert_gone(dump: &str, needle: &str) {
    let lines: Vec<_> = dump.lines().filter(|line| count(line, needle) > 0).collect();
    assert!(lines.is_empty(), "{needle} is left: {lines:?}");
}

/// Fills every table with rows of `org_0` and `org_1`, whose installations the users `account-0` and `account-1` own.
async fn scene(schema: &TestSchema, github: &Github) -> Vec<u64> {
    let server = Server::start(schema, github, "127.0.0.1:0");
    let bound = bound(schema, github, &server.api, 2).await;
    let mut accounts = Vec::new();
    for (number, (backend, installation)) in bound.iter().enumerate() {
        backend.state(&server.api).await;
        let account = github.sim.sim().installation(*installation).unwrap().account_id;
        accounts.push(account);
        let (visitor, installer) = (7_000_001 + number, 8_000_001 + number);
        let states = "pending = '[{\"visitor\": $visitor, \"account\": $account}]'";
        let statements = format!(
            "UPDATE $schema.bindings SET proven_by = $visitor, actor = 'user:person-{number}' \
              WHERE organization = 'org_{number}'; \
             UPDATE $schema.install_states SET {states}, actor = 'user:person-{number}' \
              WHERE organization = 'org_{number}'; \
             UPDATE $schema.installation_facts \
              SET facts = jsonb_set(facts, '{{suspendedBy}}', '{{\"id\": $visitor, \"login\": \"suspender-{number}\"}}') \
              WHERE installation_id = {installation}; \
             INSERT INTO $schema.installers (installation_id, installer, noted_at) \
              VALUES ({installation}, {installer}, now()); \
             UPDATE $schema.installations SET previous = '{{\"login\": \"account-{number}\"}}' \
              WHERE installation_id = {installation}; \
             INSERT INTO $schema.outbox_queues (app, organization, last_sequence) VALUES (1, 'org_{number}', 1); \
             INSERT INTO $schema.outbox_entries (app, organization, sequence, id, installation_id, guid, digest, event, \
              size, has_body, received_at, status) \
              VALUES (1, 'org_{number}', 1, 'gh_1_guid-{number}', {installation}, 'guid-{number}', \
              sha256('guid-{number}'), 'push', 2, true, now(), 'waiting'); \
             INSERT INTO $schema.outbox_bodies (app, organization, sequence, body) \
              VALUES (1, 'org_{number}', 1, '{{\"sender\": \"account-{number}\"}}')"
        );
        let filled =
            statements.replace("$visitor", &visitor.to_string()).replace("$account", &account.to_string());
        schema.execute(&filled).await;
    }
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn forget_leaves_no_identifier_in_a_dump_of_the_schema() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let accounts = scene(&schema, &github).await;
    let before = dump(&schema);
    let needles = |number: usize| {
        [
            format!("org_{number}"),
            format!("person-{number}"),
            format!("account-{number}"),
            format!("suspender-{number}"),
            (7_000_001 + number).to_string(),
            (8_000_001 + number).to_string(),
            accounts[number].to_string(),
        ]
    };
    for needle in needles(0).iter().chain(&needles(1)) {
        assert!(count(&before, needle) > 0, "the scene must contain {needle}");
    }
    let asked = run(&schema, &["organizations", "forget", "org_0"]);
    assert_eq!(asked.status.code(), Some(2), "{}", stderr(&asked));
    let forgotten = run(&schema, &["organizations", "forget", "org_0", "--yes", "--json"]);
    assert_eq!(forgotten.status.code(), Some(0), "{}", stderr(&forgotten));
    let numbers: Value = serde_json::from_slice(&forgotten.stdout).unwrap();
    assert_eq!((&numbers["apiKeys"], &numbers["bindings"]), (&1.into(), &1.into()), "{numbers}");
    assert_eq!(numbers["messages"], 1, "{numbers}");
    let after = dump(&schema);
    for needle in needles(0) {
        assert_gone(&after, &needle);
    }
    for needle in needles(1) {
        assert_eq!(
            count(&after, &needle),
            count(&before, &needle),
            "{needle} of another organization changed"
        );
    }
    assert_eq!(count(&after, "forgotten-"), 3, "organization and actors of the history have a pseudonym");
}

#[tokio::test(flavor = "multi_thread")]
async fn forget_of_a_github_user_leaves_no_number_of_theirs() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    scene(&schema, &github).await;
    for (user, fields) in [("7000001", ["bindings", "states"]), ("8000001", ["installers", "installers"])] {
        let forgotten = run(&schema, &["organizations", "forget", "--github-user", user, "--yes", "--json"]);
        let numbers: Value = serde_json::from_slice(&forgotten.stdout).unwrap();
        for field in fields {
            assert!(numbers[field].as_u64() > Some(0), "{field}: {numbers}");
        }
        assert_gone(&dump(&schema), user);
    }
    let dump = dump(&schema);
    assert_gone(&dump, "suspender-0");
    assert!(count(&dump, "org_0") > 0 && count(&dump, "7000002") > 0);
}

/// Bodies of messages that are done or dead, and changes of an installation that was released. What the
/// product has yet to get stays whole.
#[tokio::test(flavor = "multi_thread")]
async fn forget_of_a_github_user_leaves_no_message_with_their_number_but_those_that_have_to_be_sent() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    schema
        .execute("INSERT INTO $schema.outbox_queues (app, organization, last_sequence) VALUES (1, '', 0)")
        .await;
    let bound = bound(&schema, &github, &server.api, 1).await;
    let user = github.sim.sim().installation(bound[0].1).unwrap().account_id;
    let detached = run(&schema, &["bindings", "detach", "org_0", "--yes", "--actor", "ops:eve"]);
    assert_eq!(detached.status.code(), Some(0), "{}", stderr(&detached));
    let changes = schema.number("SELECT count(*) FROM $schema.outbox_entries WHERE change IS NOT NULL").await;
    assert!(changes >= 2, "{changes}");
    let body = format!("{{\"sender\": {{\"id\": {user}}}}}");
    for (sequence, status) in [(101, "done"), (102, "dead"), (103, "waiting"), (104, "set_aside")] {
        schema
            .execute(&format!(
                "INSERT INTO $schema.outbox_entries (app, organization, sequence, id, guid, digest, event, size, has_body, \
                  received_at, status, settled_at) \
                  VALUES (1, 'org_0', {sequence}, 'gh_1_guid-{sequence}', 'guid-{sequence}', sha256('{sequence}'), 'push', \
                   {}, true, now(), '{status}', CASE WHEN '{status}' IN ('done', 'dead') THEN now() END); \
                 INSERT INTO $schema.outbox_bodies (app, organization, sequence, body) \
                  VALUES (1, 'org_0', {sequence}, '{body}')",
                body.len(),
            ))
            .await;
    }
    let user = user.to_string();
    let before = count(&dump(&schema), &user);
    assert!(before > 6, "{before}");
    let forget = || {
        let ended = run(&schema, &["organizations", "forget", "--github-user", &user, "--yes", "--json"]);
        assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
        serde_json::from_slice::<Value>(&ended.stdout).unwrap()
    };
    let numbers = forget();
    assert_eq!(
        (&numbers["stillWaiting"], &numbers["messages"]),
        (&2.into(), &(changes + 2).into()),
        "{numbers}"
    );
    // Only the two bodies that the product has yet to get.
    assert_eq!(count(&dump(&schema), &user), 2);
    let types = schema
        .text("SELECT string_agg(change #>> '{after,account,login}', ' ') FROM $schema.outbox_entries WHERE change IS NOT NULL")
        .await;
    assert!(types.split(' ').all(|login| login == "forgotten"), "{types}");
    let retried = run(&schema, &["deliveries", "retry", "gh_1_guid-101", "gh_1_guid-102", "--json"]);
    assert_eq!(retried.status.code(), Some(1));
    assert_eq!(String::from_utf8(retried.stdout).unwrap().matches("body_deleted").count(), 2);
    schema
        .execute("UPDATE $schema.outbox_entries SET status = 'done', settled_at = now() WHERE status <> 'done' AND has_body")
        .await;
    assert_eq!(forget()["stillWaiting"], 0);
    assert_gone(&dump(&schema), &user);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_rows_of_every_table_and_no_secret() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    scene(&schema, &github).await;
    let exported = run(&schema, &["organizations", "export", "org_0"]);
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    let text = String::from_utf8(exported.stdout).unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["organizationId"], "org_0");
    for table in [
        "apiKeys",
        "budgets",
        "installStates",
        "messageQueues",
        "messages",
        "bindings",
        "installations",
        "installationFacts",
        "installers",
    ] {
        assert!(!object[table].as_array().unwrap().is_empty(), "{table}");
    }
    assert_eq!(object["installStates"][0]["pending"][0]["visitor"], 7_000_001);
    for foreign in ["org_1", "person-1", "7000002", "secret_hash", "digest", "spent", "ticket"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    // Every table with a column of the organization is exported.
    let tables = schema
        .text(
            "SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.columns \
             WHERE table_schema = '$schema' AND column_name = 'organization'",
        )
        .await;
    assert_eq!(
        tables,
        "api_keys bindings install_states installations outbox_bodies outbox_entries outbox_queues"
    );
    let unknown = run(&schema, &["organizations", "export", "org_9"]);
    assert_eq!(unknown.status.code(), Some(1));
}
