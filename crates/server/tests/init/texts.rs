//! Answers on standard input in odd forms.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::http_client::loopback;
use crate::scene::{Scene, answered, ended, fed};

const ID: usize = 1;
const SLUG: usize = 2;
const SECRET: usize = 4;
const KEY: usize = 5;
const WEBHOOK: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_of_windows_spaces_and_a_byte_order_mark_do_not_matter() {
    let scene = Scene::start().await;
    let mut answers = scene.answers();
    answers[ID] = format!("007{}", answers[ID]);
    let id = answers[ID].replacen("007", "7", 1);
    answers[SLUG] = format!("https://github.com/apps/{}/installations/new?x", answers[SLUG]);
    let text = format!("\u{FEFF}{}", answers.join(" \r\n\t"));
    let init = fed(&mut scene.command(&["init"]), text.as_bytes());
    assert_eq!(init.code, Some(1), "the App id is another: {}\n{}", init.stdout, init.stderr);
    let configured = scene.configured();
    assert_eq!(configured["github-app-id"]["value"], id, "TOML has no leading zeros");
    assert_eq!(configured["github-app-slug"]["value"], scene.app.slug);
    assert_eq!(scene.read("github-client-secret"), format!("{}\n", answers[SECRET]));
}

#[tokio::test(flavor = "multi_thread")]
async fn slug_may_be_the_address_of_a_page() {
    let scene = Scene::start().await;
    let mut answers = scene.answers();
    let slug = answers[SLUG].clone();
    for (index, address) in [
        format!("https://github.com/apps/{slug}"),
        format!("github.com/settings/apps/{slug}/"),
        format!("https://github.example.com/github-apps/{slug}#about"),
    ]
    .into_iter()
    .enumerate()
    {
        answers[SLUG] = address;
        let name = format!("{index}.toml");
        let init = answered(&mut scene.command(&["init", "--force", "--config", &name]), &answers);
        assert_eq!(init.code, Some(0), "{}\n{}", init.stdout, init.stderr);
        assert!(scene.read(&name).contains(&format!("github-app-slug = \"{slug}\"")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_answers_its_question_and_all_invalid_ones_are_reported_at_once() {
    let scene = Scene::start().await;
    let mut answers = scene.answers();
    let id = "--github-app-id: the App id is not a number from 1 to 2^53-1";
    for wrong in ["0", "-1", "+7", "1e3", "9007199254740992", "99999999999999999999999", "٣", ""] {
        answers[ID] = wrong.to_owned();
        let init = answered(&mut scene.command(&["init"]), &answers);
        assert_eq!(init.code, Some(2), "{wrong}: {}", init.stderr);
        assert!(init.stderr.contains("the configuration has 1 error:"), "{wrong}: {}", init.stderr);
        assert!(init.stderr.contains(id), "{wrong}: {}", init.stderr);
    }
    // As if a line were missing: secrets where others are expected are not printed.
    let webhook = answers.remove(WEBHOOK);
    answers.insert(KEY, "".to_owned());
    answers[SECRET] = "".to_owned();
    answers[SLUG] = format!("https://github.com/apps/{}", scene.app.client_secret.expose_secret().repeat(4));
    let init = answered(&mut scene.command(&["init"]), &answers);
    assert_eq!(init.code, Some(2), "{}", init.stderr);
    for expected in [
        id,
        "--github-app-slug: the App's slug is not 1 to 100 characters",
        "--github-client-secret: is empty",
        "--github-private-key-file: is not the path of a file",
    ] {
        assert!(init.stderr.contains(expected), "{expected}\n{}", init.stderr);
    }
    for secret in [&webhook, scene.app.client_secret.expose_secret()] {
        assert!(!init.stderr.contains(secret) && !init.stdout.contains(secret), "{}", init.stderr);
    }
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_and_bytes_that_are_not_text_are_refused_with_the_question() {
    let scene = Scene::start().await;
    let mut lines: Vec<Vec<u8>> = scene.answers().into_iter().map(String::into_bytes).collect();
    lines[SLUG] = vec![b'a'; 1 << 20];
    lines[SECRET] = b"secret-\xff\xfe".to_vec();
    let init = fed(&mut scene.command(&["init"]), &lines.join(&b'\n'));
    assert_eq!(init.code, Some(2));
    for expected in [
        "the configuration has 2 errors",
        "--github-app-slug: is longer than 4,000 bytes",
        "--github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET: is not UTF-8 text",
    ] {
        assert!(init.stderr.contains(expected), "{expected}\n{}", init.stderr);
    }
    assert!(init.stderr.len() < 4_000, "the line is not repeated");
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn end_of_input_in_the_middle_names_what_is_missing() {
    let scene = Scene::start().await;
    let answers = scene.answers();
    let closed = ended(
        std::process::Command::new("sh")
            .args(["-c", "exec \"$0\" init <&-"])
            .arg(scene.command(&[]).get_program())
            .current_dir(scene.path("")),
    );
    assert!(closed.code == Some(2) && closed.stderr.contains("5 errors"), "{}", closed.stderr);
    // The last answer has no line break.
    let init = fed(&mut scene.command(&["init"]), answers[..=SECRET].join("\n").as_bytes());
    assert_eq!(init.code, Some(2));
    assert!(init.stderr.contains("the configuration has 1 error:"), "{}", init.stderr);
    assert!(init.stderr.contains("DOCKLINE_GITHUB_PRIVATE_KEY: is not set"), "{}", init.stderr);
    // The rest has defaults.
    let init = fed(&mut scene.command(&["init"]), answers[..=KEY].join("\n").as_bytes());
    assert!(init.stdout.contains("Set the webhook secret on the App's settings page"), "{}", init.stderr);
    assert_eq!(scene.configured()["public-url"]["value"], "http://127.0.0.1:8080");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_secret_with_any_characters_verifies_deliveries() {
    let scene = Scene::start().await;
    for quoted in ["\"0123456789abcdef\"", "'0123456789abcdef'"] {
        let mut answers = scene.answers();
        answers[WEBHOOK] = quoted.to_owned();
        let init = answered(&mut scene.command(&["init"]), &answers);
        assert_eq!(init.code, Some(2), "{}", init.stderr);
        assert!(init.stderr.contains("--webhook-secret: is in quotes"), "{}", init.stderr);
    }
    let secret = r#"it's "odd" \n \ = # ${HOME} ünïcödé 🔑"#;
    let mut answers = scene.answers();
    answers[WEBHOOK] = secret.to_owned();
    let init = answered(&mut scene.command(&["init"]), &answers);
    assert_eq!(init.code, Some(0), "{}\n{}", init.stdout, init.stderr);
    let server = scene.serve();
    let body = serde_json::json!({
        "action": "suspend",
        "installation": { "id": 7, "app_id": scene.app.app_id, "account": { "id": 8, "login": "acme" }, "permissions": {} },
        "sender": { "id": 9 },
    })
    .to_string();
    for (key, status) in [(secret, 202), ("another secret of sixteen bytes", 401)] {
        let signature =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(&body).finalize();
        let signature = data_encoding::HEXLOWER.encode(&signature.into_bytes());
        let delivery = loopback()
            .post(format!("{}/v1/github/webhooks", server.api))
            .header("content-type", "application/json")
            .header("x-github-event", "installation")
            .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
            .header("x-hub-signature-256", format!("sha256={signature}"));
        assert_eq!(delivery.body(body.clone()).send().await.unwrap().status(), status);
    }
}
