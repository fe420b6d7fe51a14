//! JSON by the letter of RFC 8259, to compare the parser with.

/// What RFC 8259 says about a text: the type of its value, or `None` if it is not JSON.
pub(crate) fn type_of(text: &[u8]) -> Option<u8> {
    let (first, rest) = value(blank(text))?;
    blank(rest).is_empty().then_some(first)
}

fn blank(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

fn value(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'{', rest @ ..] => list(rest, b'}', |member| {
            let [b':', rest @ ..] = blank(string(member)?) else { return None };
            Some(value(blank(rest))?.1)
        })
        .map(|rest| (b'{', rest)),
        [b'[', rest @ ..] => list(rest, b']', |item| Some(value(item)?.1)).map(|rest| (b'[', rest)),
        [b'"', ..] => string(text).map(|rest| (b'"', rest)),
        [b'-' | b'0'..=b'9', ..] => number(text).map(|rest| (b'0', rest)),
        _ => [b"true".as_slice(), b"false", b"null"]
            .into_iter()
            .find_map(|word| text.strip_prefix(word))
            .map(|rest| (b't', rest)),
    }
}

fn list<'a>(text: &'a [u8], end: u8, item: impl Fn(&'a [u8]) -> Option<&'a [u8]>) -> Option<&'a [u8]> {
    let mut text = blank(text);
    if text.first() == Some(&end) {
        return text.get(1..);
    }
    loop {
        match blank(item(text)?) {
            [b',', rest @ ..] => text = blank(rest),
            [found, rest @ ..] if *found == end => return Some(rest),
            _ => return None,
        }
    }
}

fn string(text: &[u8]) -> Option<&[u8]> {
    let mut text = text.strip_prefix(b"\"")?;
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\', b'u', a, b, c, d, rest @ ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                rest
            }
            [b'\\' | 0..=0x1f, ..] | [] => return None,
            [_, rest @ ..] => rest,
        }
    }
}

fn number(text: &[u8]) -> Option<&[u8]> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    let mut text = text.get(whole..)?;
    if let Some(rest) = text.strip_prefix(b".") {
        text = rest.get(digits(rest)..).filter(|_| digits(rest) > 0)?;
    }
    if let [b'e' | b'E', rest @ ..] = text {
        let rest = rest.strip_prefix(b"+").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
        text = rest.get(digits(rest)..).filter(|_| digits(rest) > 0)?;
    }
    Some(text)
}
