//! The program and the commands of the page about events, as they are printed there.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use secrecy::ExposeSecret;

use super::product::SECRET;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

const PAGE: &str = include_str!("../../../../../docs/events.md");

/// Returns the block of the page whose first line is the comment `name`.
fn printed(name: &str) -> &'static str {
    let start = PAGE.find(&format!("\n# {name}\n")).unwrap_or_else(|| panic!("the page has no {name}"));
    PAGE[start + 1..].split("```").next().unwrap()
}

/// The product of the page, killed when dropped.
struct PrintedProduct {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl PrintedProduct {
    fn start(github: &Github) -> Self {
        github.files.write("product.py", printed("product.py"));
        let mut child = Command::new("python3")
            .arg(github.files.path("product.py"))
            .env("FORWARD_SECRET", SECRET)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs python3");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.next().unwrap().unwrap();
        let port = listening.strip_prefix("listening ").unwrap();
        let url = format!("http://127.0.0.1:{port}/hook");
        Self { child, lines, url }
    }

    /// Returns the next message, as the product prints it: organization, type, id and sequence.
    fn next(&mut self) -> Vec<String> {
        self.lines.next().unwrap().unwrap().split(' ').map(str::to_owned).collect()
    }
}

impl Drop for PrintedProduct {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_product_receives_the_push_of_the_printed_commands() {
    assert!(printed("product.py").lines().count() <= 45, "a product is short");
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let mut product = PrintedProduct::start(&github);
    github.files.write("forward-secret", SECRET);
    let secret = github.files.path("forward-secret");
    let forward = ["--forward-to", &product.url, "--forward-secret-file", &secret];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &forward).listening();
    let hook = format!("{}/v1/github/webhooks", server.api);
    github.sim.sim().set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    let ping = product.next();
    assert_eq!((&*ping[0], &*ping[1]), ("None", "ping"));

    github.files.write("connect.sh", printed("connect.sh"));
    let key = schema.key("org_acme").await;
    let output = Command::new("sh")
        .arg(PathBuf::from(github.files.path("connect.sh")))
        .env("API", &server.api)
        .env("KEY", key.expose_secret())
        .env("SIM", &github.sim.control)
        .env("APP", github.app.app_id.to_string())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let registered = product.next();
    assert_eq!(
        (&*registered[0], &*registered[1], &*registered[3]),
        ("org_acme", "installation.registered", "1")
    );
    let mut push = product.next();
    if push[1] == "installation" {
        // GitHub's own webhook about it can arrive after the registration.
        push = product.next();
    }
    let id = format!("gh_{}_", github.app.app_id);
    assert_eq!((&*push[0], &*push[1]), ("org_acme", "push"));
    assert!(push[2].starts_with(&id), "{push:?}");

    // The product believes signed messages only.
    for signature in ["", "v1,AAAA"] {
        let forged = loopback()
            .post(&product.url)
            .header("webhook-id", "ev_1")
            .header("webhook-timestamp", "1")
            .header("webhook-signature", signature)
            .body(r#"{"id":"ev_1","organization":"org_other","type":"push","sequence":1}"#);
        assert_eq!(forged.send().await.unwrap().status(), 401);
    }
    assert_eq!(server.end(), Some(0));
}
