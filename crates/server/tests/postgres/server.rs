//! `dockline serve` as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use dockline_github_sim::{AppCredentials, NewApp, RunningSim};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::schema::TestSchema;

/// Returns the program with the database in its environment.
pub(crate) fn dockline(schema: &TestSchema, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockline"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("DOCKLINE_DATABASE_URL", schema.url.expose_secret())
        .env("DOCKLINE_DATABASE_SCHEMA", &schema.name)
        .stdin(Stdio::null());
    command
}

/// Runs the program.
pub(crate) fn run(schema: &TestSchema, arguments: &[&str]) -> Output {
    dockline(schema, arguments).output().unwrap()
}

/// The App's credentials as files, which are removed when dropped.
pub(crate) struct AppFiles {
    folder: PathBuf,
    pub(crate) slug: String,
    pub(crate) client_id: String,
}

impl AppFiles {
    fn new(schema: &TestSchema, app: &AppCredentials) -> Self {
        let folder = std::env::temp_dir().join(format!("dockline-{}-{}", schema.name, app.client_id));
        std::fs::create_dir(&folder).unwrap();
        for (name, secret) in [
            ("key.pem", &app.private_key_pem),
            ("client-secret", &app.client_secret),
            ("webhook-secret", &app.webhook_secret),
        ] {
            std::fs::write(folder.join(name), secret.expose_secret()).unwrap();
        }
        Self { folder, slug: app.slug.clone(), client_id: app.client_id.clone() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }
}

impl Drop for AppFiles {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A simulated GitHub with one App, and the App's files.
pub(crate) struct Github {
    pub(crate) sim: RunningSim,
    pub(crate) app: AppCredentials,
    pub(crate) files: AppFiles,
}

impl Github {
    pub(crate) async fn start(schema: &TestSchema) -> Self {
        let app = NewApp::new("dockline-test", "https://api.example.com/v1/github/installation/callback");
        Self::with_app(schema, app).await
    }

    pub(crate) async fn with_app(schema: &TestSchema, app: NewApp) -> Self {
        let sim = dockline_github_sim::GithubSim::default().start().await.unwrap();
        let app = sim.sim().create_app(app).unwrap();
        let files = AppFiles::new(schema, &app);
        Self { sim, app, files }
    }

    /// Creates an account and an installation on it.
    pub(crate) fn install(&self, login: &str) -> u64 {
        self.sim.sim().create_user(login).unwrap();
        self.sim.sim().install(self.app.app_id, login, login).unwrap()
    }
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) api: String,
    pub(crate) metrics: Option<String>,
}

impl Server {
    /// Starts it with the policy `state` and waits until it listens.
    pub(crate) fn start(schema: &TestSchema, github: &Github, listen: &str) -> Self {
        Self::spawn(schema, github, listen).listening()
    }

    /// Starts it without waiting.
    pub(crate) fn spawn(schema: &TestSchema, github: &Github, listen: &str) -> Starting {
        Self::spawn_with(schema, github, listen, &[])
    }

    /// Starts it with further arguments, without waiting.
    pub(crate) fn spawn_with(
        schema: &TestSchema,
        github: &Github,
        listen: &str,
        further: &[&str],
    ) -> Starting {
        let mut command = Self::command(schema, github, listen, further);
        Starting(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Starts it with a log at `trace` in the file `log`, without waiting.
    pub(crate) fn spawn_logging(
        schema: &TestSchema,
        github: &Github,
        further: &[&str],
        log: File,
    ) -> Starting {
        let mut command = Self::command(schema, github, "127.0.0.1:0", further);
        let command = command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        Starting(command.stdout(Stdio::piped()).stderr(log).spawn().unwrap())
    }

    /// Returns the command of `dockline serve` with the policy `state`.
    pub(crate) fn command(schema: &TestSchema, github: &Github, listen: &str, further: &[&str]) -> Command {
        let files = &github.files;
        let arguments = [
            "serve",
            "--json",
            "--listen",
            listen,
            "--github-web-url",
            &github.sim.web,
            "--github-api-url",
            &github.sim.api,
            "--github-app-slug",
            &files.slug,
            "--github-client-id",
            &files.client_id,
            "--github-client-secret-file",
            &files.path("client-secret"),
            "--github-private-key-file",
            &files.path("key.pem"),
            "--webhook-secret-file",
            &files.path("webhook-secret"),
            "--public-url",
            "https://api.example.com",
            "--claim-policy",
            "state",
        ];
        dockline(schema, &[&arguments, further].concat())
    }

    /// Starts the command and waits until it listens.
    pub(crate) fn of(mut command: Command) -> Self {
        Starting(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()).listening()
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM. Returns the exit code.
    pub(crate) fn end(self) -> Option<i32> {
        self.terminate();
        self.ended()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    }

    /// Waits for the exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that is starting.
pub(crate) struct Starting(Child);

impl Starting {
    pub(crate) const fn of(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn listening(mut self) -> Server {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("the server did not start");
        let metrics = told["metrics"].as_str().map(str::to_owned);
        Server { child: self.0, api: told["api"].as_str().unwrap().to_owned(), metrics }
    }
}
