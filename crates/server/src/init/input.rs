//! Lines of standard input, which may be secrets.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::thread;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::sync::oneshot;

use terminal::{Hidden, discard};

/// Bytes of a line. Terminals cut lines of 4,096 bytes and more, so a longer one may be incomplete.
const LONGEST: usize = 4_000;

/// A line, without white space around it.
pub(super) enum Line {
    Text(SecretString),
    /// Not usable, for this reason.
    Invalid(&'static str),
    End,
}

/// Standard input, which may be a terminal, or a file with one answer per line.
pub(super) struct Input {
    is_terminal: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { is_terminal: io::stdin().is_terminal() }
    }

    pub(super) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Makes a terminal show nothing that is typed, until the returned value is dropped.
    ///
    /// # Errors
    /// If the terminal cannot hide text.
    pub(super) fn hide(&self) -> io::Result<Option<Hidden>> {
        if self.is_terminal { Hidden::begin().map(Some) } else { Ok(None) }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// If standard input cannot be read.
    pub(super) async fn line(&self) -> io::Result<Line> {
        let (done, line) = oneshot::channel();
        // Not a task: the runtime would wait for its end, which may never come, before the program ends.
        thread::spawn(move || done.send(read()));
        line.await.map_err(io::Error::other)?
    }

    /// Drops what was pasted beyond the last line, so that it answers no other question.
    pub(super) fn discard(&self) {
        if self.is_terminal {
            discard();
        }
    }
}

/// Reads byte by byte, since a buffer would keep a copy of each secret.
fn read() -> io::Result<Line> {
    let mut stdin = unbuffered()?;
    // Never grows, which would leave a copy behind, too.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0_u8]);
    let (mut any, mut too_long) = (false, false);
    loop {
        match stdin.read(byte.as_mut_slice()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(0) if !any => return Ok(Line::End),
            Ok(0) => break,
            Ok(_) if *byte == [b'\n'] => break,
            Ok(_) if line.len() == LONGEST => too_long = true,
            Ok(_) => line.extend_from_slice(&*byte),
        }
        any = true;
    }
    if too_long {
        return Ok(Line::Invalid("is longer than 4,000 bytes"));
    }
    Ok(match std::str::from_utf8(&line) {
        // Editors on Windows put a byte order mark before the first line.
        Ok(text) => Line::Text(text.trim_start_matches('\u{FEFF}').trim().into()),
        Err(_) => Line::Invalid("is not UTF-8 text"),
    })
}

#[cfg(unix)]
fn unbuffered() -> io::Result<File> {
    use std::os::fd::AsFd;

    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn unbuffered() -> io::Result<File> {
    use std::os::windows::io::AsHandle;

    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

#[cfg(unix)]
mod terminal {
    use std::io;

    use rustix::termios::{
        LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
    };

    /// Hides what is typed until it is dropped.
    pub(crate) struct Hidden(Termios);

    impl Hidden {
        pub(super) fn begin() -> io::Result<Self> {
            let shown = tcgetattr(io::stdin())?;
            let mut hidden = shown.clone();
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            // Ctrl-Z and Ctrl-\ would leave the shell with a terminal that shows nothing. Ctrl-C is handled.
            for key in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
                hidden.special_codes[key] = 0;
            }
            tcsetattr(io::stdin(), OptionalActions::Drain, &hidden)?;
            Ok(Self(shown))
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            // If the terminal is gone, there is nothing to restore.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
        }
    }

    pub(super) fn discard() {
        // If it fails, the user sees the next question answered.
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io;

    pub(crate) struct Hidden;

    impl Hidden {
        /// Fails, so that no secret is shown.
        pub(super) fn begin() -> io::Result<Self> {
            Err(io::Error::other("this system cannot hide a secret: name files, or set variables"))
        }
    }

    pub(super) const fn discard() {}
}
