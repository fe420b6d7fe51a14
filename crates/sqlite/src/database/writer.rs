//! The thread with the only writing connection of this process.

use std::slice;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::connection::Expiry;
use super::job::{Durability, Job};
use super::locks::{TURN_PAUSE, Turn};
use crate::error::SqliteError;

/// The number of calls that share a transaction.
const MOST_TOGETHER: usize = 64;

/// How long a write that need not be on disk at once may stay in the system's memory.
const SOON: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    connection: Connection,
    expiry: Expiry,
    turn: Turn,
    /// What `PRAGMA synchronous` is set to.
    durability: Durability,
    /// When the log was written to disk for the last time.
    synced_at: Option<Instant>,
    /// The number of changed rows before the transaction.
    changes: u64,
}

impl Writer {
    /// Takes a connection with `synchronous=FULL` that does not wait for SQLite's lock by itself.
    pub(super) const fn new(connection: Connection, expiry: Expiry, turn: Turn) -> Self {
        Self { connection, expiry, turn, durability: Durability::AtOnce, synced_at: None, changes: 0 }
    }

    /// Executes calls until all senders are gone. Those that wait at the same time share a transaction.
    pub(super) fn run(&mut self, jobs: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            group.extend(jobs.try_iter().take(MOST_TOGETHER - 1));
            // A call whose caller has left has no effect.
            group.retain(|job| job.is_wanted());
            if !self.execute(&mut group) {
                // One call's failure ended the transaction of all.
                for job in &mut group {
                    self.execute(slice::from_mut(job));
                }
            }
            for job in group {
                job.answer();
            }
        }
    }

    /// Executes the calls in one transaction. Returns `false`, and has no effect, if they have to be executed one by one.
    fn execute(&mut self, group: &mut [Box<dyn Job>]) -> bool {
        let Some(latest) = group.iter().map(|job| job.deadline()).max() else { return true };
        let durability = group.iter().map(|job| job.durability()).max().unwrap_or(Durability::AtOnce);
        if let Err(error) = self.begin(durability, latest) {
            let [job] = group else {
                if !is_busy(&error) {
                    return false;
                }
                for job in group {
                    job.fail(busy());
                }
                return true;
            };
            job.fail(error.into());
            return true;
        }
        let written = if let [job] = group { self.alone(job) } else { self.together(group) };
        if written.is_ok() {
            return true;
        }
        if !self.connection.is_autocommit() {
            // If this fails, too, the next transaction cannot begin, and reports it.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        let Err(failure) = written else { return true };
        match (group, failure) {
            ([job], Some(error)) => job.fail(error.into()),
            ([_], None) => {}
            _ => return false,
        }
        true
    }

    /// Begins a transaction once no other process writes, after those that waited before.
    fn begin(&mut self, durability: Durability, until: Instant) -> Result<(), rusqlite::Error> {
        let is_due = self.synced_at.is_none_or(|synced| synced.elapsed() >= SOON);
        let durability = if is_due { Durability::AtOnce } else { durability };
        if durability != self.durability {
            let level = match durability {
                Durability::Soon => "NORMAL",
                Durability::AtOnce => "FULL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        self.changes = self.connection.total_changes();
        let _taken = self.turn.wait(until);
        loop {
            match self.connection.execute_batch("BEGIN IMMEDIATE") {
                Err(error) if is_busy(&error) && Instant::now() < until => thread::sleep(TURN_PAUSE),
                begun => return begun,
            }
        }
    }

    /// Executes and commits one call. The error is `None` if the call itself failed.
    fn alone(&mut self, job: &mut Box<dyn Job>) -> Result<(), Option<rusqlite::Error>> {
        if !self.call(job) {
            return Err(None);
        }
        self.commit().map_err(Some)
    }

    /// Executes each call in a savepoint, and commits those that succeed. The error means that no call had an effect.
    fn together(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Option<rusqlite::Error>> {
        for job in group {
            self.connection.execute_batch("SAVEPOINT call").map_err(Some)?;
            let is_success = self.call(job);
            if self.connection.is_autocommit() {
                // SQLite rolls everything back if the disk is full, for example.
                return Err(None);
            }
            let end = if is_success { "RELEASE call" } else { "ROLLBACK TO call; RELEASE call" };
            self.connection.execute_batch(end).map_err(Some)?;
        }
        self.commit().map_err(Some)
    }

    fn call(&self, job: &mut Box<dyn Job>) -> bool {
        if !job.is_wanted() {
            // The wait for the transaction took all its time.
            job.fail(busy());
            return false;
        }
        self.expiry.set(Some(job.deadline()));
        let is_success = job.run(&self.connection);
        self.expiry.set(None);
        is_success
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        self.connection.execute_batch("COMMIT")?;
        // A transaction without changes writes nothing to disk, not even earlier ones.
        let has_changed = self.connection.total_changes() != self.changes;
        if has_changed && self.durability == Durability::AtOnce {
            self.synced_at = Some(Instant::now());
        }
        Ok(())
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn busy() -> SqliteError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    SqliteError::Sqlite(rusqlite::Error::SqliteFailure(code, None))
}
