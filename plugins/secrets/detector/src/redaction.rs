//! Takes secrets out of texts that are kept for another reason.

use std::borrow::Cow;

use crate::{Origin, Rules, Scanner};

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

/// The text with the name of the rule in place of every secret that one finds in it.
#[must_use]
pub fn redact<'t>(text: &'t str, rules: &Rules) -> Cow<'t, str> {
    let hits = Scanner::new(rules).hits(text, &Nowhere);
    if hits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    for hit in hits {
        redacted.push_str(text.get(end..hit.secret.start).unwrap_or_default());
        redacted.extend(["[redacted: ", rules.get(hit.rule).id(), "]"]);
        end = end.max(hit.secret.end);
    }
    redacted.push_str(&text[end..]);
    Cow::Owned(redacted)
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
    fn a_text_without_secrets_is_left_alone() {
        let rules = Rules::shipped().unwrap();
        assert!(matches!(redact("exit code 1", &rules), Cow::Borrowed("exit code 1")));
    }
}
