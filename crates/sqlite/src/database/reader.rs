//! The threads with connections that only read.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection::Expiry;
use super::job::Job;

/// The calls that wait for a reader. The thread that holds the lock gets the next one.
pub(super) type Waiting = Arc<Mutex<Receiver<Box<dyn Job>>>>;

/// Executes calls, each in a transaction, so that its statements read one version of the file.
pub(super) fn run(connection: &Connection, expiry: &Expiry, jobs: &Waiting) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        if !job.is_wanted() {
            continue;
        }
        expiry.set(Some(job.deadline()));
        if let Err(error) = connection.execute_batch("BEGIN") {
            job.fail(error.into());
        } else {
            job.run(connection);
            if !connection.is_autocommit() {
                // If this fails, the next transaction cannot begin, and reports it.
                drop(connection.execute_batch("ROLLBACK"));
            }
        }
        expiry.set(None);
        job.answer();
    }
}
