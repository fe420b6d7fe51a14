//! A folder, a simulated GitHub with one App, and the program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use dockline_github_sim::{AppCredentials, GithubSim, NewApp, RunningSim};
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PUBLIC_URL: &str = "https://api.example.com";

pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) sim: RunningSim,
    pub(crate) app: AppCredentials,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sim = GithubSim::default().start().await.unwrap();
        let callback = format!("{PUBLIC_URL}/v1/github/installation/callback");
        let app = sim.sim().create_app(NewApp::new("dockline-test", &callback)).unwrap();
        let scene = Self { folder, sim, app };
        std::fs::create_dir(scene.path("given")).unwrap();
        for (name, secret) in [
            ("given/key.pem", &scene.app.private_key_pem),
            ("given/client-secret", &scene.app.client_secret),
            ("given/webhook-secret", &scene.app.webhook_secret),
        ] {
            std::fs::write(scene.path(name), secret.expose_secret()).unwrap();
            std::fs::set_permissions(scene.path(name), PermissionsExt::from_mode(0o600)).unwrap();
        }
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// Returns the names of the files in the folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            files.map(|file| file.unwrap().file_name().to_str().unwrap().to_owned()).collect();
        names.sort();
        names.retain(|name| name != "given");
        names
    }

    /// Returns the program in the folder, without variables of the machine's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockline"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCKLINE_")) {
            command.env_remove(name);
        }
        command.args(arguments).env_remove("RUST_LOG").current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Returns an answer to every question.
    pub(crate) fn answers(&self) -> Vec<String> {
        vec![
            format!("{},{}", self.sim.web, self.sim.api),
            self.app.app_id.to_string(),
            self.app.slug.clone(),
            self.app.client_id.clone(),
            self.app.client_secret.expose_secret().to_owned(),
            self.text("given/key.pem"),
            self.app.webhook_secret.expose_secret().to_owned(),
            PUBLIC_URL.to_owned(),
        ]
    }

    /// Starts `dockline serve` with the written file, and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        let mut command =
            self.command(&["serve", "--config", "dockline.toml", "--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).unwrap();
        Server { child, api: announced["api"].as_str().unwrap().to_owned(), announced }
    }

    /// Returns the options that name the simulated GitHub.
    pub(crate) fn github(&self) -> [&str; 4] {
        ["--github-web-url", &self.sim.web, "--github-api-url", &self.sim.api]
    }

    /// Returns `dockline config --json` for the written file.
    pub(crate) fn configured(&self) -> Value {
        let ended = ended(&mut self.command(&["config", "--json", "--config", "dockline.toml"]));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) api: String,
    /// The line that it printed.
    pub(crate) announced: Value,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of a program.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

/// Runs the program with these lines on standard input.
pub(crate) fn answered(command: &mut Command, lines: &[impl AsRef<str>]) -> Ended {
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    fed(command, format!("{}\n", lines.join("\n")).as_bytes())
}

/// Runs the program with these bytes on standard input.
pub(crate) fn fed(command: &mut Command, bytes: &[u8]) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early closes the pipe.
    let _ = stdin.write_all(bytes);
    drop(stdin);
    child.wait_with_output().unwrap().into()
}
