//! Searches text for secrets in every encoding in which they could leak.

use std::collections::HashMap;
use std::fmt::Write;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};

/// Length of the pieces to search for, so that truncated secrets are found.
const PIECE: usize = 24;

/// A named secret, with the encodings of its pieces.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    pub(crate) name: &'static str,
    spellings: Vec<(&'static str, String)>,
}

impl Needle {
    pub(crate) fn new(name: &'static str, secret: &str) -> Self {
        assert!(secret.len() >= 12, "{name} is too short to be line from chance");
        let mut spellings = Vec::new();
        for piece in pieces(secret.as_bytes()) {
            spellings.extend(spelled(piece));
        }
        spellings.sort();
        spellings.dedup();
        Self { name, spellings }
    }

    /// Returns encoding and position of the secret in `text`.
    pub(crate) fn found_in(&self, text: &str) -> Option<String> {
        let Found { name, encoding, spelling, at } =
            Haystack::of(std::slice::from_ref(self)).search(text).pop()?;
        Some(format!("{name} ({encoding}: {spelling}) at {at}"))
    }
}

/// A match.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: &'static str,
    pub(crate) encoding: &'static str,
    pub(crate) spelling: String,
    pub(crate) at: usize,
}

/// Length of the indexed prefixes, shorter than any encoding.
const HEAD: usize = 8;

/// Index of all encodings by prefix, to search for all needles in one pass.
pub(crate) struct Haystack<'n>(HashMap<[u8; HEAD], Vec<(&'n Needle, &'static str, &'n str)>>);

impl<'n> Haystack<'n> {
    pub(crate) fn of(needles: &'n [Needle]) -> Self {
        let mut heads: HashMap<_, Vec<_>> = HashMap::new();
        for needle in needles {
            for (encoding, spelling) in &needle.spellings {
                let head = spelling.as_bytes()[..HEAD].try_into().unwrap();
                heads.entry(head).or_default().push((needle, *encoding, spelling.as_str()));
            }
        }
        Self(heads)
    }

    pub(crate) fn search(&self, text: &str) -> Vec<Found> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        for (at, head) in bytes.windows(HEAD).enumerate() {
            let head: [u8; HEAD] = head.try_into().unwrap();
            for (needle, encoding, spelling) in self.0.get(&head).into_iter().flatten() {
                if bytes[at..].starts_with(spelling.as_bytes()) {
                    let (name, spelling) = (needle.name, (*spelling).to_owned());
                    found.push(Found { name, encoding, spelling, at });
                }
            }
        }
        found
    }
}

/// Returns the whole secret if it is short, otherwise pieces from start, middle and end, on character boundaries.
fn pieces(secret: &[u8]) -> Vec<&[u8]> {
    if secret.len() <= PIECE {
        return vec![secret];
    }
    let starts = (0..secret.len() - PIECE).step_by(PIECE).chain([secret.len() - PIECE]);
    let pieces = starts.map(|start| &secret[start..start + PIECE]);
    pieces.filter(|piece| std::str::from_utf8(piece).is_ok()).collect()
}

/// Returns every encoding of a piece.
pub(crate) fn spelled(piece: &[u8]) -> Vec<(&'static str, String)> {
    let text = std::str::from_utf8(piece).unwrap();
    let mut all = vec![("plain", text.to_owned())];
    for (alignment, name, url_name) in [
        (0, "base64, first alignment", "base64url, first alignment"),
        (1, "base64, second alignment", "base64url, second alignment"),
        (2, "base64, third alignment", "base64url, third alignment"),
    ] {
        all.push((name, aligned(&BASE64, piece, alignment)));
        all.push((url_name, aligned(&BASE64URL, piece, alignment)));
    }
    all.push(("hex", HEXLOWER.encode(piece)));
    all.push(("hex in capitals", HEXUPPER.encode(piece)));
    let percent = |keep: fn(u8) -> bool, capitals: bool| {
        let mut encoded = String::new();
        for byte in piece {
            if keep(*byte) {
                encoded.push(char::from(*byte));
            } else if capitals {
                write!(encoded, "%{byte:02X}").unwrap();
            } else {
                write!(encoded, "%{byte:02x}").unwrap();
            }
        }
        encoded
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let in_forms = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    for keep in [unreserved, in_forms, |_| false] {
        all.push(("percent", percent(keep, true)));
        all.push(("percent in small letters", percent(keep, false)));
    }
    let json = serde_json::to_string(text).unwrap();
    let json = json.trim_matches('"');
    all.push(("JSON", json.to_owned()));
    all.push(("JSON in JSON", serde_json::to_string(json).unwrap().trim_matches('"').to_owned()));
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    all.push(("JSON, every character", escaped));
    let debug = format!("{text:?}");
    let debug = &debug[1..debug.len() - 1];
    all.push(("Debug", debug.to_owned()));
    all.push(("Debug of Debug", format!("{debug:?}").trim_matches('"').to_owned()));
    all.push(("bytes", format!("{piece:?}").trim_matches(['[', ']']).to_owned()));
    all
}

/// Returns the part of the base64 text that depends only on `piece`, if it follows `before` bytes (modulo 3).
fn aligned(encoding: &data_encoding::Encoding, piece: &[u8], before: usize) -> String {
    let encoded = encoding.encode(&[&vec![0; before], piece].concat());
    // Removes the characters that contain neighbouring bits.
    let skipped = [0, 2, 3][before];
    let whole = (before + piece.len()) * 8 / 6;
    encoded[skipped..whole].to_owned()
}

#[cfg(test)]
mod teeth {
    use super::*;

    const SECRET: &str = "s3cret-\"quoted\\\"-ünder/+~ the-hat_0123456789";

    #[test]
    fn leak_in_every_encoding_is_found_at_every_position() {
        let needle = Needle::new("secret", SECRET);
        let whole = SECRET.as_bytes();
        for before in 0..7 {
            let inside = [&b"prefix-"[..before], whole, b"-suffix"].concat();
            for leak in [
                String::from_utf8(inside.clone()).unwrap(),
                BASE64.encode(&inside),
                BASE64URL.encode(&inside),
                data_encoding::BASE64_NOPAD.encode(&inside),
                data_encoding::BASE64URL_NOPAD.encode(&inside),
                HEXLOWER.encode(&inside),
                HEXUPPER.encode(&inside),
                serde_json::json!({ "leak": String::from_utf8_lossy(&inside) }).to_string(),
                format!("{:?}", String::from_utf8_lossy(&inside)),
                format!("{:?}", Some(&inside)),
                form_urlencoded::byte_serialize(&inside).collect(),
                inside.iter().map(|byte| format!("%{byte:02x}")).collect(),
                String::from_utf8_lossy(&inside)
                    .encode_utf16()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect(),
            ] {
                let line = format!("2026-11-23T12:00:00Z INFO something leak={leak} more=true");
                assert!(needle.found_in(&line).is_some(), "{line}");
            }
        }
    }

    #[test]
    fn truncated_secret_is_found_and_other_text_is_not() {
        let needle = Needle::new("secret", SECRET);
        assert!(needle.found_in(&SECRET[..32]).is_some());
        assert!(needle.found_in(&SECRET[10..]).is_some());
        for innocent in ["", "s3cret", "the-hat", "0123456789", &"s".repeat(500)] {
            assert_eq!(needle.found_in(innocent), None, "{innocent}");
        }
    }
}
