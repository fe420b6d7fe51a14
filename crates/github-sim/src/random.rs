//! Random values in the formats of GitHub. They are not secret: a simulator has nothing to protect.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::fill(&mut bytes);
    bytes
}

/// Returns `length` random bytes in lower-case hexadecimal.
pub(crate) fn hex(length: usize) -> String {
    HEXLOWER.encode(&bytes(length))
}

/// Returns `length` random bytes in base64url without padding.
pub(crate) fn base64url(length: usize) -> String {
    BASE64URL_NOPAD.encode(&bytes(length))
}

/// Returns `prefix` followed by `length` random letters and digits.
pub(crate) fn alphanumeric(prefix: &str, length: usize) -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(length);
    prefix.chars().chain(random).collect()
}

/// Returns a random UUID of version 4.
pub(crate) fn uuid() -> String {
    let hex = hex(16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
