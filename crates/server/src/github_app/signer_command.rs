//! `--github-signer-command`: a program that signs instead of a private key.

use std::io;
use std::process::Stdio;

use async_trait::async_trait;
use data_encoding::BASE64;
use dockline_github::{Signature, Signer, SignerError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::config::ConfigError;

/// Enough for a signature in base64, with line breaks.
const MAX_OUTPUT: u64 = 8 * 1024;
/// Bytes of standard error that are logged.
const MAX_STDERR: u64 = 2 * 1024;

/// A program and its arguments. The caller enforces the deadline by dropping the future, which kills the program.
#[derive(Debug, Clone)]
pub(super) struct SignerCommand {
    program: String,
    arguments: Vec<String>,
}

impl SignerCommand {
    /// Splits a line into words as a shell does. Expands nothing.
    pub(super) fn parse(line: &str) -> Result<Self, ConfigError> {
        let error = |cause: &str, help: &str| Err(ConfigError::new("--github-signer-command", cause, help));
        let Some(words) = shlex::split(line) else {
            return error("has an unclosed quote or a trailing backslash", "quote it as in a shell");
        };
        match words.split_first() {
            Some((program, arguments)) if !program.is_empty() => {
                Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
            }
            _ => error("is empty", "set a program and its arguments"),
        }
    }

    fn start(&self) -> Result<Child, SignerError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Dockline's variables hold secrets that the program does not need. It may need others, such as cloud credentials.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DOCKLINE_"))
        {
            command.env_remove(name);
        }
        command
            .spawn()
            .map_err(|error| SignerError::Broken(format!("{} cannot be started ({error})", self.program)))
    }
}

#[async_trait]
impl Signer for SignerCommand {
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let mut child = self.start()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that does not read all of it is judged by its exit status and output.
                let _ = stdin.write_all(message).await;
                let _ = stdin.shutdown().await;
            }
        };
        let ((), output, stderr) =
            tokio::join!(write, bounded(stdout, MAX_OUTPUT), bounded(stderr, MAX_STDERR));
        let stderr = stderr.unwrap_or_default();
        if !stderr.is_empty() {
            tracing::warn!(program = self.program, stderr = %printable(&stderr), "the signer wrote to standard error");
        }
        let output = output.map_err(|error| self.broken(format_args!("returned nothing ({error})")))?;
        if output.len() as u64 > MAX_OUTPUT {
            return Err(
                self.broken(format_args!("returned more than {MAX_OUTPUT} bytes, which is not a signature"))
            );
        }
        let status =
            child.wait().await.map_err(|error| self.broken(format_args!("did not exit ({error})")))?;
        if !status.success() {
            let text =
                format!("{} failed ({status}); standard error: {:?}", self.program, printable(&stderr));
            return Err(SignerError::Unavailable(text));
        }
        signature(&output).map_err(|error| match error {
            SignerError::Broken(cause) => {
                SignerError::Broken(format!("{}: {cause}, raw or in base64", self.program))
            }
            unavailable @ (SignerError::Unavailable(_) | _) => unavailable,
        })
    }
}

impl SignerCommand {
    fn broken(&self, what: std::fmt::Arguments<'_>) -> SignerError {
        SignerError::Broken(format!("{} {what}", self.program))
    }
}

/// Decodes the output: ASCII is base64 with white space, anything else a raw signature. A raw signature has at least 256
/// random bytes, so it is never ASCII.
fn signature(output: &[u8]) -> Result<Signature, SignerError> {
    if !output.is_ascii() {
        return Signature::new(output);
    }
    let dense: Vec<u8> = output.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64
        .decode(&dense)
        .map_err(|_| SignerError::Broken("it returned text that is not base64".to_owned()))?;
    Signature::new(bytes)
}

/// Reads at most `max` bytes and one more, which shows that there were too many.
async fn bounded(stream: Option<impl AsyncRead + Unpin + Send>, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(max + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Replaces control characters, which could move the cursor or start a new line.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_split_into_words_as_in_a_shell() {
        let command = SignerCommand::parse("sign --key 'my key' \"a b\" c\\ d").unwrap();
        assert_eq!(
            (&*command.program, command.arguments),
            ("sign", ["--key", "my key", "a b", "c d"].map(String::from).to_vec())
        );
        for bad in ["", "  ", "'open", "''"] {
            assert!(SignerCommand::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn signature_is_raw_or_base64() {
        let raw: Vec<u8> = (0..=255).collect();
        let read = |bytes: &[u8]| signature(bytes).map(|it| it.as_bytes().to_vec());
        assert_eq!(read(&raw).unwrap(), raw);
        let base64 = BASE64.encode(&raw);
        assert_eq!(read(base64.as_bytes()).unwrap(), raw);
        let (one, two) = base64.split_at(64);
        assert_eq!(read(format!("{one}\n{two}\n").as_bytes()).unwrap(), raw);
        for bad in [&b""[..], b"rubbish!", &[200; 255], base64.as_bytes().get(1..).unwrap(), b"QUJD"] {
            assert!(matches!(read(bad), Err(SignerError::Broken(_))), "{bad:?}");
        }
    }
}
