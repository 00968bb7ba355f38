//! Tests secrets that are written in several ways, and lines that are not JSON.

use super::*;

#[test]
fn a_key_of_several_lines_is_found_behind_its_escapes() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCu9kz4AKpEJJ1o\n".repeat(4);
    let key = format!("-----BEGIN PRIVATE {0}-----\n{body}-----END PRIVATE {0}-----", "KEY");
    let account = json!({"type": "service_account", "private_key": key}).to_string();
    assert_eq!(
        paths(&lines(&[said(&key)])),
        [("message.content[0].text".to_owned(), 1)]
    );
    assert_eq!(
        paths(&lines(&[said(&account)])),
        [("message.content[0].text -> private_key".to_owned(), 1)]
    );
}

#[test]
fn a_key_is_the_same_secret_however_it_is_written() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCu9kz4AKpEJJ1o\n".repeat(4);
    let key = format!("-----BEGIN PRIVATE {0}-----\n{body}-----END PRIVATE {0}-----\n", "KEY");
    let numbered: String = (1..)
        .zip(key.lines())
        .map(|(number, line)| format!("{number:6}→{line}\n"))
        .collect();
    let escaped = format!("KEY={key:?} npm start");
    let indented = format!("  key: |\n    {}", key.replace('\n', "\n    "));
    let account = json!({"type": "service_account", "private_key": key}).to_string();
    let before_each = |prefix: &str| -> String { key.lines().map(|line| format!("{prefix}{line}\n")).collect() };
    let prefixed = ["-", "+", "-- ", "keys/my-key.pem-12-", "keys/my-key.pem:12:", "> "].map(before_each);
    let ended = key.replace('\n', "^M$\n");
    let quoted: String = key.lines().map(|line| format!("    '{line}\\n' +\n")).collect();
    let texts = [key, numbered, escaped, indented, account, ended, quoted];
    let said: Vec<Value> = texts.into_iter().chain(prefixed).map(|text| said(&text)).collect();
    with_rows(&lines(&said), |rows| {
        let [row] = rows else { panic!("{rows:#?}") };
        assert_eq!(
            (row.occurrences, row.preview.as_str()),
            (13, "MIIE... (256 characters)")
        );
    });
}

#[test]
fn a_diff_that_replaces_a_key_has_two_secrets() {
    let body =
        |letter: &str| format!("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj{letter}gEAAoIBAQCu9kz4AKpEJJ1o").repeat(2);
    let marker = |word: &str| format!("-----{word} PRIVATE {}-----", "KEY");
    let diff = format!(
        " {}\n-{}\n+{}\n {}\n",
        marker("BEGIN"),
        body("A"),
        body("B"),
        marker("END")
    );
    let plain = format!("{}\n{}\n{}\n", marker("BEGIN"), body("B"), marker("END"));
    with_rows(&lines(&[diff, plain].map(|text| said(&text))), |rows| {
        let occurrences: Vec<_> = rows.iter().map(|row| row.occurrences).collect();
        assert_eq!(occurrences, [1, 2]);
    });
}

#[test]
fn a_cookie_is_the_same_secret_as_such_and_percent_encoded() {
    let cookie = format!("xoxd{}Zk3vQ9wLr7XtBm5+nGh2Jd8/SpY4cF6uEoT1iAaR0lKqWxNzVb==", '-');
    let encoded = cookie.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
    let transcript = lines(&[said(&format!("Cookie: d={encoded}; x=1")), said(&cookie)]);
    with_rows(&transcript, |rows| {
        let [row] = rows else { panic!("{rows:#?}") };
        assert_eq!((row.rule_id, row.occurrences), ("slack-browser-cookie", 2));
    });
}

#[test]
fn lines_that_are_not_json_are_searched_too() {
    let mut transcript = format!("{}\n{{\"torn\": \"{}", said(&some_token()), some_token()).into_bytes();
    assert_eq!(paths(&transcript).len(), 1);
    transcript.splice(0..0, b"[\"no object\"]\n\n\x00\xff\n".iter().copied());
    with_rows(&transcript, |rows| {
        assert_eq!((rows[0].first_line, rows[0].occurrences), (4, 2))
    });
}

#[test]
fn a_secret_in_text_that_is_no_json_has_a_line_and_no_path() {
    let key = format!(
        "-----BEGIN PRIVATE {0}-----\n{1}-----END PRIVATE {0}-----",
        "KEY",
        "Zk3vQ9wLr7XtBm5nGh2J\n".repeat(9)
    );
    let torn = json!({"uuid": "u9", "sessionId": "s9", "message": {"content": key}}).to_string();
    for raw in [
        some_token(),
        format!("\0\0{}\0", some_token()),
        torn[1..].to_owned(),
        torn[..torn.len() - 1].to_owned(),
    ] {
        let transcript = format!("{}\n{raw}\n{}\n", json!({"type": "user"}), json!({"type": "user"}));
        with_rows(transcript.as_bytes(), |rows| {
            let [row] = rows else { panic!("{rows:#?}, {raw}") };
            assert_eq!(
                (row.first_line, row.json_path.as_str(), row.first_event_uuid.as_deref()),
                (2, "", None)
            );
        });
    }
}

#[test]
fn bytes_that_are_no_utf8_and_halves_of_surrogate_pairs_cost_only_themselves() {
    let mut transcript = b"{\"a\":\"\xff ".to_vec();
    transcript.extend(format!("{} \\ud83d\"}}", some_token()).into_bytes());
    assert_eq!(paths(&transcript), [("a".to_owned(), 1)]);
}
