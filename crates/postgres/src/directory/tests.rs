//! Query plans and times of the first page, over many rows.

use std::fmt::Write;
use std::io::Cursor;
use std::pin::pin;

use deadpool_postgres::Object;
use dockline::ports::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
use dockline::{BindingState, InstallationId, OrganizationId, Proof};
use futures_util::SinkExt;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::types::{ToSql, Type};

use super::{
    HISTORY, HISTORY_TYPES, LIST_TYPES, PgDirectory, RARE, count, list, login_range, range_conditions,
};
use crate::test_schema::{SchemaGuard, unused, url};
use crate::{AppDatabase, AppNumber, Database, Migrator, open_pool};

/// The number of rows, unless `DOCKLINE_DIRECTORY_ROWS` sets another.
const ROWS: u64 = 30_000;

const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

fn rows() -> u64 {
    std::env::var("DOCKLINE_DIRECTORY_ROWS").map_or(ROWS, |rows| rows.parse().unwrap())
}

/// Copies rows into both tables. The rare ones are at the end of the list's order, where a scan in this order finds them
/// last: suspended, missing, ending, absent, deleted, imported, and stale ones, each about a thousandth.
async fn fill(session: &Object, database: &Database, rows: u64) {
    let copy = async |target: &str, text: String| {
        let statement = format!("COPY {}.{target} FROM STDIN", database.schema());
        let mut sink = pin!(session.copy_in::<_, Cursor<Vec<u8>>>(&statement).await.unwrap());
        sink.send(Cursor::new(text.into_bytes())).await.unwrap();
        sink.close().await.unwrap();
    };
    let rare = (rows / 1_000).max(10);
    for chunk in 0..rows.div_ceil(50_000) {
        let (mut installations, mut bindings) = (String::new(), String::new());
        for n in chunk * 50_000..rows.min((chunk + 1) * 50_000) {
            let (mut status, mut missing, mut ending, mut by, mut proof) =
                ("active", r"\N	\N	\N", r"\N", r"\N", "administered");
            let mut verified = "2026-03-01 11:30Z";
            match (rows - 1 - n) / rare {
                0 => status = "suspended",
                1 => missing = "2026-03-01 11:00Z	3	2026-03-01 11:20Z",
                2 => ending = "2026-03-01 11:00Z",
                3 => (status, by) = ("uninstalled", "absence"),
                4 => (status, by) = ("uninstalled", "deletion"),
                5 => proof = "imported",
                6 => verified = "2026-02-01 12:00Z",
                _ => {}
            }
            let (id, letter) = (n + 1, char::from(b'a' + u8::try_from(n * 7 % 26).unwrap()));
            writeln!(
                installations,
                "{id}\torg_{n:08}\t{id}\t{letter}-account-{n}\tUser\t{status}\t{verified}\t{verified}\t2026-03-01 13:00Z\t\
                 {missing}\t{ending}\t{by}\t1"
            )
            .unwrap();
            writeln!(
                bindings,
                "org_{n:08}\t\\\\x{n:064x}\t{id}\t{proof}\t77\tuser:ann\t2026-02-01 12:00Z\t1"
            )
            .unwrap();
        }
        copy(
            "installations (installation_id, organization, account_id, account_login, account_kind, status, verified_at, \
             observed_at, next_look_at, missing_since, missing_looks, missing_last, ending_since, uninstalled_by, generation)",
            installations,
        )
        .await;
        copy(
            "bindings (organization, spent, installation_id, proof, proven_by, actor, registered_at, app)",
            bindings,
        )
        .await;
    }
    let schema = database.schema();
    session.batch_execute(&format!("ANALYZE {schema}.installations, {schema}.bindings")).await.unwrap();
}

async fn filled(rows: u64) -> (SchemaGuard, AppDatabase) {
    let (guard, schema) = unused();
    let database = Database::new(open_pool(&url().into(), 1).unwrap()).with_schema(schema);
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    let session = database.pool().get().await.unwrap();
    fill(&session, &database, rows).await;
    drop(session);
    (guard, database.with_app(AppNumber::FIRST))
}

/// Executes the statement with these values and returns its plan with times.
async fn explain(
    database: &AppDatabase,
    template: &str,
    types: &[Type],
    values: &[&(dyn ToSql + Sync)],
) -> String {
    let text = database.database().schema().qualify(&template.replace("{app}", "1"));
    let session = database.database().pool().get().await.unwrap();
    let typed: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
    let lines = session.query_typed(&format!("EXPLAIN (ANALYZE, COSTS OFF) {text}"), &typed).await.unwrap();
    lines.iter().map(|line| line.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

/// Returns the plans of the statements that a page takes.
async fn explain_list(database: &AppDatabase, query: &DirectoryQuery) -> String {
    let directory = PgDirectory::new(database);
    let explained = async |template: &str, limit: i64| {
        let (low, high) = query.login.as_ref().map(login_range).unzip();
        let (state, proof) = (query.state.map(BindingState::as_str), query.proof.map(Proof::as_str));
        let values: [&(dyn ToSql + Sync); 10] = [
            &query.organization.as_ref().map(OrganizationId::as_str),
            &query.installation.map(i64::from),
            &query.account.map(i64::from),
            &low,
            &high,
            &state,
            &proof,
            &query.verified_before,
            &query.after.as_ref().map(OrganizationId::as_str),
            &limit,
        ];
        explain(database, template, LIST_TYPES, &values).await
    };
    match range_conditions(query) {
        Some(conditions) => {
            let is_rare = directory.matches(query, &conditions).await.unwrap() < RARE;
            let counted = explained(&count(&conditions), RARE).await;
            format!("{counted}\n{}", explained(&list(query, is_rare), 51).await)
        }
        None => explained(&list(query, false), 51).await,
    }
}

/// The maximum of rows that a node of a plan may read for a page of 51: those of a rare condition, and those that a condition
/// on one in 26 passes over.
const MOST_ROWS: f64 = 5_000.0;

/// The largest number of rows that a node returned or removed.
fn most_rows(plans: &str) -> f64 {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        text.get(..end).and_then(|number| number.parse::<f64>().ok())
    };
    let returned = plans.split(" rows=").skip(1).filter_map(number);
    let removed = plans.split("Rows Removed by Filter: ").skip(1).filter_map(number);
    returned.chain(removed).fold(0.0, f64::max)
}

/// The milliseconds of executed plans.
fn milliseconds(plans: &str) -> f64 {
    let times = plans.lines().filter_map(|line| line.trim().strip_prefix("Execution Time: "));
    times.map(|time| time.trim_end_matches(" ms").parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn first_page_is_read_by_index_whatever_the_condition() {
    let rows = rows();
    let (_guard, database) = filled(rows).await;
    let all = DirectoryQuery::default;
    let organization = |n: u64| Some(OrganizationId::new(format!("org_{n:08}")).unwrap());
    let state = |state| DirectoryQuery { state: Some(state), ..DirectoryQuery::default() };
    let login = |login| DirectoryQuery { login: Some(login), ..DirectoryQuery::default() };
    let queries = [
        ("no condition", all()),
        ("after the middle", DirectoryQuery { after: organization(rows / 2), ..all() }),
        ("organization", DirectoryQuery { organization: organization(rows / 2), ..all() }),
        ("installation", DirectoryQuery { installation: InstallationId::new(rows / 2).ok(), ..all() }),
        ("account", DirectoryQuery { account: dockline::AccountId::new(rows / 2).ok(), ..all() }),
        ("state active", state(BindingState::Active)),
        ("state suspended", state(BindingState::Suspended)),
        ("state missing", state(BindingState::Missing)),
        ("state ending", state(BindingState::Ending)),
        ("state absent", state(BindingState::Absent)),
        ("state uninstalled", state(BindingState::Uninstalled)),
        ("proof administered", DirectoryQuery { proof: Some(Proof::Administered), ..all() }),
        ("proof imported", DirectoryQuery { proof: Some(Proof::Imported), ..all() }),
        ("login", login(LoginFilter::Exact("A-account-0".into()))),
        ("login prefix, many", login(LoginFilter::Prefix("b".into()))),
        ("login prefix, few", login(LoginFilter::Prefix("a-account-26".into()))),
        (
            "unverified, few",
            DirectoryQuery { verified_before: Some(datetime!(2026-02-15 12:00 UTC)), ..all() },
        ),
        ("unverified, all", DirectoryQuery { verified_before: Some(NOON), ..all() }),
        (
            "suspended and login prefix",
            DirectoryQuery { login: Some(LoginFilter::Prefix("b".into())), ..state(BindingState::Suspended) },
        ),
    ];
    for (name, query) in queries {
        // The first execution reads the pages into memory.
        explain_list(&database, &query).await;
        let plan = explain_list(&database, &query).await;
        let found = PgDirectory::new(&database).list(&query, 51).await.unwrap();
        println!("{name}: {} rows in {} ms\n{plan}\n", found.len(), milliseconds(&plan));
        assert!(!found.is_empty(), "{name}");
        assert!(most_rows(&plan) <= MOST_ROWS, "{name}\n{plan}");
    }
}

#[tokio::test]
async fn history_is_read_by_index() {
    let rows = rows();
    let (_guard, database) = filled(rows).await;
    let organization = format!("org_{:08}", rows / 2);
    let installation = i64::try_from(rows / 2).unwrap();
    let none: Option<&str> = None;
    let values: [&(dyn ToSql + Sync); 6] =
        [&organization, &installation, &None::<OffsetDateTime>, &none, &None::<i64>, &100_i64];
    for whose in ["organization = $1", "installation_id = $2"] {
        let template =
            format!("{HISTORY}{whose} ORDER BY registered_at, organization, installation_id LIMIT $6");
        let plan = explain(&database, &template, HISTORY_TYPES, &values).await;
        println!("history by {whose}: {} ms\n{plan}\n", milliseconds(&plan));
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
    let of = HistoryOf::Installation(InstallationId::new(rows / 2).unwrap());
    assert_eq!(PgDirectory::new(&database).history(&of, None, 100).await.unwrap().len(), 1);
}
