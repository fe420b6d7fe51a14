//! Requests that are refused, and malformed HTTP.

use dockline::Tier;
use dockline::ports::{Clock, SystemClock};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::walks::{CALLBACK, CODE};
use crate::world::{INSTALLATION_PATH, RETURN_URL, World};

/// Triggers every refusal, with secrets in right and in wrong places.
pub(crate) async fn refusals(world: &World<'_>, key: &str, bound_state: &str) {
    let state = &world.state(&world.key("org_refused", |_| {})).await;
    let ask = async |path: &str, status: u16, request| {
        let answer = world.ask(path, request).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    };
    let mut wrong = key.to_owned();
    wrong.pop();
    let at = INSTALLATION_PATH;
    ask("401, no key", 401, world.get(at)).await;
    ask("401, a key cut short", 401, world.get(at).bearer_auth(&wrong)).await;
    ask("401, a key with something after it", 401, world.get(at).bearer_auth(format!("{key}x"))).await;
    ask(
        "401, a key of another environment",
        401,
        world.get(at).bearer_auth(key.replace("lp_live", "lp_test")),
    )
    .await;
    ask("401, a key as Basic", 401, world.get(at).basic_auth(key, Some(key))).await;
    ask(
        "401, two keys",
        401,
        world.get(at).bearer_auth(key).header("authorization", format!("Bearer {key}")),
    )
    .await;
    ask("401, a key in the query", 401, world.get(&format!("{at}?token={key}&api_key={key}"))).await;
    ask("401, a key as a cookie", 401, world.get(at).header("cookie", format!("key={key}"))).await;
    let revoked = world.key("org_revoked", |record| record.revoked_at = Some(SystemClock.now()));
    ask("401, a revoked key", 401, world.get(at).bearer_auth(&revoked)).await;
    let expired = world.key("org_expired", |record| record.expires_at = Some(SystemClock.now()));
    ask("401, an expired key", 401, world.get(at).bearer_auth(&expired)).await;
    let scopeless = world.key("org_scopeless", |record| record.scopes.clear());
    ask("403, a key without the scope", 403, world.get(at).bearer_auth(&scopeless)).await;
    let poor = world.key("org_poor", |record| {
        record.tier = Tier { reads_per_minute: 1, ..Tier::standard() };
    });
    world.ask("429, the last one", world.get(at).bearer_auth(&poor)).await;
    ask("429, a used-up budget", 429, world.get(at).bearer_auth(&poor)).await;
    ask(
        "404, a key in the path",
        404,
        world.get(&format!("/v1/github/{key}/{state}?key={key}")).bearer_auth(key),
    )
    .await;
    ask("405", 405, world.http.put(format!("{}{at}?key={key}", world.api)).bearer_auth(key)).await;
    let strange = |name: &'static str, value: &str| world.get(at).header(name, value).bearer_auth(key);
    for (path, name) in [
        ("a key as X-Request-Id", "x-request-id"),
        ("a key as traceparent", "traceparent"),
        ("a key as the user agent", "user-agent"),
        ("a key as the referer", "referer"),
    ] {
        ask(path, 200, strange(name, key)).await;
    }
    let post = |body: String| world.post(at, body).bearer_auth(key);
    ask("413, secrets in a large body", 413, post(format!("{key}{state}").repeat(1_000))).await;
    ask("415, secrets as text", 415, post(key.into()).header("content-type", "text/plain")).await;
    ask("415, a key as the media type", 415, post(key.into()).header("content-type", format!("{key}/{key}")))
        .await;
    for (path, body) in [
        ("422, not JSON", format!("{key} {state}")),
        ("422, cut JSON", format!("{{\"state\":\"{state}\",\"key\":\"{key}")),
        ("422, a key as a value", json!({ "installationId": 1, "state": key, "apiKey": key }).to_string()),
        ("422, a state as the number", json!({ "installationId": state, "state": 1 }).to_string()),
        ("422, a state twice", format!("{{\"state\":\"{state}\",\"state\":\"{state}\"}}")),
        ("422, deeper", json!({ "installationId": { "key": key }, "state": [state] }).to_string()),
        ("422, an array", json!([key, state]).to_string()),
    ] {
        ask(path, 422, post(body)).await;
    }
    // The response names the invalid fields of the request.
    let body = format!("{{\"{key}\":1,\"{state}\":2}}");
    let answer =
        world.ask_for("422, a key as a name", &[key, &key[..64.min(key.len())], state], post(body)).await;
    assert_eq!(answer.status, 422);
    for (path, expected, state) in
        [("422, a foreign state", 422, state.as_str()), ("409, another installation", 409, bound_state)]
    {
        let fresh = if expected == 409 { key.to_owned() } else { world.key("org_foreign", |_| {}) };
        ask(path, expected, world.register(&fresh, 4_242, state)).await;
    }
    for (path, status, query) in [
        ("install-url, a key as the return URL", 422, format!("returnUrl={key}")),
        ("install-url, a foreign return URL", 403, format!("returnUrl=https://evil.example/{key}?{state}")),
        ("install-url, a key in everything", 422, format!("returnUrl={RETURN_URL}&state={key}%20&key={key}")),
    ] {
        ask(path, status, world.get(&format!("{at}/install-url?{query}")).bearer_auth(key)).await;
    }
    ask("repos, secrets in the query", 422, {
        world.get(&format!("/v1/github/repos?cursor={key}&limit={state}&search={key}")).bearer_auth(key)
    })
    .await;
    callback_refusals(world, key, state).await;
}

async fn callback_refusals(world: &World<'_>, key: &str, state: &str) {
    for (accept, code) in [("text/html", format!("{CODE}-1")), ("application/json", format!("{CODE}-2"))] {
        for (path, query) in [
            ("callback, nothing", String::new()),
            ("callback, an unknown state", format!("state=unknown-state&code={CODE}")),
            (
                "callback, secrets in wrong places",
                format!("state={key}%20&installation_id={CODE}&error={key}"),
            ),
            ("callback, no number", format!("state={state}&installation_id={key}&code={CODE}")),
            ("callback, all of it twice", format!("state={state}&state={state}&code={CODE}&code={CODE}")),
            ("callback, not visible", format!("state={state}&installation_id=4242&code={code}")),
            ("callback, denied", format!("state={state}&installation_id=4242&error=access_denied")),
        ] {
            let path = format!("{path} ({accept})");
            let request = world.get(&format!("{CALLBACK}?{query}")).header("accept", accept);
            // The links of a page contain the state that the visitor came with.
            let answer = world.ask_for(&path, &[state], request).await;
            assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        }
        let form = format!("state={state}&ticket={key}&answer=confirm&code={CODE}");
        let request = world.http.post(format!("{}{CALLBACK}", world.api)).header("accept", accept).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let path = format!("confirm, a key as the ticket ({accept})");
        // The page links back into the flow, and to the product with its state.
        let meant: &[&str] = if accept == "text/html" { &[state] } else { &[] };
        assert_eq!(world.ask_for(&path, meant, request).await.status, 422);
    }
}

/// Sends malformed HTTP.
pub(crate) async fn raw(world: &World<'_>, key: &str) {
    let host = world.api.strip_prefix("http://").unwrap();
    for (path, text) in [
        (
            "400, two hosts",
            format!("GET /{key} HTTP/1.1\r\nhost: {key}\r\nhost: b\r\nauthorization: Bearer {key}\r\n\r\n"),
        ),
        (
            "a header that is none",
            format!("GET / HTTP/1.1\r\n{key}\u{1}: x\r\nauthorization Bearer {key}\r\n\r\n"),
        ),
        ("a request line that is none", format!("{key}\r\n\r\n")),
        ("another version", format!("GET /{key} HTTP/9.9\r\nhost: x\r\n\r\n")),
        ("a long head", format!("GET / HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", key.repeat(5_000))),
        ("a broken chunk", {
            format!(
                "POST {INSTALLATION_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: \
                 application/json\r\ntransfer-encoding: chunked\r\n\r\n{key}\r\n{key}\r\n"
            )
        }),
    ] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        // The server may stop reading.
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        world.watch.answered(path, status, answer);
    }
}
