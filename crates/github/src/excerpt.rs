//! What of GitHub's own words may stand in an error.

use serde::Deserialize;

const LONGEST: usize = 200;
/// A run of this many letters and digits, one of them a digit, is taken for a secret: codes have 20, client secrets
/// 40, tokens 36 and more.
const SECRET_RUN: usize = 20;

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// The `message` of an error of GitHub's, safe to log; empty where there is none.
pub(crate) fn message(body: &[u8]) -> String {
    serde_json::from_slice::<Message>(body).map(|body| cleaned(&body.message)).unwrap_or_default()
}

/// At most 200 characters, none of them a control character, and nothing that may be a secret.
pub(crate) fn cleaned(text: &str) -> String {
    let mut clean = String::new();
    for run in text.split_inclusive(|c: char| !in_token(c)) {
        let word = run.trim_end_matches(|c: char| !in_token(c));
        if is_secret(word) {
            clean.push_str("[masked]");
        } else {
            clean.push_str(word);
        }
        clean.extend(run.chars().skip(word.chars().count()).map(|c| if c.is_control() { ' ' } else { c }));
        if clean.chars().count() > LONGEST {
            break;
        }
    }
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => clean.get(..end).unwrap_or_default().to_owned() + "…",
        None => clean,
    }
}

/// The characters of tokens of all kinds, JWTs included (lesson L-47: tokens are opaque, and no longer 40 long).
fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_secret(word: &str) -> bool {
    let known = word.match_indices('_').any(|(at, _)| {
        let before = word.get(..at).unwrap_or_default().as_bytes();
        matches!(before, [.., b'g', b'h', kind] if kind.is_ascii_alphanumeric())
            || before.ends_with(b"github_pat")
    });
    known || (word.len() >= SECRET_RUN && word.bytes().any(|byte| byte.is_ascii_digit()))
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
            let text = cleaned(&format!("token '{secret}' is bad, {secret}; ({secret})"));
            assert_eq!(text, "token '[masked]' is bad, [masked]; ([masked])");
        }
        assert_eq!(cleaned("code=0123456789abcdef0123 x"), "code=[masked] x");
    }

    #[test]
    fn githubs_words_stay_readable_and_short() {
        for words in [
            "'Expiration time' claim ('exp') is too far in the future",
            "Resource not accessible by integration",
            "This installation has been suspended",
            "The weigh_in of members",
        ] {
            assert_eq!(cleaned(words), words);
        }
        assert_eq!(cleaned("a\r\nb\u{1b}[31mc\0"), "a  b [31mc ");
        assert_eq!(cleaned(&"ab ".repeat(100)).chars().count(), LONGEST + 1);
        assert_eq!(cleaned(&"ä ".repeat(300)).chars().count(), LONGEST + 1);
        assert_eq!(message(b"{\"message\":\"no\"}"), "no");
        assert_eq!(message(b"<html>ghs_x</html>"), "");
        assert_eq!(message(b"{\"message\":7}"), "");
    }
}
