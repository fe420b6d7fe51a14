//! Routers mounted one by one, and the authentication that they need.

use std::sync::Arc;

use axum::Router;
use dockline::ports::KeyStore;
use dockline_axum::{
    RouterError, RouterOptions, api_router, callback_router, operations_router, router, webhook_router,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore};

use crate::host::{Sessions, builder, send};

#[tokio::test]
async fn an_api_without_authentication_does_not_build() {
    let make = || builder(&MemoryBindingRepo::new(), &Arc::default()).build().unwrap();
    for built in [router(make(), RouterOptions::default()), api_router(make(), RouterOptions::default())] {
        assert_eq!(built.unwrap_err(), RouterError::NoAuthentication);
    }
    let keys: Arc<dyn KeyStore> = Arc::new(MemoryKeyStore::new());
    let keyed = builder(&MemoryBindingRepo::new(), &Arc::default()).with_api_keys(keys).build().unwrap();
    assert!(api_router(keyed, RouterOptions::default()).is_ok());
}

#[tokio::test]
async fn routers_are_mounted_one_by_one_beside_the_hosts_own_routes() {
    let make = || builder(&MemoryBindingRepo::new(), &Arc::default()).build().unwrap();
    let sessions = || RouterOptions::default().with_authenticator(Arc::new(Sessions::default()));
    let state = ("/v1/github/installation/callback?state=unknown", 422);
    let webhook = ("/v1/github/webhooks", 405);
    let health = ("/healthz", 200);
    let api = ("/openapi.json", 200);
    let parts = [
        (callback_router(make(), RouterOptions::default()), state),
        (webhook_router(make(), RouterOptions::default()), webhook),
        (operations_router(make(), RouterOptions::default()), health),
        (api_router(make(), sessions()).unwrap(), api),
    ];
    for (index, (router, _)) in parts.iter().enumerate() {
        for (other, (_, (path, status))) in parts.iter().enumerate() {
            let answer = send(router, "GET", path, &[], "").await;
            assert_eq!(answer.status, if index == other { *status } else { 404 }, "{index} {path}");
        }
    }
    let own = Router::new()
        .route("/", axum::routing::get(|| async { "the host's own" }))
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "the host's own page") });
    let all = parts.iter().fold(own, |all, (router, _)| all.merge(router.clone()));
    for (_, (path, status)) in &parts {
        let answer = send(&all, "GET", path, &[], "").await;
        assert_eq!(answer.status, *status, "{path}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
    }
    assert_eq!(send(&all, "GET", "/", &[], "").await.status, 200);
    assert_eq!(send(&all, "GET", "/nowhere", &[], "").await.code(), "", "the host answers for its own paths");
}
