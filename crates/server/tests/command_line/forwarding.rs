//! The options of `--forward-to`.

use crate::program::{Folder, dockline, ran};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Returns the errors about the options of forwarding, without a network call.
fn errors(arguments: &[&str]) -> String {
    let (code, _, stderr) = ran(&mut dockline(&[&["serve"], arguments].concat()));
    assert_eq!(code, Some(2));
    stderr
}

#[test]
fn errors_name_the_option_and_the_remedy_and_quote_no_secret() {
    let folder = Folder::new();
    let secret = folder.file("secret", SECRET);
    let url = "https://app.example.com/hook";
    for (arguments, expected) in [
        (
            &["--forward-to", "http://app.example.com", "--forward-secret-file", &secret][..],
            "--forward-to: the endpoint is plain http\n     help: use https",
        ),
        (
            &["--forward-to", "https://u:canary@app.example.com", "--forward-secret-file", &secret],
            "--forward-to: the endpoint is not an https URL",
        ),
        (
            &["--forward-to", url],
            "--forward-secret-file: there are neither one nor two different signing secrets\n     help: set one",
        ),
        (
            &["--forward-to", url, "--forward-secret-file", &secret, "--forward-secret-file", &secret],
            "--forward-secret-file: there are neither one nor two different signing secrets",
        ),
        (
            &["--forward-to", url, "--forward-secret", "canary"],
            "--forward-secret: the signing secret does not begin with whsec_\n     help: generate one with echo",
        ),
        (
            &["--forward-to", url, "--forward-secret-file", &folder.file("short", "whsec_c2hvcnQ=")],
            "--forward-secret-file: the signing secret does not have 24 to 64 random bytes",
        ),
        (
            &["--forward-to", url, "--forward-secret", SECRET, "--forward-secret-file", &secret],
            "--forward-secret: is set twice: directly, and by --forward-secret-file",
        ),
        (&["--forward-secret-file", &secret], "--forward-secret: is set, but --forward-to is not"),
    ] {
        let errors = errors(arguments);
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
        assert!(!errors.contains("canary") && !errors.contains("MfKQ9r8G"), "{errors}");
    }
}

#[test]
fn config_shows_the_target_and_redacts_secrets() {
    let folder = Folder::new();
    let text = "forward-to = 'https://app.example.com/hook?token=canary'\n[forward]\nsecret = ['whsec_canary', 'whsec_other-canary']\n";
    let file = folder.file("c.toml", text);
    let (code, stdout, _) = ran(&mut dockline(&["config", "--config", &file]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("https://app.example.com/hook?token=[redacted]"), "{stdout}");
    assert!(stdout.contains("forward-secret") && !stdout.contains("canary"), "{stdout}");
}
