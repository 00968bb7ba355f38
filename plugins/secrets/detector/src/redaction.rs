//! Takes secrets out of texts that are kept for another reason.

use std::{borrow::Cow, cmp::Reverse};

use crate::{Hit, Origin, Rules, Scanner, members::for_each_member};

/// A text of which nobody knows where it comes from.
struct Nowhere;

impl Origin for Nowhere {
    fn file(&self) -> Option<&str> {
        None
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// The text with the name of a rule in place of everything that one takes for a secret.
///
/// Where the text is or quotes JSON, its escapes can hide a secret: where they do, the text is given without them.
#[must_use]
pub fn redact<'t>(text: &'t str, rules: &Rules) -> Cow<'t, str> {
    let redacted = without(text, rules);
    let hidden = unescaped(&redacted).and_then(|plain| match without(&plain, rules) {
        Cow::Borrowed(_) => None,
        Cow::Owned(redacted) => Some(redacted),
    });
    hidden.map_or(redacted, Cow::Owned)
}

/// A string that goes by a key.
struct Member<'k> {
    /// The key.
    key: &'k str,
}

impl Origin for Member<'_> {
    fn file(&self) -> Option<&str> {
        None
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.key))
    }
}

/// All that any rule finds, in the order of the text: what one of them would leave of another's find is found too.
fn hits(text: &str, rules: &Rules) -> Vec<Hit> {
    let mut scanner = Scanner::new(rules);
    let mut hits = scanner.all_hits(text, &Nowhere);
    for_each_member(text, |key, string| {
        let mut found = scanner.hits_by_key(&text[string.clone()], &Member { key });
        for hit in &mut found {
            hit.secret = string.start + hit.secret.start..string.start + hit.secret.end;
        }
        hits.append(&mut found);
    });
    hits.sort_by_key(|hit| (hit.secret.start, Reverse(hit.secret.end)));
    hits
}

/// The text without what is found in it as it is.
fn without<'t>(text: &'t str, rules: &Rules) -> Cow<'t, str> {
    let hits = hits(text, rules);
    if hits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    for hit in hits {
        if hit.secret.start >= end {
            redacted.push_str(&text[end..hit.secret.start]);
            redacted.extend(["[redacted: ", rules.get(hit.rule).id(), "]"]);
        }
        end = end.max(end_of_escaped(text, hit.secret.end));
    }
    redacted.push_str(&text[end..]);
    Cow::Owned(redacted)
}

/// Where a secret ends whose rule may have stopped at an escape within it, such as `\/` or `\u0026`.
fn end_of_escaped(text: &str, end: usize) -> usize {
    let mut rest = &text[end..];
    loop {
        let escape = rest.trim_start_matches('\\');
        if escape.len() == rest.len() || !escape.starts_with(['/', 'u']) {
            return text.len() - rest.len();
        }
        let is_end = |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '\\');
        let further = escape.find(is_end).unwrap_or(escape.len());
        rest = &escape[further..];
    }
}

/// The text with the escapes of JSON resolved, also those of JSON in JSON, and so on to a depth. `None` where there are
/// none.
fn unescaped(text: &str) -> Option<String> {
    const DEPTH: usize = 8;
    let mut plain = unescaped_once(text)?;
    for _ in 1..DEPTH {
        match unescaped_once(&plain) {
            Some(further) => plain = further,
            None => break,
        }
    }
    Some(plain)
}

/// `None` where nothing is escaped.
fn unescaped_once(text: &str) -> Option<String> {
    let (before, _) = text.split_once('\\')?;
    let mut plain = String::with_capacity(text.len());
    plain.push_str(before);
    let mut rest = text.get(before.len()..)?;
    while let Some(place) = rest.find('\\') {
        plain.push_str(&rest[..place]);
        let escape = &rest[place + 1..];
        let code = escape.strip_prefix('u').and_then(|code| code.get(..4));
        let coded = code.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        let (written, length) = match (coded, escape.chars().next()) {
            (Some(coded), _) => (Some(coded), 5),
            (None, Some('n')) => (Some('\n'), 1),
            (None, Some('t')) => (Some('\t'), 1),
            (None, Some('r')) => (Some('\r'), 1),
            (None, Some(other)) => (Some(other), other.len_utf8()),
            (None, None) => (None, 0),
        };
        plain.extend(written);
        rest = &escape[length..];
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
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
    fn a_text_without_secrets_is_left_alone() {
        let rules = Rules::shipped().unwrap();
        assert!(matches!(redact("exit code 1", &rules), Cow::Borrowed("exit code 1")));
    }
}
