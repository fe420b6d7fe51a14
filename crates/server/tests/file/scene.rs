//! `dockline serve` and commands as processes, on a file in a folder of their own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use dockline_github_sim::{AppCredentials, GithubSim, NewApp, RunningSim};
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

use crate::api::Backend;

/// A folder, and a simulated GitHub with one App.
pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) sim: RunningSim,
    pub(crate) app: AppCredentials,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sim = GithubSim::default().start().await.unwrap();
        let callback = "https://api.example.com/v1/github/installation/callback";
        let app = sim.sim().create_app(NewApp::new("dockline-test", callback)).unwrap();
        for (name, secret) in [
            ("key.pem", &app.private_key_pem),
            ("client-secret", &app.client_secret),
            ("webhook-secret", &app.webhook_secret),
        ] {
            std::fs::write(folder.path().join(name), secret.expose_secret()).unwrap();
        }
        std::fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder, sim, app }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a path as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("data/dockline.db")
    }

    /// Returns the program with its file in the folder `data`, by the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockline"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCKLINE_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env_remove("RUST_LOG")
            .env("DOCKLINE_DATA_DIR", self.path("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Returns the options of the App.
    pub(crate) fn app_options(&self) -> Vec<String> {
        [
            "--github-web-url",
            &self.sim.web,
            "--github-api-url",
            &self.sim.api,
            "--github-app-id",
            &self.app.app_id.to_string(),
            "--github-app-slug",
            &self.app.slug,
            "--github-private-key-file",
            &self.text("key.pem"),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Returns the command `dockline serve` with the policy `state`.
    pub(crate) fn serve_command(&self, further: &[&str]) -> Command {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(self.app_options()).args([
            "--github-client-id",
            &self.app.client_id,
            "--github-client-secret-file",
            &self.text("client-secret"),
            "--webhook-secret-file",
            &self.text("webhook-secret"),
            "--public-url",
            "https://api.example.com",
            "--claim-policy",
            "state",
        ]);
        command.args(further);
        command
    }

    /// Starts `dockline serve` and waits until it listens.
    pub(crate) fn serve(&self, further: &[&str]) -> Server {
        Server::of(self.serve_command(&[&["--json"], further].concat()))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed. Returns its output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.run(arguments))
    }

    /// Runs a command that must succeed, with the options of the App.
    pub(crate) fn ok_as_app(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.command(arguments).args(self.app_options()).output().unwrap())
    }

    /// Runs a command that must succeed, and parses its output.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs a command that must fail. Returns its exit code and what it says.
    pub(crate) fn failing(&self, arguments: &[&str]) -> (i32, String) {
        let ended = self.run(arguments);
        (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
    }

    /// Creates a key of the organization by the command.
    pub(crate) fn backend(&self, organization: &str) -> Backend {
        let made = self.json(&[
            "keys",
            "create",
            "--organization",
            organization,
            "--name",
            organization,
            "--scope",
            "github:admin",
            "--tier",
            "partner",
            "--return-domain",
            "app.example.com",
        ]);
        Backend::new(made["apiKey"].as_str().unwrap().into())
    }

    /// Creates an account and an installation on it.
    pub(crate) fn install(&self, login: &str) -> u64 {
        self.sim.sim().create_user(login).unwrap();
        self.sim.sim().install(self.app.app_id, login, login).unwrap()
    }

    /// Binds an installation to an organization.
    pub(crate) async fn bind(&self, server: &Server, organization: &str) -> Bound {
        let backend = self.backend(organization);
        let installation = self.install(&organization.replace('_', "-"));
        let state = backend.state(&server.api).await;
        let answer = backend.register(&server.api, installation, &state).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        Bound { backend, installation, state, registered: answer.body }
    }

    /// Has the simulator send its webhooks to the server.
    pub(crate) fn set_webhook(&self, server: &Server) {
        let url = format!("{}/v1/github/webhooks", server.api);
        self.sim.sim().set_webhook_url(self.app.app_id, Some(&url)).unwrap();
    }
}

fn succeeded(arguments: &[&str], ended: Output) -> String {
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(ended.stdout).unwrap()
}

/// A binding, and how it was made.
pub(crate) struct Bound {
    pub(crate) backend: Backend,
    pub(crate) installation: u64,
    pub(crate) state: String,
    /// The body of the answer.
    pub(crate) registered: String,
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) api: String,
    /// The line that it printed.
    pub(crate) announced: Value,
}

impl Server {
    /// Starts the command, which has `--json`, and waits until it listens.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).expect("the server did not start");
        Self { child, api: announced["api"].as_str().unwrap().to_owned(), announced }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM. Returns the exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
