//! Questions at a terminal.

use secrecy::ExposeSecret;

use crate::scene::{PUBLIC_URL, Scene};
use crate::terminal::Terminal;

const HOST: &str = "[github.com]: ";
const APP_ID: &str = "App ID: ";
const SLUG: &str = "page's address: ";
const CLIENT_ID: &str = "Client ID: ";
const CLIENT_SECRET: &str = "generated on the settings page: ";
const KEY: &str = "downloaded from the settings page: ";
const WEBHOOK: &str = "press Enter to generate one: ";
const URL: &str = "browsers reach this API [http://127.0.0.1:8080]: ";

fn start(scene: &Scene) -> Terminal {
    Terminal::start(&scene.command(&["init"]))
}

/// Answers what comes before the client secret.
fn until_client_secret(terminal: &mut Terminal, scene: &Scene) {
    terminal.answer(HOST, &format!("{},{}", scene.sim.web, scene.sim.api));
    terminal.answer(APP_ID, &scene.app.app_id.to_string());
    terminal.answer(SLUG, &scene.app.slug);
    terminal.answer(CLIENT_ID, &scene.app.client_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_secrets_are_not_shown() {
    let scene = Scene::start().await;
    let secrets = [scene.app.client_secret.expose_secret(), scene.app.webhook_secret.expose_secret()];
    let mut terminal = start(&scene);
    until_client_secret(&mut terminal, &scene);
    terminal.expect(CLIENT_SECRET);
    assert!(!terminal.echoes());
    terminal.press(&format!("{}\n", secrets[0]));
    terminal.expect(KEY);
    assert!(terminal.echoes());
    terminal.press(&format!("{}\n", scene.text("given/key.pem")));
    terminal.expect(WEBHOOK);
    assert!(!terminal.echoes());
    terminal.press(&format!("{}\n", secrets[1]));
    terminal.answer(URL, PUBLIC_URL);
    let (ended, echoes) = terminal.end();
    assert_eq!((ended.code, echoes), (Some(0), true), "{}", ended.stdout);
    assert!(ended.stdout.contains(&scene.app.client_id), "what is not secret is shown");
    assert!(!secrets.iter().any(|secret| ended.stdout.contains(secret)), "{}", ended.stdout);
    assert_eq!(scene.read("github-client-secret").trim(), secrets[0]);
    assert_eq!(scene.read("webhook-secret").trim(), secrets[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_answers_are_explained_and_asked_again() {
    let scene = Scene::start().await;
    let mut terminal = start(&scene);
    for (question, answer, explained) in [
        (HOST, "api.github.com", "  the GitHub host is the API's"),
        (HOST, &*format!("{},{}", scene.sim.web, scene.sim.api), ""),
        (
            APP_ID,
            "twelve",
            "  the App id is not a number from 1 to 2^53-1\r\n  help: copy \"App ID\" from the App's settings page",
        ),
        (APP_ID, "", "  the App id is not a number"),
        (APP_ID, &scene.app.app_id.to_string(), ""),
        (SLUG, "My App", "  the App's slug is not 1 to 100 characters of a-z 0-9 - _"),
        (SLUG, "--help", "  is an option, not an answer\r\n  help: give options when you start"),
        (SLUG, &scene.app.slug, ""),
        (CLIENT_ID, "a b", "  the client id is not 1 to 100 characters"),
        (CLIENT_ID, &scene.app.client_id, ""),
        (CLIENT_SECRET, "two words", "  the client secret is empty or has spaces"),
        // The keys that would stop the program, and leave the terminal without echo.
        (CLIENT_SECRET, "\u{1a}\u{1c}", "contains an invisible character"),
        (CLIENT_SECRET, &"x".repeat(4_001), "  is longer than 4,000 bytes"),
        (CLIENT_SECRET, scene.app.client_secret.expose_secret(), ""),
        (KEY, &scene.text("none.pem"), "none.pem cannot be read"),
        (KEY, "-----BEGIN RSA PRIVATE KEY-----", "  is not the path of a file"),
        (KEY, &scene.text("given/key.pem"), ""),
        (WEBHOOK, "short", "  has fewer than 16 bytes"),
        (WEBHOOK, "", ""),
        (URL, "http://api.example.com", "  is not an https URL without query"),
        (URL, PUBLIC_URL, ""),
    ] {
        terminal.answer(question, answer);
        terminal.expect(explained);
    }
    let (ended, echoes) = terminal.end();
    assert_eq!((ended.code, echoes), (Some(0), true), "{}", ended.stdout);
    let remedy =
        "Set the webhook secret on the App's settings page to the content of the file webhook-secret.";
    assert!(ended.stdout.contains(remedy), "{}", ended.stdout);
    let generated = scene.read("webhook-secret");
    assert!(generated.trim().len() == 64 && !ended.stdout.contains(generated.trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_question_leaves_a_terminal_that_shows_what_is_typed_and_no_file() {
    let scene = Scene::start().await;
    let mut at_once = start(&scene);
    at_once.expect(HOST);
    at_once.press("\u{3}");
    let mut hidden = start(&scene);
    until_client_secret(&mut hidden, &scene);
    hidden.expect(CLIENT_SECRET);
    hidden.press("half a secret\u{3}");
    let mut terminated = start(&scene);
    until_client_secret(&mut terminated, &scene);
    terminated.expect(CLIENT_SECRET);
    assert!(!terminated.echoes());
    terminated.terminate();
    for terminal in [at_once, hidden, terminated] {
        let (ended, echoes) = terminal.end();
        assert_eq!((ended.code, echoes), (Some(130), true), "{}", ended.stdout);
        assert!(
            ended.stdout.ends_with("\ndockline: interrupted: nothing was written\r\n"),
            "{}",
            ended.stdout
        );
        assert!(!ended.stdout.contains("half a secret"), "{}", ended.stdout);
    }
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn end_of_input_at_a_hidden_question_leaves_a_terminal_that_shows_what_is_typed() {
    let scene = Scene::start().await;
    let mut terminal = start(&scene);
    until_client_secret(&mut terminal, &scene);
    terminal.answer(CLIENT_SECRET, "two words");
    terminal.expect(CLIENT_SECRET);
    terminal.press("\u{4}");
    let (ended, echoes) = terminal.end();
    assert_eq!((ended.code, echoes), (Some(2), true), "{}", ended.stdout);
    for missing in ["DOCKLINE_GITHUB_CLIENT_SECRET: is not set", "DOCKLINE_GITHUB_PRIVATE_KEY: is not set"] {
        assert!(ended.stdout.contains(missing), "{missing}: {}", ended.stdout);
    }
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}
