use std::thread;

use async_trait::async_trait;
use dockline::transfer::{Cell, CellKind, TableRows, TransferRow, TransferTable};
use dockline::{PortError, PortName};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::sync::mpsc;

use super::sql;
use crate::error::SqliteError;

/// Rows that are handed over at once.
const BATCH: usize = 500;

/// Bytes of bodies that are handed over at once.
const BATCH_BYTES: usize = 4 << 20;

type Batch = Result<Vec<TransferRow>, SqliteError>;

/// The rows of a table of a sealed file, which a thread reads.
#[derive(Debug)]
pub struct SealedRows {
    batches: mpsc::Receiver<Batch>,
    batch: std::vec::IntoIter<TransferRow>,
}

impl SealedRows {
    pub(super) fn start(connection: Connection, table: &'static TransferTable) -> Result<Self, SqliteError> {
        let (send, batches) = mpsc::channel(2);
        let read = move || {
            if let Err(error) = read(&connection, table, &send) {
                // The caller may have left.
                drop(send.blocking_send(Err(error)));
            }
        };
        let spawned = thread::Builder::new().name("sqlite-rows".into()).spawn(read);
        spawned.map_err(|_| SqliteError::Overloaded)?;
        Ok(Self { batches, batch: Vec::new().into_iter() })
    }
}

#[async_trait]
impl TableRows for SealedRows {
    async fn next(&mut self) -> Result<Option<TransferRow>, PortError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            match self.batches.recv().await {
                Some(Ok(batch)) => self.batch = batch.into_iter(),
                Some(Err(error)) => return Err(error.of_port(PortName::Directory)),
                None => return Ok(None),
            }
        }
    }
}

fn read(
    connection: &Connection,
    table: &'static TransferTable,
    send: &mpsc::Sender<Batch>,
) -> Result<(), SqliteError> {
    let mut statement = connection.prepare(&sql::rows(table))?;
    let mut rows = statement.query(())?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let cells = cells(row, table)?;
        bytes += cells
            .iter()
            .map(|cell| if let Cell::Bytes(bytes) = cell { bytes.len() } else { 0 })
            .sum::<usize>();
        batch.push(cells);
        if batch.len() >= BATCH || bytes >= BATCH_BYTES {
            bytes = 0;
            if send.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(());
            }
        }
    }
    // The caller may have left.
    drop(send.blocking_send(Ok(batch)));
    Ok(())
}

fn cells(row: &Row<'_>, table: &'static TransferTable) -> Result<TransferRow, SqliteError> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(at, (name, kind))| {
            cell(row.get_ref(at)?, *kind).map_err(|error| SqliteError::corrupt(name, error))
        })
        .collect()
}

fn cell(value: ValueRef<'_>, kind: CellKind) -> Result<Cell, Box<dyn std::error::Error + Send + Sync>> {
    if value == ValueRef::Null {
        return Ok(Cell::Null);
    }
    Ok(match kind {
        CellKind::Flag => Cell::Flag(value.as_i64()? != 0),
        CellKind::Number => Cell::Number(value.as_i64()?),
        CellKind::Time => Cell::Time(value.as_i64()?),
        CellKind::Text => Cell::Text(value.as_str()?.to_owned()),
        CellKind::Bytes => Cell::Bytes(value.as_blob()?.to_owned()),
        CellKind::Json => Cell::Json(serde_json::from_str(value.as_str()?)?),
        CellKind::Texts => Cell::Texts(serde_json::from_str(value.as_str()?)?),
    })
}
