//! `--github-signer-command`: a program that signs in the private key's place.

use std::io;
use std::process::Stdio;

use async_trait::async_trait;
use data_encoding::BASE64;
use dockline_github::{Signature, Signer, SignerError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::mistakes::Mistake;

/// Room for a signature in base64, with line breaks.
const MOST_OUTPUT: u64 = 8 * 1024;
/// What is kept of what it complains.
const MOST_COMPLAINT: u64 = 2 * 1024;

/// A program and its arguments. Its deadline is the caller's, who drops the future; the program is killed then.
#[derive(Debug, Clone)]
pub(super) struct SignerCommand {
    program: String,
    arguments: Vec<String>,
}

impl SignerCommand {
    /// Splits a line as a shell would, and nothing else that a shell does.
    pub(super) fn parse(line: &str) -> Result<Self, Mistake> {
        let mistake = |cause: &str, mend: &str| Err(Mistake::new("--github-signer-command", cause, mend));
        let Some(words) = shlex::split(line) else {
            return mistake(
                "has a quote or a backslash that is left open",
                "write it as you would in a shell",
            );
        };
        match words.split_first() {
            Some((program, arguments)) if !program.is_empty() => {
                Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
            }
            _ => mistake("is empty", "give a program and its arguments"),
        }
    }

    fn start(&self) -> Result<Child, SignerError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Our secrets are none of its business; its own, such as a cloud's credentials, are.
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
        let give = async {
            if let Some(mut stdin) = stdin {
                // One that does not read all of it says so by how it ends.
                let _ = stdin.write_all(message).await;
                let _ = stdin.shutdown().await;
            }
        };
        let ((), output, complaint) =
            tokio::join!(give, bounded(stdout, MOST_OUTPUT), bounded(stderr, MOST_COMPLAINT));
        let complaint = complaint.unwrap_or_default();
        if !complaint.is_empty() {
            tracing::warn!(program = self.program, said = %printable(&complaint), "the signer complains");
        }
        let output = output.map_err(|error| self.broken(format_args!("gave nothing ({error})")))?;
        if output.len() as u64 > MOST_OUTPUT {
            // It may still be writing.
            return Err(
                self.broken(format_args!("gave more than {MOST_OUTPUT} bytes, which is no signature"))
            );
        }
        let status =
            child.wait().await.map_err(|error| self.broken(format_args!("did not end ({error})")))?;
        if !status.success() {
            let said = printable(&complaint);
            let said = if said.is_empty() { "nothing".to_owned() } else { format!("{said:?}") };
            let text = format!("{} failed ({status}); it said {said}", self.program);
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

/// Text is base64, with whatever white space; anything else is the signature itself. No raw signature is text: it has 256
/// bytes at least, each of which is as likely as any other.
fn signature(output: &[u8]) -> Result<Signature, SignerError> {
    if !output.is_ascii() {
        return Signature::new(output);
    }
    let dense: Vec<u8> = output.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64
        .decode(&dense)
        .map_err(|_| SignerError::Broken("it gave text that is not base64".to_owned()))?;
    Signature::new(bytes)
}

/// All of it, up to one byte more than `most`; the rest is not read.
async fn bounded(stream: Option<impl AsyncRead + Unpin + Send>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(most + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// One line without anything that moves the cursor.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_by_a_shell() {
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
    fn a_signature_is_raw_or_base64() {
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
