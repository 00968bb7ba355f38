//! Tests which parts of a text redaction removes, and which it leaves.

use super::*;

#[test]
fn nothing_of_a_secret_is_left() {
    let rules = Rules::shipped().unwrap();
    let keys = ["AKIA", "QMGK2UPXJNE74YPX", "AKIA", "JQY7GBNN22XJCEMP"];
    let (first, second) = (keys[..2].concat(), keys[2..].concat());
    let redacted = redact(&format!("{first} and {second}."), &rules).into_owned();
    assert_eq!(
        redacted,
        "[redacted: aws-access-token] and [redacted: aws-access-token]."
    );
}

#[test]
fn escapes_hide_nothing() {
    let rules = Rules::shipped().unwrap();
    let key = ["AK", "IAQMGK2UPXJNE74YPX"].concat();
    let coded = key.replacen('A', "\\u0041", 1);
    let url = r#"{"url":"postgres:\/\/app:Zk3vQ9wLr7Xt@db.internal\/prod"}"#;
    for (text, secret) in [
        (format!("{{\"key\":\"{coded}\"}}"), key.as_str()),
        (format!("{:?}", format!("{{\"key\":\"{coded}\"}}")), key.as_str()),
        (url.to_owned(), "Zk3vQ9wLr7Xt"),
    ] {
        let redacted = redact(&text, &rules);
        assert!(redacted.contains("[redacted: "), "{text}: {redacted}");
        assert!(
            !unescaped(&redacted).unwrap_or_default().contains(secret),
            "{text}: {redacted}"
        );
        assert!(!redacted.contains(secret), "{text}: {redacted}");
    }
    let both = format!(r"C:\token=k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6 {url}");
    let redacted = redact(&both, &rules);
    assert!(
        !redacted.contains("Zk3vQ9wLr7Xt") && !redacted.contains("k3Zp9"),
        "{redacted}"
    );
    assert_eq!(redact(&redacted, &rules), redacted);
    let path = r"C:\users\new";
    assert!(matches!(redact(path, &rules), Cow::Borrowed(_)));
}

#[test]
fn white_space_hides_nothing() {
    let rules = Rules::shipped().unwrap();
    for text in [
        "{\"client_secret\":          \"k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6\"}",
        "{\"client_secret\"       :\n          \"k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6\"}",
        "client_secret          =          'k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6'",
    ] {
        for text in [text.to_owned(), format!("{text:?}")] {
            let redacted = redact(&text, &rules);
            assert!(
                redacted.contains("[redacted: ") && !redacted.contains("k3Zp"),
                "{redacted}"
            );
        }
    }
}

#[test]
fn nothing_is_left_behind_an_escape() {
    let rules = Rules::shipped().unwrap();
    for secret in [
        r#"{"password":"k3Zp9Qw7\u0026Lm2Xv8Rt5Yb1"}"#,
        r#"{"aws_secret_access_key":"k3Zp9Qw7Lm2Xv8Rt5Y\/b1Nc4Hs6Jd0Fg2TyLm2Xv"}"#,
        r#"{"client_secret":["k3Zp9Qw7Lm2Xv8Rt5Y\u002bLm2Xv8Rt5Yb1\/Nc4Lm2Xv"]}"#,
    ] {
        for text in [
            secret.to_owned(),
            format!("{secret:?}"),
            format!("{:?}", format!("{secret:?}")),
        ] {
            let redacted = redact(&text, &rules);
            assert!(redacted.contains("[redacted: "), "{redacted}");
            assert!(!redacted.contains("k3Zp") && !redacted.contains("Lm2Xv"), "{redacted}");
        }
    }
}

#[test]
fn a_list_hides_nothing() {
    let rules = Rules::shipped().unwrap();
    let secrets = ["k3Zp9Qw7Lm2Xv8Rt5Yb1Nc4Hs6", "Yb1Nc4Hs6k3Zp9Qw7Lm2Xv8Rt5"];
    let json = format!("{{\"client_secrets\": [\"{}\", [\"{}\"]]}}", secrets[0], secrets[1]);
    for text in [
        format!("use {json} please"),
        format!("{json:?}"),
        format!("{:?}", format!("{json:?}")),
        format!("spawnargs: [ '-d', '{json}' ]"),
        format!("spawnargs: [ '-d', {json:?} ]"),
        format!("log: [x, ' y] {json} it's"),
        format!("x: [ 'a', \"client_secrets = ['{}', '{}']\" ]", secrets[0], secrets[1]),
        format!("{{\"client_secrets\": {:?}}}", format!("{secrets:?}")),
    ] {
        let redacted = redact(&text, &rules);
        assert_eq!(redacted.matches("[redacted: ").count(), 2, "{redacted}");
        assert!(secrets.iter().all(|secret| !redacted.contains(secret)), "{redacted}");
    }
}

#[test]
fn possible_secrets_without_a_rule_are_masked() {
    let rules = Rules::shipped().unwrap();
    for (text, redacted) in [
        (
            "cannot reach postgres://app:swordfish@db/shop",
            "cannot reach postgres://app:[redacted: URL credential]@db/shop",
        ),
        ("PASSWORD=swordfish make", "PASSWORD=[redacted: named value] make"),
        (
            "no such session: xk_9sD-f83Kd02LsQpZ71mVb4Gt6",
            "no such session: [redacted: random text]",
        ),
        (
            r#"{"body":"{\"password\":\"sword\u0066ish\"}"}"#,
            r#"{"body":"{\"password\":\"[redacted: named value]\"}"}"#,
        ),
    ] {
        assert_eq!(redact(text, &rules), redacted);
        assert_eq!(redact(redacted, &rules), redacted);
    }
}

#[test]
fn a_rule_tells_more_than_a_mask() {
    let rules = Rules::shipped().unwrap();
    let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
    let redacted = redact(&format!("password: \"{key} or so\""), &rules).into_owned();
    assert_eq!(redacted, "password: \"[redacted: aws-access-token]\"");
}

#[test]
fn a_text_without_secrets_is_left_alone() {
    let rules = Rules::shipped().unwrap();
    for text in [
        "exit code 1",
        "error[E0382]: borrow of moved value: `token`\n  --> src/parser/token.rs:12:5",
        "SyntaxError: Unexpected token '}' at /home/dev/shop/node_modules/parser/index.js:7:13",
        "merge 922cd42b8865b2cb922cd42b8865b2cb922cd42b into main of https://example.org/a/b.git?ref=1",
        "permission denied (publickey,password).",
        "API Error: 401 invalid x-api-key (request req_011CXjpeJuHqYimTXuJj17nz)",
    ] {
        assert!(
            matches!(redact(text, &rules), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
}

/// Each of these would take minutes if the text were read again from each name. A value that begins within a value is
/// part of it.
#[test]
fn a_text_that_repeats_itself_is_read_a_bounded_number_of_times() {
    let rules = Rules::shipped().unwrap();
    for repeated in [
        "password=",
        "password: ",
        "password=/",
        "curl -x ",
        "?token=",
        r"token=a\/",
        "?token=...x",
        "password=\"x\\\"",
        "db:6543:a",
    ] {
        let text = repeated.repeat((64 << 10) / repeated.len());
        assert!(!redact(&text, &rules).is_empty());
    }
    for (repeated, before, reason) in [
        ("?token=x", "?token=", "named value"),
        ("?token=/x", "?token=", "URL credential"),
        ("password=", "password=", "named value"),
    ] {
        let text = repeated.repeat((128 << 10) / repeated.len());
        assert_eq!(
            redact(&text, &rules),
            format!("{before}[redacted: {reason}]"),
            "{repeated}"
        );
    }
}

#[test]
fn a_long_value_is_masked_to_its_end() {
    let rules = Rules::shipped().unwrap();
    let text = format!("PASSWORD={} PORT=1", "sword-fish.".repeat(1000));
    assert_eq!(redact(&text, &rules), "PASSWORD=[redacted: named value] PORT=1");
    let text = format!("Cookie: {}\nok", "a=swordfish; ".repeat(200));
    assert_eq!(redact(&text, &rules), "Cookie: [redacted: named value]\nok");
}
