//! The built program as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    stdout: Mutex<BufReader<ChildStdout>>,
}

/// A program that has ended.
pub(crate) struct Ended(Output);

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockline"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Runs the program to its end.
pub(crate) fn dockline(arguments: &[&str]) -> Ended {
    Ended(command(arguments).stdin(Stdio::null()).output().unwrap())
}

impl Program {
    /// Starts the program and waits for its first line.
    pub(crate) fn started(arguments: &[&str]) -> (Self, String) {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (Self { child, stdout: Mutex::new(stdout) }, line.trim_end().to_owned())
    }

    pub(crate) fn with_json(arguments: &[&str]) -> (Self, Value) {
        let (program, line) = Self::started(arguments);
        (program, serde_json::from_str(&line).unwrap())
    }

    /// Everything up to this line.
    pub(crate) fn until_line(&self, last: &str) -> String {
        let mut text = String::new();
        while !text.trim_end().ends_with(last) {
            assert_ne!(self.stdout.lock().unwrap().read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of a GET, as the plainest client there is.
pub(crate) fn get(url: &str) -> u16 {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
