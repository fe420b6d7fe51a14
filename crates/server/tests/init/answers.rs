//! The questions, the files and the checks.

use secrecy::ExposeSecret;

use crate::http_client::loopback;
use crate::scene::{PUBLIC_URL, Scene, answered, ended};

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_written_with_comments_and_checked_and_serve_runs_with_them() {
    let scene = Scene::start().await;
    let answers = scene.answers();
    let lines: Vec<&str> = answers.iter().map(String::as_str).collect();
    // As a careless `umask` would have it.
    let mut command = std::process::Command::new("sh");
    let init = scene.command(&["init"]);
    command.args(["-c", "umask 000; exec \"$0\" init"]).arg(init.get_program()).current_dir(scene.path(""));
    let init = answered(&mut command, &lines);
    assert_eq!(init.code, Some(0), "{}\n{}", init.stdout, init.stderr);
    assert_eq!(scene.files(), ["dockline.toml", "github-client-secret", "webhook-secret"]);
    for name in scene.files() {
        assert_eq!(scene.mode(&name), 0o600, "{name}");
        assert!(init.stdout.contains(&format!("wrote {}", scene.path(&name).display())), "{}", init.stdout);
    }
    assert_eq!(scene.read("github-client-secret").trim(), scene.app.client_secret.expose_secret());
    assert!(init.stdout.contains("ok    App credential: GitHub accepts it"), "{}", init.stdout);
    assert!(init.stdout.contains(" 0 failed,"), "{}", init.stdout);
    let next = format!("dockline serve --config {}\n", scene.path("dockline.toml").display());
    assert!(init.stdout.contains(&next), "{}", init.stdout);
    for secret in [&scene.app.client_secret, &scene.app.webhook_secret] {
        let secret = secret.expose_secret();
        let printed = [&init.stdout, &init.stderr, &scene.read("dockline.toml")];
        assert!(!printed.iter().any(|text| text.contains(secret)));
    }

    let text = scene.read("dockline.toml");
    let settings: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    for setting in &settings {
        let before = text.split_once(setting).unwrap().0;
        assert!(before.lines().last().unwrap().starts_with("# "), "{setting} has a comment");
    }
    let configured = scene.configured();
    for (option, expected) in [
        ("github-app-id", scene.app.app_id.to_string()),
        ("github-app-slug", scene.app.slug.clone()),
        ("github-client-id", scene.app.client_id.clone()),
        ("github-client-secret-file", scene.text("github-client-secret")),
        ("github-private-key-file", scene.text("given/key.pem")),
        ("github-web-url", scene.sim.web.clone()),
        ("github-api-url", scene.sim.api.clone()),
        ("public-url", PUBLIC_URL.to_owned()),
    ] {
        assert_eq!(configured[option]["value"], expected, "{option}");
        assert_eq!(configured[option]["source"], "file", "{option}");
    }
    assert_eq!(configured["webhook-secret-file"]["value"][0], scene.text("webhook-secret"));

    let server = scene.serve();
    assert_eq!(loopback().get(format!("{}/healthz", server.api)).send().await.unwrap().status(), 200);
    assert_eq!(server.announced["databaseFile"], scene.text("dockline.db"));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_variables_answer_all_questions_and_their_secrets_stay_where_they_are() {
    let scene = Scene::start().await;
    let id = scene.app.app_id.to_string();
    let init = |output: &str| {
        let mut command = scene.command(&["init", "--config", output, "--public-url", PUBLIC_URL]);
        command.args(scene.github()).args([
            "--github-app-id",
            &id,
            "--github-client-id",
            &scene.app.client_id,
        ]);
        command.env("DOCKLINE_GITHUB_APP_SLUG", &scene.app.slug);
        command
    };
    let files = ["github-client-secret", "github-private-key", "webhook-secret"]
        .into_iter()
        .zip(["given/client-secret", "given/key.pem", "given/webhook-secret"])
        .flat_map(|(option, file)| [format!("--{option}-file"), file.to_owned()]);
    let by_files = ended(init("files.toml").args(files));
    assert_eq!(by_files.code, Some(0), "{}\n{}", by_files.stdout, by_files.stderr);
    assert_eq!(scene.files(), ["files.toml"]);
    // Also if serve runs in another folder.
    assert!(scene.read("files.toml").contains(&format!("= \"{}\"", scene.text("given/key.pem"))));

    let secrets = [
        ("DOCKLINE_GITHUB_CLIENT_SECRET", &scene.app.client_secret),
        ("DOCKLINE_GITHUB_PRIVATE_KEY", &scene.app.private_key_pem),
        ("DOCKLINE_WEBHOOK_SECRET", &scene.app.webhook_secret),
    ];
    let mut by_variables = init("variables.toml");
    by_variables.envs(secrets.map(|(name, secret)| (name, secret.expose_secret())));
    let by_variables = ended(&mut by_variables);
    assert_eq!(by_variables.code, Some(0), "{}\n{}", by_variables.stdout, by_variables.stderr);
    assert_eq!(scene.files(), ["files.toml", "variables.toml"]);
    let text = scene.read("variables.toml");
    for (name, secret) in secrets {
        assert!(text.contains(&format!("It is set by the variable {name}.")), "{text}");
        assert!(!text.contains(secret.expose_secret()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_invalid_options_are_reported_at_once_and_nothing_is_written() {
    let scene = Scene::start().await;
    let init = ended(&mut scene.command(&["init", "--github-app-slug", "My App"]));
    assert_eq!(init.code, Some(2));
    assert!(init.stderr.contains("the configuration has 5 errors"), "{}", init.stderr);
    for expected in [
        "--github-app-slug: the App's slug is not 1 to 100",
        "--github-app-id: is not set, and standard input has no answer\n     help: set it, or answer the question: App ID",
        "--github-client-id: is not set",
        "--github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET: is not set",
        "--github-private-key-file or DOCKLINE_GITHUB_PRIVATE_KEY: is not set",
    ] {
        assert!(init.stderr.contains(expected), "{expected}\n{}", init.stderr);
    }
    assert!(scene.files().is_empty(), "{:?}", scene.files());
    let mut both = scene.command(&["init", "--github-client-secret-file", "given/client-secret"]);
    let both = ended(both.env("DOCKLINE_GITHUB_CLIENT_SECRET", "canary"));
    assert!(both.stderr.contains("--github-client-secret: is set twice"), "{}", both.stderr);
    assert!(!both.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_is_not_accepted_as_an_option() {
    let scene = Scene::start().await;
    for option in ["--github-client-secret", "--github-private-key", "--webhook-secret"] {
        let init = ended(&mut scene.command(&["init", option, "canary0123456789"]));
        assert!(init.code == Some(2) && init.stderr.contains("unexpected argument"), "{}", init.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_overwritten_only_by_force() {
    let scene = Scene::start().await;
    let answers = scene.answers();
    let lines: Vec<&str> = answers.iter().map(String::as_str).collect();
    std::fs::write(scene.path("github-client-secret"), "precious").unwrap();
    let refused = answered(&mut scene.command(&["init"]), &lines);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("github-client-secret exists"), "{}", refused.stderr);
    assert_eq!(scene.files(), ["github-client-secret"]);
    assert_eq!(scene.read("github-client-secret"), "precious");

    std::fs::write(scene.path("dockline.toml"), "# mine\n").unwrap();
    let refused = answered(&mut scene.command(&["init"]), &lines);
    assert!(refused.code == Some(2) && refused.stderr.contains("dockline.toml exists"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("App ID"), "it asks nothing");
    assert_eq!(scene.read("dockline.toml"), "# mine\n");

    let forced = answered(&mut scene.command(&["init", "--force"]), &lines);
    assert_eq!(forced.code, Some(0), "{}\n{}", forced.stdout, forced.stderr);
    assert_eq!(scene.mode("github-client-secret"), 0o600);
    assert!(scene.read("dockline.toml").contains("github-app-id"));
    let nowhere = ended(&mut scene.command(&["init", "--config", "none/dockline.toml"]));
    assert!(nowhere.code == Some(2) && nowhere.stderr.contains("cannot be written to"), "{}", nowhere.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_check_is_shown_and_the_files_stay() {
    let scene = Scene::start().await;
    let mut answers = scene.answers();
    answers[1] = "77".to_owned();
    let lines: Vec<&str> = answers.iter().map(String::as_str).collect();
    let init = answered(&mut scene.command(&["init"]), &lines);
    assert_eq!(init.code, Some(1), "{}", init.stdout);
    assert!(init.stdout.contains("FAIL  --github-app-id: is 77"), "{}", init.stdout);
    assert!(init.stdout.contains("dockline doctor --config"), "{}", init.stdout);
    assert!(scene.path("dockline.toml").exists());
}
