//! Kills processes amid their writes: everything that was acknowledged is there afterwards, and nothing is there by half (I24, I37).
//!
//! `DOCKLINE_KILLS=100 cargo test -p dockline-sqlite --test kills` kills a hundred; without the variable it is five.
//! `DOCKLINE_SEED` repeats a run.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};

use dockline::OutboxBounds;
use dockline::ports::{BindingRepo, StateStore};
use dockline_sqlite::{
    AppNumber, SqliteBindingRepo, SqliteDatabase, SqliteOptions, SqliteOutbox, SqliteStateStore,
};
use dockline_testkit::fixtures::{NOON, binding_of, digest, organization, state_of};
use dockline_testkit::runner::block_on;
use rusqlite::Connection;

/// The calls that a process makes at the same time, so that they share transactions.
const TOGETHER: u64 = 8;

/// Writes, and prints what is acknowledged.
const WRITE: &str = "write";

/// Prints before it writes, which the check must find.
const BOAST: &str = "boast";

fn main() {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some(mode @ (WRITE | BOAST)), Some(path), Some(first)) => {
            block_on(write(Path::new(&path), first.parse().unwrap(), mode == BOAST));
        }
        // The arguments of the test runner do not matter.
        _ => kill_all(),
    }
}

/// Stores a state and a binding for each number from `first` on, and prints each number once both are acknowledged.
async fn write(path: &Path, first: u64, boasts: bool) {
    let database = SqliteOptions::new(path).as_server().open().await.unwrap();
    let app = database.with_app(AppNumber::FIRST);
    SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let (bindings, states) = (SqliteBindingRepo::new(&app), SqliteStateStore::new(&app));
    let mut calls = tokio::task::JoinSet::new();
    for number in first.. {
        let (bindings, states) = (bindings.clone(), states.clone());
        calls.spawn(async move {
            let print = || {
                let mut out = stdout().lock();
                writeln!(out, "{number}").and_then(|()| out.flush()).unwrap();
            };
            if boasts {
                print();
            }
            let (name, state) = (format!("org_{number}"), digest(&number.to_string()));
            states.put(state_of(&name, state, NOON)).await.unwrap();
            bindings.insert(binding_of(&name, number, state)).await.unwrap();
            if !boasts {
                print();
            }
        });
        if number >= first + TOGETHER {
            calls.join_next().await.unwrap().unwrap();
        }
    }
}

fn kill_all() {
    let number = |name: &str| env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let kills = number("DOCKLINE_KILLS").unwrap_or(5);
    let seed = number("DOCKLINE_SEED").unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dockline.sqlite");
    let (mut acknowledged, mut next) = (Vec::new(), 1);
    for round in 1..=kills {
        let fresh = written_until_killed(&path, WRITE, next, random.usize(1..150));
        // Numbers that were begun and not acknowledged are used no more.
        next = fresh.iter().max().map_or(next, |last| last + 1) + 2 * TOGETHER;
        acknowledged.extend(fresh);
        let round = format!("round {round}, DOCKLINE_SEED={seed}");
        assert_eq!(lost(&path, &acknowledged, &round), [0_u64; 0], "{round}");
    }
    let path = folder.path().join("control.sqlite");
    let boasted = written_until_killed(&path, BOAST, 1, 50);
    assert!(!lost(&path, &boasted, "control").is_empty(), "the check finds nothing");
    println!("{kills} kills: all of {} acknowledged registrations are there", acknowledged.len());
}

/// Lets a process write, kills it after it has acknowledged `most` numbers, and returns all that it acknowledged.
fn written_until_killed(path: &Path, mode: &str, first: u64, most: usize) -> Vec<u64> {
    let mut process = Command::new(env::current_exe().unwrap())
        .arg(mode)
        .arg(path)
        .arg(first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut numbers: Vec<u64> =
        lines.by_ref().take(most).map(|line| line.unwrap().parse().unwrap()).collect();
    assert_eq!(numbers.len(), most, "the process ended by itself");
    process.kill().unwrap();
    process.wait().unwrap();
    // What it printed before it died.
    numbers.extend(lines.map(|line| line.unwrap().parse::<u64>().unwrap()));
    numbers
}

/// Checks the file, and returns the numbers whose state or binding is missing.
fn lost(path: &Path, acknowledged: &[u64], round: &str) -> Vec<u64> {
    let connection = Connection::open(path).unwrap();
    let asked = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(found, "ok", "{round}");
    assert_eq!(asked("SELECT count(*) FROM pragma_foreign_key_check"), 0, "{round}");
    // A binding, its installation and its message are one step.
    let bindings = asked("SELECT count(*) FROM bindings");
    assert_eq!(
        asked("SELECT count(*) FROM installations WHERE organization IS NOT NULL"),
        bindings,
        "{round}"
    );
    assert_eq!(asked("SELECT count(*) FROM outbox_entries"), bindings, "{round}");
    drop(connection);
    block_on(async {
        let database = SqliteDatabase::open(path).await.unwrap();
        let app = database.with_app(AppNumber::FIRST);
        let (repo, states) = (SqliteBindingRepo::new(&app), SqliteStateStore::new(&app));
        let mut lost = Vec::new();
        for number in acknowledged {
            let name = organization(&format!("org_{number}"));
            let binding = repo.find(&name).await.unwrap();
            let state = states.find(&name, &digest(&number.to_string())).await.unwrap();
            let is_bound = binding.is_some_and(|found| found.installation.get() == *number);
            if !is_bound || state.is_none() {
                lost.push(*number);
            }
        }
        lost
    })
}
