//! The listener with the error bodies of the API.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::response::Response;
use dockline::ErrorCode;
use dockline_axum::{ApiErrorCode, ErrorEnvelope};
use dockline_listener::{Limits, ListenAddr, Listener, Rejection};
use dockline_telemetry::record_listener_rejection;
use http::StatusCode;
use tokio::net::TcpListener;

/// Listens on the address of `option`.
///
/// # Errors
/// With the option, the cause and what to do.
pub(crate) async fn bind(option: &str, address: ListenAddr) -> Result<TcpListener, String> {
    let bound = dockline_listener::bind(address.0).await;
    bound.map_err(|error| format!("{option}: {error}. {}", error.help()))
}

/// Serves `router` until `shutdown` completes and the open requests are answered.
pub(crate) async fn serve(
    tcp: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let listener = Listener::new(tcp)
        .with_limits(limits)
        .with_rejections(error_response)
        .with_exempt(|head| dockline_axum::is_operations_path(head.uri.path()));
    listener.serve(router.into_make_service_with_connect_info::<SocketAddr>(), shutdown).await;
}

fn error_response(rejection: Rejection) -> Response<Bytes> {
    record_listener_rejection(reason(rejection));
    let (code, message) = match rejection.status() {
        StatusCode::INTERNAL_SERVER_ERROR => {
            (ErrorCode::Internal.into(), "Something went wrong on our side. Quote the request id to support.")
        }
        StatusCode::SERVICE_UNAVAILABLE => (ErrorCode::Unavailable.into(), rejection.message()),
        _ => (ApiErrorCode::BadRequest, rejection.message()),
    };
    let envelope = ErrorEnvelope::new(code, message);
    let json = Bytes::from(envelope.json().to_owned());
    envelope.into_response(rejection.status()).map(|_| json)
}

/// Returns the reason for metrics.
const fn reason(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Overloaded => "overloaded",
        Rejection::ResponseTimeout => "response_timeout",
        Rejection::HeadTimeout => "head_timeout",
        Rejection::ServiceFailed => "failed",
        Rejection::Malformed | Rejection::TargetTooLong | Rejection::HeadTooLarge | _ => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn every_rejection_has_the_error_body_of_the_api() {
        for (rejection, status, code) in [
            (Rejection::Malformed, 400, "BAD_REQUEST"),
            (Rejection::HeadTimeout, 408, "BAD_REQUEST"),
            (Rejection::TargetTooLong, 414, "BAD_REQUEST"),
            (Rejection::HeadTooLarge, 431, "BAD_REQUEST"),
            (Rejection::ServiceFailed, 500, "INTERNAL"),
            (Rejection::ResponseTimeout, 503, "UNAVAILABLE"),
            (Rejection::Overloaded, 503, "UNAVAILABLE"),
        ] {
            let response = error_response(rejection);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], "application/json");
            assert_eq!(response.headers()["cache-control"], "no-store");
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(body["error"]["code"], code);
            assert!(!body["error"]["message"].as_str().unwrap().is_empty());
            let request_id = response.headers()["x-request-id"].to_str().unwrap();
            assert_eq!(body["error"]["requestId"], request_id);
            assert!(request_id.starts_with("req_"), "{request_id}");
        }
    }

    #[tokio::test]
    async fn malformed_input_gets_the_error_body_of_the_api() {
        let tcp = bind("--listen", ListenAddr::loopback(0)).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let _server = tokio::spawn(serve(tcp, Router::new(), Limits::default(), std::future::pending()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "BAD_REQUEST");
        let request_id = body["error"]["requestId"].as_str().unwrap();
        assert!(head.contains(&format!("\r\nx-request-id: {request_id}")), "{text}");
    }
}
