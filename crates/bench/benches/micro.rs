//! What happens within a process: token cache, webhook signatures, parsing, and the re-post in the core.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails ends the run")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use dockline::ports::BindingRepo;
use dockline::rules::signature;
use dockline::{
    BudgetClass, Dockline, ExposeSecret, OrganizationId, Registered, RegistrationRequest, Scope, TokenScope,
    WebhookSecrets,
};
use dockline_bench::{Tenant, dockline_on_memory};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// Counts allocations.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const TENANTS: u64 = 1_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn main() {
    divan::main();
}

fn organization() -> OrganizationId {
    OrganizationId::new(Tenant(7).organization()).unwrap()
}

fn memory() -> (Dockline, impl BindingRepo) {
    pollster::block_on(dockline_on_memory(TENANTS)).unwrap()
}

/// `Dockline::token` from the cache: reads the binding, then the cache.
#[divan::bench]
fn token_cache_hit(bencher: Bencher) {
    let (dockline, _) = memory();
    let (organization, scope) = (organization(), TokenScope::everything());
    pollster::block_on(dockline.token(&organization, &scope)).unwrap();
    bencher.bench_local(|| pollster::block_on(dockline.token(black_box(&organization), &scope)).unwrap());
    assert!(dockline.token_cache_hits() > 0);
}

/// The part of `token_cache_hit` that is not the cache: the binding is read and dropped.
#[divan::bench]
fn token_binding_read(bencher: Bencher) {
    let (_, bindings) = memory();
    // As a trait object, as the core has it.
    let bindings: &dyn BindingRepo = &bindings;
    let organization = organization();
    bencher.bench_local(|| drop(pollster::block_on(bindings.find(black_box(&organization))).unwrap()));
}

fn delivery() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let body = vec![b'x'; 10_240];
    let digest = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
        .unwrap()
        .chain_update(&body)
        .finalize()
        .into_bytes();
    let header = format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    (body, header.into_bytes(), digest.to_vec())
}

#[divan::bench]
fn webhook_check_10_kb(bencher: Bencher) {
    let (body, header, _) = delivery();
    let secrets = WebhookSecrets::new([SECRET.into()]).unwrap();
    bencher
        .counter(BytesCount::new(body.len()))
        .bench_local(|| signature::verify(&secrets, Some(black_box(&header)), black_box(&body)).unwrap());
}

#[divan::bench]
fn webhook_hmac_10_kb(bencher: Bencher) {
    let (body, _, digest) = delivery();
    bencher.counter(BytesCount::new(body.len())).bench_local(|| {
        let hmac = Hmac::<Sha256>::new_from_slice(black_box(SECRET.as_bytes())).unwrap();
        hmac.chain_update(black_box(&body)).verify_slice(&digest).unwrap();
    });
}

#[divan::bench]
fn parse_strict(bencher: Bencher) {
    let body = Tenant(7).body();
    bencher.bench_local(|| RegistrationRequest::parse(black_box(body.as_bytes())).unwrap());
}

/// What most programs do instead of the strict parser: it accepts arrays, `1.0`, and reports one problem at a time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Derived {
    installation_id: u64,
    state: String,
}

#[divan::bench]
fn parse_derived(bencher: Bencher) {
    let body = Tenant(7).body();
    bencher.bench_local(|| {
        let parsed: Derived = serde_json::from_slice(black_box(body.as_bytes())).unwrap();
        (parsed.installation_id, parsed.state)
    });
}

/// Everything between the HTTP layer's parsing of the head and the response: key, scope, budget, body, binding.
#[divan::bench]
fn repost_in_core(bencher: Bencher) {
    let (dockline, _) = memory();
    let key = Tenant(7).key().unwrap().expose();
    let body = Tenant(7).body();
    bencher.bench_local(|| {
        pollster::block_on(async {
            let presented = black_box(key.expose_secret());
            let authenticated = dockline
                .authenticate(presented, Some(&Scope::GithubAdmin), BudgetClass::Write)
                .await
                .unwrap();
            let request = RegistrationRequest::parse(black_box(body.as_bytes())).unwrap();
            let registered = dockline.register(&authenticated.caller, &request).await.unwrap();
            assert!(matches!(registered, Registered::Replayed(_)));
            registered
        })
    });
}
