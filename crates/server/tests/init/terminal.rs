//! The program at a terminal, a pseudo-terminal of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::scene::Ended;

const DEADLINE: Duration = Duration::from_secs(30);

/// Makes the terminal at standard input the controlling one, which alone turns Ctrl-C into a signal.
const CONTROLLED: &str = "import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])";

pub(crate) struct Terminal {
    keyboard: File,
    /// Kept open, so that its settings can be read after the program has ended.
    screen: File,
    chunks: Receiver<Vec<u8>>,
    shown: String,
    /// How much of `shown` was expected.
    seen: usize,
    child: Child,
}

impl Terminal {
    /// Starts the command with input, output and errors at a terminal.
    pub(crate) fn start(command: &Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let screen = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let keyboard = File::from(keyboard);
        let end = || Stdio::from(screen.try_clone().unwrap());
        let mut controlled = Command::new("python3");
        controlled.args(["-c", CONTROLLED]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => controlled.env(name, value),
                None => controlled.env_remove(name),
            };
        }
        let folder = command.get_current_dir().unwrap();
        let child = controlled.current_dir(folder).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let (sender, chunks) = channel();
        let mut output = keyboard.try_clone().unwrap();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            // Fails once the terminal is closed.
            while let Ok(length) = output.read(&mut chunk) {
                if sender.send(chunk[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keyboard, screen, chunks, shown: String::new(), seen: 0, child }
    }

    /// Waits until the terminal shows the text, after what was expected before.
    pub(crate) fn expect(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let chunk = self.chunks.recv_timeout(DEADLINE);
            let chunk = chunk.unwrap_or_else(|_| panic!("{text:?} is not shown: {}", self.shown));
            self.shown.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the question, and types the answer.
    pub(crate) fn answer(&mut self, question: &str, answer: &str) {
        self.expect(question);
        self.press(&format!("{answer}\n"));
    }

    /// Returns whether the terminal shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.screen).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    pub(crate) fn terminate(&self) {
        let process = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(process, Signal::TERM).unwrap();
    }

    /// Waits for the program's end. Returns it, and whether the terminal shows what is typed afterwards.
    pub(crate) fn end(mut self) -> (Ended, bool) {
        let code = self.child.wait().unwrap().code();
        let echoes = self.echoes();
        let Self { screen, chunks, mut shown, .. } = self;
        drop(screen);
        for chunk in chunks {
            shown.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        (Ended { code, stdout: shown, stderr: String::new() }, echoes)
    }
}
