//! Errors of the program at the start, with secrets in its options.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::needles::Needle;

/// The files of a test, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("dockline-canary-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const PASSWORD: &str = "DatabasePasswordCanary0123";
const KEY: &str = "TheAppsPrivateKeyCanary0123456789";
const CLIENT: &str = "client secret Canary0123456789";
const WEBHOOK: &str = "short Canary01";

#[test]
fn errors_at_the_start_quote_no_secret() {
    let folder = Folder::new();
    let pem =
        |body: &str| format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n");
    let key = folder.file("key.pem", &pem(KEY));
    let no_pem = folder.file("no.pem", KEY);
    let encoded = data_encoding::BASE64.encode(format!("{KEY} and more than that").as_bytes());
    let odd_key = folder.file("odd.pem", &pem(&encoded));
    let client = folder.file("client", CLIENT);
    let webhook = folder.file("webhook", WEBHOOK);
    let url =
        format!("postgres://dockline:{PASSWORD}@127.0.0.1:1/dockline?sslmode=disable&connect_timeout=1");
    let odd_url = format!("postgres://dockline:{PASSWORD}@127.0.0.1:port/dockline");
    let option_url =
        format!("postgres://dockline:{PASSWORD}@127.0.0.1/dockline?password={PASSWORD}&sslmode={PASSWORD}");
    let needles = [
        Needle::new("the database's password", PASSWORD),
        Needle::new("the App's private key", KEY),
        Needle::new("the App's private key, encoded", &encoded),
        Needle::new("the OAuth client's secret", CLIENT),
        Needle::new("the webhook secret", WEBHOOK),
    ];
    let serve = |pem: &str, further: &[&str]| {
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--github-app-id",
            "7",
            "--github-app-slug",
            "acme-dock",
            "--github-private-key-file",
            pem,
        ];
        [&arguments, further].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let state = ["--claim-policy", "state"];
    let oauth = ["--github-client-id", "Iv23.client", "--github-client-secret-file", &client];
    let runs = [
        ("no PEM", &url, serve(&no_pem, &state)),
        ("a PEM of something else", &url, serve(&key, &state)),
        ("a PEM of base64 that is no key", &url, serve(&odd_key, &state)),
        ("a client secret with blanks", &url, serve(&key, &oauth)),
        ("a weak webhook secret", &url, serve(&key, &["--webhook-secret-file", &webhook])),
        ("no policy without a client", &url, serve(&key, &[])),
        ("a URL that does not parse", &odd_url, serve(&key, &state)),
        ("a URL with odd options", &option_url, serve(&key, &state)),
        ("migrate, no database there", &url, vec!["migrate".into()]),
        ("migrate, a URL that does not parse", &odd_url, vec!["migrate".into()]),
        ("keys list, no database there", &url, vec!["keys".into(), "list".into()]),
        ("reconcile, no PEM", &url, {
            let mut arguments = serve(&no_pem, &[]);
            arguments[0] = "reconcile".into();
            arguments.drain(1..3);
            arguments
        }),
        (
            "an unknown option with a secret",
            &url,
            vec!["serve".into(), "--github-client-secrets".into(), "x".into()],
        ),
    ];
    for (path, url, arguments) in runs {
        for format in ["human", "json"] {
            let output = Command::new(env!("CARGO_BIN_EXE_dockline"))
                .args(&arguments)
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "1")
                .env("DOCKLINE_LOG_FORMAT", format)
                .env("DOCKLINE_DATABASE_URL", url)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let output_text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!output.status.success() && !output_text.is_empty(), "{path}: {output_text}");
            for needle in &needles {
                assert_eq!(needle.found_in(&output_text), None, "{path}: {output_text}");
            }
            println!("{path} ({format}): {}", output_text.lines().last().unwrap());
        }
    }
}
