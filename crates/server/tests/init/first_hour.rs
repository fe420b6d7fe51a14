//! The commands of docs/first-hour.md, as the page writes them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use dockline_github_sim::Role;
use reqwest::Response;
use serde_json::Value;

use crate::create_app::{Flow, attribute, open, post};
use crate::http_client::loopback;
use crate::scene::{PUBLIC_URL, Scene, answered, ended};

const PAGE: &str = include_str!("../../../../docs/first-hour.md");

/// Returns the commands of the page's blocks, each on one line.
fn commands() -> VecDeque<String> {
    let blocks = PAGE.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let text: String = blocks.collect::<String>().replace("\\\n", "");
    text.lines().map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

/// A user's terminal, with a clone of the repository.
struct User<'a> {
    scene: &'a Scene,
    /// What was typed in the clone before.
    before: String,
}

impl<'a> User<'a> {
    /// Makes a home and a clone in which the program is built.
    fn new(scene: &'a Scene, name: &str, before: &str) -> Self {
        let built = scene.path(name).join("clone/target/release");
        std::fs::create_dir_all(&built).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dockline"), built.join("dockline")).unwrap();
        let before = format!("cd {}/clone\n{before}", scene.text(name));
        Self { scene, before }
    }

    /// Returns the command in a shell, with the simulated GitHub in place of github.com.
    fn command(&self, typed: &str) -> Command {
        let mut shell = Command::new("sh");
        let program = self.scene.command(&[]);
        for (name, _) in program.get_envs() {
            shell.env_remove(name);
        }
        let home = self.before.lines().next().unwrap().trim_start_matches("cd ").trim_end_matches("/clone");
        shell
            .args(["-c", &format!("set -e\n{}\nexec {typed}", self.before)])
            .env("HOME", home)
            .env("DOCKLINE_GITHUB_WEB_URL", &self.scene.sim.web)
            .env("DOCKLINE_GITHUB_API_URL", &self.scene.sim.api)
            .env("DOCKLINE_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null());
        shell
    }
}

/// A server that ends with the test.
struct Serving {
    child: Child,
    /// Open, so that the server can print more.
    _stdout: BufReader<ChildStdout>,
    api: String,
}

impl Serving {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let api = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, _stdout: stdout, api }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Returns a parameter of a URL's query.
fn parameter(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// Installs the App and confirms, as a browser behind a proxy for the public URL does. Returns the URL of the product.
async fn browse(install_url: &str, api: &str) -> String {
    let (status, page) = open(install_url).await;
    assert!(status == 200 && page.contains("my-organization"), "{page}");
    let account = page.split("<option value=\"").skip(1).find(|option| option.contains("selected")).unwrap();
    let account = account.split_once('"').unwrap().0;
    let state = attribute(&page, "name=\"state\" value=\"");
    let form =
        [("account", account), ("state", &state), ("action", "install"), ("repository_selection", "all")];
    let installed = post(install_url, &form).await;
    assert_eq!(installed.status(), 302);
    let callback = location(&installed).replace(PUBLIC_URL, api);
    let asked = loopback().get(&callback).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let cookie = asked.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = asked.text().await.unwrap();
    let ticket = attribute(&page, "name=\"ticket\" value=\"");
    let pairs = [("state", &*state), ("ticket", &ticket), ("answer", "confirm")];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let confirm = loopback().post(callback.split('?').next().unwrap()).body(body).header("cookie", cookie);
    let confirm = confirm.header("content-type", "application/x-www-form-urlencoded");
    let confirmed = confirm.send().await.unwrap();
    assert_eq!(confirmed.status(), 303);
    location(&confirmed)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_does_what_the_page_says() {
    let scene = Scene::start().await;
    let sim = scene.sim.sim();
    sim.create_user("olga").unwrap();
    sim.create_organization("my-organization").unwrap();
    sim.set_membership("my-organization", "olga", Role::Admin).unwrap();
    sim.default_user(Some("olga")).unwrap();
    let mut commands = commands();
    let mut next = |beginning: &str| {
        let command = commands.pop_front().unwrap();
        assert!(command.starts_with(beginning), "{beginning}: {command}");
        command
    };

    // Tests of dockline-demo run the demo, and that of the release builds the program.
    assert_eq!(next("cargo run"), "cargo run -p dockline-demo");
    assert_eq!(next("cargo build"), concat!("cargo build --release -p ", env!("CARGO_PKG_NAME")));
    let before = [next("export PATH="), next("mkdir")].join("\n");

    let user = User::new(&scene, "creates", &before);
    let flow = Flow::start(&mut user.command(&next("dockline init --create-app")));
    let redirect = flow.create("Acme Dock").await;
    assert_eq!(open(&redirect).await.0, 200);
    let created = flow.end();
    assert_eq!(created.code, Some(0), "{}\n{}", created.stdout, created.stderr);

    let other = User::new(&scene, "answers", &before);
    let init = answered(&mut other.command(&next("dockline init")), &scene.answers()[1..]);
    assert_eq!(init.code, Some(0), "{}\n{}", init.stdout, init.stderr);

    let serve = next("dockline serve");
    let create_key = next("dockline keys create");
    for printed in [&created.stdout, &init.stdout] {
        // The program prints them with the absolute path of the file.
        for command in [&serve, &create_key] {
            let rest = command.split_once("dockline.toml").unwrap().1;
            assert!(printed.contains(&format!("dockline.toml{rest}\n")), "{command}: {printed}");
        }
    }
    let server = Serving::start(&mut user.command(&serve));
    let key = ended(&mut user.command(&create_key));
    assert_eq!(key.code, Some(0), "{}", key.stderr);
    let key = key.stdout.split_whitespace().find(|word| word.matches('_').count() >= 3).unwrap();

    let curl = |command: &str, placeholders: &[(&str, &str)]| {
        let mut command = command.replace("curl ", "curl --silent --show-error --fail ");
        for (placeholder, value) in placeholders.iter().chain(&[(PUBLIC_URL, &*server.api), ("KEY", key)]) {
            assert!(command.contains(placeholder), "{placeholder}: {command}");
            command = command.replace(placeholder, value);
        }
        let answer = ended(&mut user.command(&command));
        assert_eq!(answer.code, Some(0), "{command}: {}", answer.stderr);
        serde_json::from_str::<Value>(&answer.stdout).unwrap()
    };
    let link = curl(&next("curl -G"), &[]);
    let product = browse(link["installUrl"].as_str().unwrap(), &server.api).await;
    assert!(product.starts_with("https://app.example.com/connected?"), "{product}");
    let (installation, state) = (parameter(&product, "installation_id"), parameter(&product, "state"));
    let bound = curl(&next("curl "), &[("1234", &installation), ("...", &state)]);
    assert_eq!((&bound["orgLogin"], &bound["status"]), (&"my-organization".into(), &"active".into()));
    assert!(commands.is_empty(), "{commands:?}");
}
