//! A receiver on a real socket, which answers with scripted bytes and records the requests.

use std::sync::{Arc, Mutex};

use dockline::{
    AppId, DeliveryGuid, EntryContent, EntryStatus, FailureRecord, InstallationId, MessageId, OrganizationId,
    OutboxEntry, OutboxMessage,
};
use dockline_forward::{HttpSender, SigningSecret, SigningSecrets};
use http::{HeaderMap, HeaderName, HeaderValue};
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const APP: u64 = 1234;
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Starts a receiver that answers every request with these bytes.
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&received);
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, connections, Arc::clone(&answer), Arc::clone(&requests)));
                connections += 1;
            }
        });
        Self { url, received }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Answers the requests of a connection, which stays open.
async fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: Arc<Vec<u8>>,
    received: Arc<Mutex<Vec<Received>>>,
) {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                break String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap();
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers: HeaderMap = lines
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        while bytes.len() < length {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request was cut");
        }
        let rest = bytes.split_off(length);
        let body = std::mem::replace(&mut bytes, rest);
        received.lock().unwrap().push(Received { line, headers, body, connection });
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

pub(crate) fn secrets(secrets: &[&str]) -> SigningSecrets {
    let secrets = secrets.iter().map(|secret| SigningSecret::parse(&(*secret).into()).unwrap());
    SigningSecrets::new(secrets).unwrap()
}

/// A sender to the URL with one secret.
pub(crate) fn sender(url: &str) -> HttpSender {
    HttpSender::new(AppId::new(APP).unwrap(), url.parse().unwrap(), secrets(&[SECRET])).unwrap()
}

/// A `pull_request` delivery with this payload.
pub(crate) fn message(payload: impl Into<Vec<u8>>) -> OutboxMessage {
    let body = payload.into();
    let guid = DeliveryGuid::new("72d3162e-cc78-11e3-81ab-4c9367dc0958").unwrap();
    let entry = OutboxEntry {
        id: MessageId::of_delivery(AppId::new(APP).unwrap(), &guid),
        organization: Some(OrganizationId::new("org_acme").unwrap()),
        installation: Some(InstallationId::new(50_291_845).unwrap()),
        sequence: 42,
        content: EntryContent::Delivery {
            event: "pull_request".to_owned(),
            action: Some("opened".to_owned()),
            guid,
        },
        size: body.len() as u64,
        received_at: datetime!(2026-04-18 19:14:09.123456 UTC),
        status: EntryStatus::Waiting,
        failures: FailureRecord::default(),
        next_attempt_at: Some(datetime!(2026-04-18 19:14:09.123456 UTC)),
        done_at: None,
    };
    OutboxMessage { entry, body }
}
