//! Removes secrets from texts that processors store or send for other reasons.

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, cmp::Reverse, ops::Range};

use crate::{Hit, LONGEST_KEY, Origin, Rules, Scanner, masks::masks, members::for_each_member};

/// The origin of a text whose source is unknown.
struct Nowhere;

impl Origin for Nowhere {
    fn file(&self) -> Option<&str> {
        None
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// Replaces everything that is or may be a secret with a reason: the name of the rule that found it, or `URL
/// credential`, `named value` or `random text` if no rule did.
///
/// JSON escapes can hide a secret. If they do, the returned text has its escapes resolved.
#[must_use]
pub fn redact<'t>(text: &'t str, rules: &Rules) -> Cow<'t, str> {
    let redacted = without(text, rules);
    let hidden = unescaped(&redacted).and_then(|plain| match without(&plain, rules) {
        Cow::Borrowed(_) => None,
        Cow::Owned(redacted) => Some(redacted),
    });
    hidden.map_or(redacted, Cow::Owned)
}

/// Like [`redact`], for the string of a key, which may give the secret away: the `password` of a call.
///
/// ```
/// use secret_detector::{Rules, redact_member};
///
/// let rules = Rules::shipped()?;
/// assert_eq!(redact_member("password", "hunter2-hunter2", &rules), "[redacted: named value]");
/// # Ok::<(), secret_detector::RulesError>(())
/// ```
#[must_use]
pub fn redact_member<'t>(key: &str, text: &'t str, rules: &Rules) -> Cow<'t, str> {
    /// A longer text is no password.
    const LONG_VALUE: usize = 512;
    if key.len() > LONGEST_KEY || text.len() > LONG_VALUE {
        return redact(text, rules);
    }
    let member = [key, "=\"", text, "\""].concat();
    let value = |redacted: &str| {
        let value = redacted.strip_prefix(key)?.strip_prefix("=\"")?.strip_suffix('"')?;
        Some(redact(value, rules).into_owned())
    };
    match redact(&member, rules) {
        // The quotes around it may have hidden what the text alone shows.
        Cow::Owned(redacted) => value(&redacted).map_or_else(|| redact(text, rules), Cow::Owned),
        Cow::Borrowed(_) => redact(text, rules),
    }
}

/// A string that belongs to a key.
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

/// The hits of all rules. Overlapping hits are kept, so that no rule's hit leaves a part of another's.
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
    hits
}

/// A part of a text that is removed.
struct Span<'r> {
    range: Range<usize>,
    reason: Reason<'r>,
}

/// The reason for the removal.
#[derive(Clone, Copy)]
enum Reason<'r> {
    /// The rule of this name found a secret.
    Rule(&'r str),
    /// The text may be a secret, for this reason.
    Mask(&'static str),
}

impl Reason<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Rule(name) => name,
            Self::Mask(reason) => reason,
        }
    }
}

/// All parts of a text that are removed, in order. Overlapping parts are merged.
fn spans<'r>(text: &str, rules: &'r Rules) -> Vec<Span<'r>> {
    let found = hits(text, rules).into_iter().map(|hit| Span {
        range: hit.secret,
        reason: Reason::Rule(rules.get(hit.rule).id()),
    });
    let may_be = masks(text).into_iter();
    let may_be = may_be.filter(|mask| !rules.operator_allows(&text[mask.range.clone()]));
    let masked = may_be.map(|mask| Span {
        range: mask.range,
        reason: Reason::Mask(mask.reason),
    });
    let mut spans: Vec<Span<'r>> = found.chain(masked).collect();
    spans.sort_by_key(|span| (span.range.start, Reverse(span.range.end)));
    let mut merged: Vec<Span<'r>> = Vec::with_capacity(spans.len());
    for mut span in spans {
        let last = merged.last_mut().filter(|last| span.range.start < last.range.end);
        // A part within another never extends beyond it, so no escape is read twice.
        if last.as_ref().is_none_or(|last| span.range.end > last.range.end) {
            span.range.end = end_of_escaped(text, span.range.end);
        }
        match last {
            Some(last) => {
                last.range.end = last.range.end.max(span.range.end);
                if matches!((last.reason, span.reason), (Reason::Mask(_), Reason::Rule(_))) {
                    last.reason = span.reason;
                }
            }
            None => merged.push(span),
        }
    }
    merged
}

/// The text without the secrets that can be found without resolving escapes.
fn without<'t>(text: &'t str, rules: &Rules) -> Cow<'t, str> {
    let spans = spans(text, rules);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        redacted.push_str(&text[end..span.range.start]);
        redacted.extend(["[redacted: ", span.reason.as_str(), "]"]);
        end = span.range.end;
    }
    redacted.push_str(&text[end..]);
    Cow::Owned(redacted)
}

/// The end of a secret whose rule may have stopped at an escape in it, such as `\/` or `\u0026`.
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

/// The text with JSON escapes resolved, including those of nested JSON up to a limited depth. `None` if there are no
/// escapes.
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

/// `None` if nothing is escaped.
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
