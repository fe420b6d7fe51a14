//! What reaches PostgreSQL.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::schema::TestSchema;

/// Only a failing test waits this long.
const LONG: Duration = Duration::from_secs(60);

/// A proxy in front of PostgreSQL that counts executed statements and can hold them.
pub(super) struct Meter {
    pub(super) url: String,
    statements: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

impl Meter {
    pub(super) async fn before(schema: &TestSchema) -> Self {
        let mut url = reqwest::Url::parse(schema.url.expose_secret()).unwrap();
        let database = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(address.port())).unwrap();
        url.set_query(Some("sslmode=disable"));
        let statements = watch::Sender::new(0);
        let counted = statements.clone();
        let held = watch::Sender::new(false);
        let holds = held.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&database).await.unwrap();
                let ((from_client, mut to_client), (mut from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(forward(from_client, to_server, counted.clone(), holds.subscribe()));
            }
        });
        Self { url: url.into(), statements, held }
    }

    /// Returns the statements since the last call.
    pub(super) fn take(&self) -> usize {
        self.statements.send_replace(0)
    }

    /// Holds the statements that are sent to PostgreSQL from now on.
    pub(super) fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Sends what was held.
    pub(super) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Waits until so many statements were sent, or are held, since the last [`Self::take`].
    pub(super) async fn until(&self, statements: usize) {
        let mut sent = self.statements.subscribe();
        let reached = sent.wait_for(|sent| *sent >= statements);
        tokio::time::timeout(LONG, reached).await.expect("no statement was sent").unwrap();
    }
}

/// Forwards the client's messages and counts Execute (`E`) and Query (`Q`).
async fn forward(
    mut client: OwnedReadHalf,
    mut server: tokio::net::tcp::OwnedWriteHalf,
    counted: watch::Sender<usize>,
    mut held: watch::Receiver<bool>,
) -> std::io::Result<()> {
    // The startup message has a length, but no type.
    let mut header = vec![0_u8; 4];
    loop {
        client.read_exact(&mut header).await?;
        let length: [u8; 4] = header[header.len() - 4..].try_into().unwrap();
        let mut message = vec![0_u8; u32::from_be_bytes(length) as usize - 4];
        client.read_exact(&mut message).await?;
        if header.len() == 5 && matches!(header[0], b'E' | b'Q') {
            counted.send_modify(|counted| *counted += 1);
            // An error means that the test is over.
            let _ = held.wait_for(|held| !held).await;
        }
        server.write_all(&[header.as_slice(), &message].concat()).await?;
        header = vec![0_u8; 5];
    }
}
