//! What the answers of a product mean, and the limits of an exchange.

use std::time::Duration;

use dockline::ports::MessageSender;
use dockline::rules::outbox::AttemptOutcome;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::receiver::{OK, Receiver, message, sender};

async fn outcome(answer: impl Into<Vec<u8>>) -> AttemptOutcome {
    let receiver = Receiver::start(answer).await;
    sender(&receiver.url).send(message("{}")).await
}

#[tokio::test]
async fn status_and_retry_after_are_the_answer() {
    for (head, status, retry_after) in [
        ("204 No Content\r\n", 204, None),
        ("429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n", 429, Some(7)),
        ("500 Oops\r\nretry-after: soon\r\ncontent-length: 0\r\n", 500, None),
        ("503 Later\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n", 503, Some(0)),
    ] {
        let retry_after = retry_after.map(Duration::from_secs);
        let expected = AttemptOutcome::Answered { status, retry_after };
        assert_eq!(outcome(format!("HTTP/1.1 {head}\r\n")).await, expected);
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let elsewhere = Receiver::start(OK).await;
    for status in [301, 302, 303, 307, 308] {
        let location = &elsewhere.url;
        let answer = format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(outcome(answer).await, AttemptOutcome::Answered { status, retry_after: None });
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn connection_is_used_again_and_closed_after_a_response_that_is_too_long_or_endless() {
    let receiver = Receiver::start(OK).await;
    let one = sender(&receiver.url);
    for _ in 0..3 {
        one.send(message("{}")).await;
    }
    assert!(receiver.received().iter().all(|request| request.connection == 0));

    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab".to_owned();
    for answer in [long, endless] {
        let receiver = Receiver::start(answer).await;
        let one = sender(&receiver.url);
        for _ in 0..2 {
            let outcome = one.send(message("{}")).await;
            assert_eq!(outcome, AttemptOutcome::Answered { status: 200, retry_after: None });
        }
        let connections: Vec<_> = receiver.received().iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn product_that_does_not_answer_fails_after_the_deadline() {
    let receiver = Receiver::start("").await;
    let started = Instant::now();
    let outcome = sender(&receiver.url).send(message("{}")).await;
    assert_eq!(outcome, AttemptOutcome::Failed { cause: "no answer within 15 s".to_owned() });
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn product_that_is_down_or_not_http_fails_with_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let AttemptOutcome::Failed { cause } = sender(&format!("http://{address}/")).send(message("{}")).await
    else {
        panic!("an answer")
    };
    assert!(cause.contains("onnection refused"), "{cause}");
    let AttemptOutcome::Failed { cause } = outcome("220 smtp.example.com ESMTP\r\n").await else {
        panic!("an answer")
    };
    assert!(cause.contains("HTTP"), "{cause}");
}
