//! Removes from GitHub's words what must not appear in an error or a log.

use serde::Deserialize;

const MAX_LENGTH: usize = 200;
/// A run of this many letters and digits, at least one of them a digit, is treated as a secret: codes have 20, client
/// secrets 40, tokens 36 and more.
const SECRET_LENGTH: usize = 20;

#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

/// Returns the redacted `message` of an error response, or an empty text if there is none.
pub(super) fn message(body: &[u8]) -> String {
    serde_json::from_slice::<ErrorBody>(body).map(|body| redacted(&body.message)).unwrap_or_default()
}

/// Returns whether the body of an error response is JSON with a `message`.
pub(super) fn has_message(body: &[u8]) -> bool {
    // A derived `Deserialize` also accepts an array in place of an object.
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<ErrorBody>(body).is_ok()
}

/// Returns at most 200 characters of the text, with possible secrets masked and control characters replaced by blanks.
pub(crate) fn redacted(text: &str) -> String {
    let mut clean = String::new();
    for run in text.split_inclusive(|c: char| !is_token_character(c)) {
        let word = run.trim_end_matches(|c: char| !is_token_character(c));
        clean.push_str(if is_secret(word) { "[masked]" } else { word });
        clean.extend(run.chars().skip(word.chars().count()).map(|c| if c.is_control() { ' ' } else { c }));
        if clean.chars().count() > MAX_LENGTH {
            break;
        }
    }
    match clean.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => clean.get(..end).unwrap_or_default().to_owned() + "…",
        None => clean,
    }
}

/// Whether tokens, of any kind and format, contain this character.
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_secret(word: &str) -> bool {
    let has_token_prefix = word.match_indices('_').any(|(at, _)| {
        let before = word.get(..at).unwrap_or_default().as_bytes();
        matches!(before, [.., b'g', b'h', kind] if kind.is_ascii_alphanumeric())
            || before.ends_with(b"github_pat")
    });
    has_token_prefix || (word.len() >= SECRET_LENGTH && word.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_in_every_format_l47_i14() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl";
        for secret in [
            "ghs_short",
            "ghu_16C7e42F292c6912E7710c838347Ae178B4a",
            &format!("ghs_1_{jwt}"),
            jwt,
            "github_pat_11AA",
        ] {
            let text = redacted(&format!("token '{secret}' is bad, {secret}; ({secret})"));
            assert_eq!(text, "token '[masked]' is bad, [masked]; ([masked])");
        }
        assert_eq!(redacted("code=0123456789abcdef0123 x"), "code=[masked] x");
    }

    #[test]
    fn other_words_stay_readable_and_short() {
        for words in [
            "'Expiration time' claim ('exp') is too far in the future",
            "Resource not accessible by integration",
            "This installation has been suspended",
            "The weigh_in of members",
        ] {
            assert_eq!(redacted(words), words);
        }
        assert_eq!(redacted("a\r\nb\u{1b}[31mc\0"), "a  b [31mc ");
        assert_eq!(redacted(&"ab ".repeat(100)).chars().count(), MAX_LENGTH + 1);
        assert_eq!(redacted(&"ä ".repeat(300)).chars().count(), MAX_LENGTH + 1);
        assert_eq!(message(b"{\"message\":\"no\"}"), "no");
        assert_eq!(message(b"<html>ghs_x</html>"), "");
        assert_eq!(message(b"{\"message\":7}"), "");
    }
}
