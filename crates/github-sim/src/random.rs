//! Random bytes, and the shapes that GitHub gives them.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use crate::error::SimError;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator stands outside the core and has no Entropy port"
)]
fn fill(bytes: &mut [u8]) -> Result<(), SimError> {
    getrandom::fill(bytes).map_err(|_| SimError::NoRandomness)
}

/// `bytes` random bytes in lower case hexadecimal.
pub(crate) fn hex(bytes: usize) -> Result<String, SimError> {
    let mut raw = vec![0; bytes];
    fill(&mut raw)?;
    Ok(HEXLOWER.encode(&raw))
}

/// `bytes` random bytes in base64url without padding.
pub(crate) fn base64url(bytes: usize) -> Result<String, SimError> {
    let mut raw = vec![0; bytes];
    fill(&mut raw)?;
    Ok(BASE64URL_NOPAD.encode(&raw))
}

/// `prefix` and `length` random letters and digits, each equally likely.
pub(crate) fn alphanumeric(prefix: &str, length: usize) -> Result<String, SimError> {
    let mut text = String::from(prefix);
    while text.len() < prefix.len() + length {
        let mut byte = [0];
        fill(&mut byte)?;
        // 248 = 4 × 62: a byte above it would favour the first letters.
        if let Some(letter) =
            byte.first().filter(|b| **b < 248).and_then(|b| ALPHANUMERIC.get(usize::from(b % 62)))
        {
            text.push(char::from(*letter));
        }
    }
    Ok(text)
}
