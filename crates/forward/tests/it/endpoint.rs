use dockline_forward::{ConfigError, Endpoint};

use crate::receiver::{OK, Receiver, sender};

#[tokio::test]
async fn query_of_the_endpoint_is_sent_and_never_shown() {
    use dockline::ports::MessageSender;

    let receiver = Receiver::start(OK).await;
    let url = format!("{}?token=canary", receiver.url);
    let sender = sender(&url);
    sender.send(crate::receiver::message("{}")).await;
    assert_eq!(receiver.received()[0].line, "POST /hook?token=canary HTTP/1.1");
    let endpoint: Endpoint = url.parse().unwrap();
    let shown = format!("{sender:?} {endpoint} {endpoint:?}");
    assert!(shown.contains(&receiver.url) && !shown.contains("canary"), "{shown}");
    let rejected = "https://user:canary@app.example.com/".parse::<Endpoint>().unwrap_err();
    assert_eq!(rejected, ConfigError::Endpoint);
    assert!(!rejected.to_string().contains("canary"));
}

#[tokio::test]
async fn check_connects_and_sends_nothing() {
    let receiver = Receiver::start(OK).await;
    let endpoint = |url: &str| url.parse::<Endpoint>().unwrap();
    assert_eq!(endpoint(&receiver.url).check().await, Ok(()));
    assert!(receiver.received().is_empty());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = endpoint(&url).check().await.unwrap_err();
    assert!(error.to_string().contains("onnection refused"), "{error}");
}
