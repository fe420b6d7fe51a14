//! Posts what waits in the outbox.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{HOST, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::delivery::{Delivery, Outcome};
use crate::error::SimError;
use crate::sim::GithubSim;

/// How much of an answer's body is kept.
const ANSWER_LIMIT: usize = 64 * 1024;
/// How long to wait where only the simulator's clock says when something is due.
const LONGEST_NAP: Duration = Duration::from_secs(3600);

impl GithubSim {
    /// Waits until every delivery that may be posted was posted, and answered or given up. First it releases what
    /// [`DeliveryMode::Shuffled`](crate::DeliveryMode::Shuffled) collected; it waits neither for what is held nor for what is not yet due.
    ///
    /// It posts itself what nobody else is posting: it works without a running server, too. Must be called on a tokio runtime.
    pub async fn settled(&self) {
        self.release_shuffled();
        self.post_what_waits().await;
    }

    /// Posts a delivery now, by hand: in any mode, at any time, as often as it is asked; and tells how that ended. If it waited, it waits no more.
    ///
    /// # Errors
    /// An unknown delivery. That nobody answers is none.
    pub async fn deliver(&self, delivery: u64) -> Result<Delivery, SimError> {
        let unknown = SimError::UnknownDelivery(delivery);
        let letter = {
            let outbox = &mut self.world().outbox;
            outbox.unqueue(delivery);
            outbox.delivery(delivery).cloned().ok_or(unknown.clone())?
        };
        let outcome = self.post(&letter).await;
        let outbox = &mut self.world().outbox;
        outbox.finish(delivery, outcome);
        outbox.delivery(delivery).cloned().ok_or(unknown)
    }

    /// Posts what waits, whenever something does; never ends.
    pub(crate) async fn carry_mail(&self) {
        loop {
            self.post_what_waits().await;
            let (due, now) = {
                let world = self.world();
                (world.outbox.next_due(), world.now())
            };
            // What became due meanwhile is nothing to wait for.
            let until = |due: OffsetDateTime| Duration::try_from(due - now).unwrap_or_default();
            let nap = due.map_or(LONGEST_NAP, until);
            // Woken when something new waits, and when the clock was moved; else when the next is due.
            drop(timeout(nap.min(LONGEST_NAP), self.shared().mail.notified()).await);
        }
    }

    /// One by one, in order. Whoever is stopped in the middle leaves the delivery to be posted again.
    async fn post_what_waits(&self) {
        let _one_at_a_time = self.shared().courier.lock().await;
        loop {
            let letter = {
                let world = self.world();
                world.outbox.next(world.now()).cloned()
            };
            let Some(letter) = letter else { return };
            let outcome = self.post(&letter).await;
            self.world().outbox.posted(letter.id, outcome);
        }
    }

    async fn post(&self, letter: &Delivery) -> Outcome {
        let (began, delivered_at) = (Instant::now(), self.now());
        let answer = timeout(self.config().webhook_timeout, exchange(letter)).await;
        let duration = began.elapsed();
        match answer {
            Ok(Ok(answer)) => answer.outcome(delivered_at, duration),
            Ok(Err(error)) => {
                tracing::debug!(%error, url = letter.url, "a webhook delivery failed");
                Outcome::unanswered("failed to connect to host", delivered_at, duration)
            }
            Err(_) => Outcome::unanswered("timed out", delivered_at, duration),
        }
    }
}

struct Answer {
    status: axum::http::StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn outcome(self, delivered_at: OffsetDateTime, duration: Duration) -> Outcome {
        let code = self.status.as_u16();
        let status = match self.status.canonical_reason() {
            Some(reason) if self.status.is_success() => reason.to_owned(),
            _ => format!("Invalid HTTP Response: {code}"),
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = self.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        Outcome {
            delivered_at,
            duration,
            status,
            status_code: code,
            headers: headers.collect(),
            body: Some(self.body),
        }
    }
}

/// One connection for one delivery: nothing is left behind. Redirects are not followed, as GitHub follows none.
async fn exchange(letter: &Delivery) -> Result<Answer, Box<dyn Error + Send + Sync>> {
    let uri: Uri = letter.url.parse()?;
    if uri.scheme_str() != Some("http") {
        return Err("the simulator speaks plain http only".into());
    }
    let authority = uri.authority().ok_or("no host")?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(Body::from(letter.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.parse()?;
    let headers = request.headers_mut();
    // Without a user's name, which an address may hold.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    headers.insert(HOST, HeaderValue::try_from(host)?);
    for (name, value) in &letter.headers {
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let answered = async {
        let response = sender.send_request(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(Body::new(response.into_body()), ANSWER_LIMIT).await.unwrap_or_default();
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    };
    tokio::pin!(answered, connection);
    // The connection has to be driven while its answer is awaited; when it ends first, the answer, whole or not, is there.
    tokio::select! {
        answer = &mut answered => answer,
        _ = &mut connection => answered.await,
    }
}
