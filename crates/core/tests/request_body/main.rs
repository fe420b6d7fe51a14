//! The parser of a registration's body accepts exactly the documented JSON and reports all problems at once (I15).
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod json;

use dockline::RegistrationRequest;

fn issues(body: impl AsRef<[u8]>) -> Vec<(String, String)> {
    match RegistrationRequest::parse(body.as_ref()) {
        Ok(request) => panic!("accepted as {request:?}"),
        Err(issues) => {
            let name = |code| serde_json::to_value(code).unwrap().as_str().unwrap().to_owned();
            issues.into_iter().map(|issue| (issue.path.into_owned(), name(issue.code))).collect()
        }
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

#[test]
fn the_documented_example_is_accepted() {
    let body = br#"{
    "installationId": 50291845,
    "state": "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"
  }"#;
    let request = RegistrationRequest::parse(body).unwrap();
    assert_eq!(request.installation.get(), 50_291_845);
    assert_eq!(request.state.expose(), "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK");
}

#[test]
fn order_escapes_and_white_space_do_not_matter() {
    for body in [
        r#"{"state":"s","installationId":9007199254740991}"#,
        "\t{\r\n\"installationId\" : 1 , \"state\" : \"s\" } \n",
        r#"{"installationI\u0064":1,"st\u0061te":"\u0073"}"#,
    ] {
        assert!(RegistrationRequest::parse(body.as_bytes()).is_ok(), "{body}");
    }
}

#[test]
fn an_installation_id_is_a_json_integer_from_1_to_2_to_the_53_minus_1() {
    for (raw, code) in [
        ("0", "out_of_range"),
        ("-0", "out_of_range"),
        ("-1", "out_of_range"),
        ("9007199254740992", "out_of_range"),
        ("18446744073709551616", "out_of_range"),
        ("99999999999999999999999999999999999999999", "out_of_range"),
        ("1.0", "wrong_type"),
        ("1e3", "wrong_type"),
        ("1E3", "wrong_type"),
        ("0.5", "wrong_type"),
        ("1e400", "wrong_type"),
        ("\"50291845\"", "wrong_type"),
        ("null", "wrong_type"),
        ("true", "wrong_type"),
        ("[1]", "wrong_type"),
        ("{\"a\":1}", "wrong_type"),
    ] {
        let body = format!(r#"{{"installationId":{raw},"state":"s"}}"#);
        assert_eq!(issues(&body), pairs(&[("installationId", code)]), "{raw}");
    }
}

#[test]
fn a_state_is_a_string_of_1_to_256_unreserved_characters() {
    let long = format!("\"{}\"", "x".repeat(257));
    for (raw, code) in [
        ("\"\"", "malformed"),
        ("\"a b\"", "malformed"),
        ("\"\\u0000\"", "malformed"),
        ("\"\\ud800\"", "malformed"),
        ("\"ä\"", "malformed"),
        (long.as_str(), "malformed"),
        ("1", "wrong_type"),
        ("null", "wrong_type"),
        ("[\"s\"]", "wrong_type"),
    ] {
        let body = format!(r#"{{"installationId":1,"state":{raw}}}"#);
        assert_eq!(issues(&body), pairs(&[("state", code)]), "{raw}");
    }
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_body() {
    assert_eq!(issues("{}"), pairs(&[("installationId", "missing"), ("state", "missing")]));
    assert_eq!(
        issues(r#"{"note":1,"state":7,"orgLogin":"a","state":"s","note":2}"#),
        pairs(&[
            ("note", "unknown_key"),
            ("state", "wrong_type"),
            ("orgLogin", "unknown_key"),
            ("state", "duplicate_key"),
            ("note", "duplicate_key"),
            ("installationId", "missing"),
        ])
    );
    // A key given twice is an error even if the values are equal.
    let twice = r#"{"installationId":1,"installationId":1,"state":"s"}"#;
    assert_eq!(issues(twice), pairs(&[("installationId", "duplicate_key")]));
    // Similar keys are unknown, too.
    assert_eq!(
        issues(r#"{"installation_id":1,"State":"s"}"#),
        pairs(&[
            ("installation_id", "unknown_key"),
            ("State", "unknown_key"),
            ("installationId", "missing"),
            ("state", "missing"),
        ])
    );
}

#[test]
fn only_one_json_object_in_utf_8_is_a_body() {
    for body in ["[7,\"x\"]", "[]", "7", "\"x\"", "null", "true"] {
        assert_eq!(issues(body), pairs(&[("", "wrong_type")]), "{body}");
    }
    let good = r#"{"installationId":1,"state":"s"}"#;
    for body in [
        "",
        " ",
        "{",
        "{\"installationId\":1,",
        "{\"installationId\":1,\"state\":\"s\",}",
        "{'installationId':1}",
        "{installationId:1}",
        "{\"installationId\":01,\"state\":\"s\"}",
        "{\"installationId\":+1,\"state\":\"s\"}",
        "{\"installationId\":NaN,\"state\":\"s\"}",
        "{\"installationId\":1,\"state\":\"s\nt\"}",
        "{\"a\":tru}",
        "{\"\\ud800\":1}",
        &format!("{good} {good}"),
        &format!("\u{feff}{good}"),
        &format!("{good}x"),
        "// comment\n{}",
    ] {
        assert_eq!(issues(body), pairs(&[("", "malformed")]), "{body:?}");
    }
    assert_eq!(issues(b"{\"state\":\"\xff\"}"), pairs(&[("", "malformed")]));
}

/// `malformed` is what is not JSON, `wrong_type` JSON of another type than an object. The texts are made of pieces that
/// parsers disagree about.
#[test]
fn what_is_not_json_is_malformed_and_json_of_another_type_is_wrong_type() {
    const PIECES: [&str; 44] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\ud800\"",
        "\"\\u12\"",
        "\"\\x\"",
        "\"\t\"",
        "\"\u{e9}\"",
        "\"\\u0000\"",
        "0",
        "-",
        "-0",
        "01",
        "1.",
        ".5",
        "1.5",
        "1e5",
        "1E+400",
        "1e",
        "-1e-9",
        "9999999999999999999999",
        "0x1",
        "+1",
        "NaN",
        "Infinity",
        "true",
        "false",
        "null",
        "nul",
        "True",
        " ",
        "\n",
        "\u{feff}",
        "\u{a0}",
        "'a'",
        "/**/",
        "[1,2]",
        "{\"a\":1}",
        "x",
    ];
    let classified = |text: &str| match json::type_of(text.as_bytes()) {
        None => Some("malformed"),
        Some(b'{') => None,
        Some(_) => Some("wrong_type"),
    };
    let (mut malformed, mut wrong_type) = (0, 0);
    let mut check = |text: &str| match classified(text) {
        Some(code) => {
            assert_eq!(issues(text), pairs(&[("", code)]), "{text:?}");
            if code == "malformed" { malformed += 1 } else { wrong_type += 1 }
        }
        None => {
            assert_ne!(issues(text).first().map(|(_, code)| code.as_str()), Some("wrong_type"), "{text:?}")
        }
    };
    for first in PIECES {
        check(first);
        for second in PIECES {
            check(&format!("{first}{second}"));
            for third in PIECES {
                check(&format!("{first}{second}{third}"));
                check(&format!("[{first}{second}{third}]"));
                check(&format!("[{first},{second}{third}"));
            }
        }
    }
    for depth in [127, 128, 129, 1_000] {
        check(&"[".repeat(depth));
        check(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    }
    assert!(malformed > 100_000 && wrong_type > 1_500, "{malformed} {wrong_type}");
    for not_utf8 in [b"[\xff]".as_slice(), b"\"\xc3\"", b"\xff\xfe{\0}\0"] {
        assert_eq!(issues(not_utf8), pairs(&[("", "malformed")]));
    }
}

#[test]
fn deep_and_wide_bodies_cost_bounded_work() {
    // HTTP layers limit bodies to 16 KiB; the parser must handle longer ones, too.
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(issues(&deep).first(), Some(&("a".to_owned(), "unknown_key".to_owned())));
    let wide: String = (0..5_000).map(|n| format!("\"k{n}\":0,")).collect();
    let found = issues(format!("{{{wide}\"z\":0}}"));
    assert_eq!(found.len(), dockline::rules::request::MOST_ISSUES);
    let long_key = format!(r#"{{"{}":0}}"#, "k".repeat(10_000));
    assert_eq!(issues(&long_key).first().map(|(path, _)| path.len()), Some(64));
}

#[test]
fn arbitrary_bytes_never_panic() {
    // Mutations of a valid body by a small generator. The seed is fixed, so a failure can be reproduced.
    let seed = 0x5eed_u64;
    let mut random = seed;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let good = br#"{"installationId":50291845,"state":"lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"}"#;
    for round in 0..50_000 {
        let mut body = good.to_vec();
        for _ in 0..=(next() % 4) {
            let at = usize::try_from(next()).unwrap() % body.len();
            match next() % 3 {
                0 => *body.get_mut(at).unwrap() = u8::try_from(next() % 256).unwrap(),
                1 => drop(body.remove(at)),
                _ => body.insert(at, u8::try_from(next() % 256).unwrap()),
            }
        }
        if let Err(issues) = RegistrationRequest::parse(&body) {
            assert!(!issues.is_empty(), "seed {seed:#x} round {round}: refused without a reason");
        }
    }
}
