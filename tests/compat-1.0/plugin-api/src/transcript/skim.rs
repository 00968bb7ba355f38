//! Passes over JSON without reading it: finds where the members of an object and the elements of a list begin and end.
//!
//! serde_json steps through a value that is to be skipped byte by byte, and most of a transcript is skipped: eight bytes
//! at a time take a fraction of that. A skimmer takes nothing that serde_json would refuse; what it stops at is for
//! serde_json to explain.

use std::ops::Range;

/// A place in what may be a JSON text.
pub(super) struct Skimmer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ends the objects and lists that the place lies in, the innermost last.
    closers: Vec<u8>,
    /// Where the last string begins.
    string: usize,
    /// In how many objects and lists the containers lie that are noted, and where the last of them begins.
    noted: (usize, usize),
}

/// Where an object turns out to be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tear {
    /// Where the last string before the tear begins. What is torn within a string takes the brace of what follows for a part
    /// of it, up to the quote of the first key, and what is in a key ends it there.
    pub(super) string: usize,
    /// The object within the torn one that ends at the tear, where one does.
    pub(super) last: Option<Range<usize>>,
}

/// Hands every member of the object that the text must be to `take`: the key with its quotes, and the value.
///
/// `None` when the text is no object, or no JSON; what comes before the fault may have been handed over by then.
pub(super) fn members<'a>(text: &'a str, mut take: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut skimmer = Skimmer::at(text.as_bytes(), 0);
    skimmer.open(b'{')?;
    if !skimmer.passes(b'}') {
        loop {
            skimmer.skip_whitespace();
            let key = text.get(skimmer.key()?)?;
            skimmer.skip_whitespace();
            take(key, text.get(skimmer.value()?)?);
            if skimmer.closes(b'}')? {
                break;
            }
        }
    }
    skimmer.end()
}

/// As [`members`], of a list.
pub(super) fn elements<'a>(text: &'a str, mut take: impl FnMut(&'a str)) -> Option<()> {
    let mut skimmer = Skimmer::at(text.as_bytes(), 0);
    skimmer.open(b'[')?;
    if !skimmer.passes(b']') {
        loop {
            skimmer.skip_whitespace();
            take(text.get(skimmer.value()?)?);
            if skimmer.closes(b']')? {
                break;
            }
        }
    }
    skimmer.end()
}

/// Where the object ends that begins at a place, whatever comes after it.
///
/// # Errors
/// When it is torn.
pub(super) fn object_end(bytes: &[u8], start: usize) -> Result<usize, Tear> {
    let mut skimmer = Skimmer::at(bytes, start);
    if let Some(object) = skimmer.value() {
        return Ok(object.end);
    }
    Err(Tear {
        string: skimmer.string,
        last: skimmer.object_before(start),
    })
}

impl<'a> Skimmer<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            closers: Vec::new(),
            string: at,
            noted: (usize::MAX, at),
        }
    }

    /// The object that ends at this place, where the value that begins at `start` is torn.
    ///
    /// A second pass finds it, so that the first one need not remember where each container begins.
    fn object_before(&self, start: usize) -> Option<Range<usize>> {
        let before = self.bytes.get(..self.at)?.trim_ascii_end();
        if before.last() != Some(&b'}') {
            return None;
        }
        let mut again = Self::at(self.bytes, start);
        again.noted.0 = self.closers.len();
        let _torn = again.value();
        let object = Self::at(before, again.noted.1).value()?;
        (object.end == before.len()).then_some(object)
    }

    fn open(&mut self, opener: u8) -> Option<()> {
        self.skip_whitespace();
        self.expect(opener)?;
        self.skip_whitespace();
        Some(())
    }

    /// After a member or an element: whether it was the last.
    fn closes(&mut self, closer: u8) -> Option<bool> {
        self.skip_whitespace();
        match self.passes(b',') {
            true => Some(false),
            false => self.expect(closer).map(|()| true),
        }
    }

    fn end(&mut self) -> Option<()> {
        self.skip_whitespace();
        (self.at == self.bytes.len()).then_some(())
    }

    /// Passes a key and its colon, and gives the key with its quotes.
    fn key(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.skip_string()?;
        let end = self.at;
        self.skip_whitespace();
        self.expect(b':')?;
        Some(start..end)
    }

    /// Passes a value, however deep, and gives it as it stands.
    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.closers.clear();
        loop {
            let begins_another = self.begin_value()?;
            if !begins_another && self.end_value()? {
                return Some(start..self.at);
            }
            self.skip_whitespace();
        }
    }

    /// Passes a scalar or an empty container, or enters a container; whether the next thing is a value within that.
    fn begin_value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'"' => self.skip_string()?,
            b'{' => return self.enter(b'}'),
            b'[' => return self.enter(b']'),
            b't' => self.skip_literal("true")?,
            b'f' => self.skip_literal("false")?,
            b'n' => self.skip_literal("null")?,
            _ => self.skip_number()?,
        }
        Some(false)
    }

    fn enter(&mut self, closer: u8) -> Option<bool> {
        if self.closers.len() == self.noted.0 {
            self.noted.1 = self.at;
        }
        self.at += 1;
        self.skip_whitespace();
        if self.passes(closer) {
            return Some(false);
        }
        if closer == b'}' {
            self.key()?;
        }
        self.closers.push(closer);
        Some(true)
    }

    /// After a value: leaves the containers that end here; whether the outermost one did.
    fn end_value(&mut self) -> Option<bool> {
        while let Some(closer) = self.closers.last().copied() {
            if self.closes(closer)? {
                self.closers.pop();
                continue;
            }
            if closer == b'}' {
                self.skip_whitespace();
                self.key()?;
            }
            return Some(false);
        }
        Some(true)
    }

    fn skip_string(&mut self) -> Option<()> {
        self.string = self.at;
        self.expect(b'"')?;
        loop {
            self.at += plain_length(self.bytes.get(self.at..)?);
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.skip_escape()?,
                _ => return None,
            }
        }
    }

    fn skip_escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn skip_literal(&mut self, literal: &str) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        self.at += literal.len();
        rest.starts_with(literal.as_bytes()).then_some(())
    }

    fn skip_number(&mut self) -> Option<()> {
        self.passes(b'-');
        if !self.passes(b'0') {
            self.skip_digits()?;
        }
        if self.passes(b'.') {
            self.skip_digits()?;
        }
        if self.passes(b'e') || self.passes(b'E') {
            let _is_signed = self.passes(b'-') || self.passes(b'+');
            self.skip_digits()?;
        }
        Some(())
    }

    /// At least one.
    fn skip_digits(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn passes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.passes(byte).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

/// How many bytes there are before the first quote, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.as_chunks::<8>().0 {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return length + special.trailing_zeros() as usize / 8;
        }
        length += chunk.len();
    }
    let rest = bytes[length..].iter();
    length
        + rest
            .take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\')
            .count()
}

/// Marks the first quote, backslash or control character of eight bytes with the highest bit of its byte.
///
/// Those before it are unmarked; a borrow may mark some that come after it (Mycroft's test for a zero byte).
fn special_bytes(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let has_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = has_zero(bytes ^ (ONES * u64::from(b'"')));
    let backslashes = has_zero(bytes ^ (ONES * u64::from(b'\\')));
    let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    (quotes | backslashes | controls) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn members(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut members = Vec::new();
        super::members(text, |key, value| members.push((key, value)))?;
        Some(members)
    }

    fn elements(text: &str) -> Option<Vec<&str>> {
        let mut elements = Vec::new();
        super::elements(text, |element| elements.push(element))?;
        Some(elements)
    }

    #[test]
    fn members_are_given_as_they_stand() {
        let text = r#" { "a" : 1 , "b\"c":[ {"d":"}"} , [] ],"e":{"f":{},"g":-0.5E+3}, "h":"\\" } "#;
        let expected = [
            ("\"a\"", "1"),
            (r#""b\"c""#, r#"[ {"d":"}"} , [] ]"#),
            ("\"e\"", r#"{"f":{},"g":-0.5E+3}"#),
            ("\"h\"", r#""\\""#),
        ];
        assert_eq!(members(text), Some(expected.to_vec()));
        assert_eq!(members("{}"), Some(vec![]));
    }

    #[test]
    fn elements_are_given_as_they_stand() {
        assert_eq!(
            elements(r#"[1, "a]" ,{"b":[null]}, true]"#),
            Some(vec!["1", "\"a]\"", r#"{"b":[null]}"#, "true"])
        );
        assert_eq!(elements(" [ ] "), Some(vec![]));
        assert_eq!(elements("{}"), None);
    }

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for place in 0..20 {
            for special in [b'"', b'\\', 0x00, 0x1f] {
                let mut bytes = [b'!'; 20];
                bytes[place] = special;
                assert_eq!(plain_length(&bytes), place, "{special} at {place}");
            }
            assert_eq!(plain_length(&vec![b' '; place]), place);
            assert_eq!(plain_length("ÿ\u{7f}".repeat(place).as_bytes()), 3 * place);
        }
    }

    fn agree(text: &str) -> Result<(), TestCaseError> {
        let listed = serde_json::from_str::<Vec<&RawValue>>(text).ok();
        let listed = listed.map(|values| values.into_iter().map(RawValue::get).collect::<Vec<_>>());
        prop_assert_eq!(elements(text), listed, "{}", text);
        let object = serde_json::from_str::<BTreeMap<String, &RawValue>>(text).is_ok();
        // A key with half of a surrogate pair is no String.
        prop_assert!(!object || members(text).is_some(), "{}", text);
        let skipped = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        prop_assert!(skipped || members(text).is_none(), "{}", text);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_looks_like_json_is_taken_as_serde_json_takes_it(text in "[\\[\\]{}:,\"\\\\/tnu0-9eE.+\\- \naλ\u{1}]{0,24}") {
            agree(&text)?;
            agree(&format!("[{text}]"))?;
            agree(&format!("{{\"a\":{text}}}"))?;
            agree(&format!("[\"{text}\"]"))?;
        }

        #[test]
        fn one_wrong_byte_is_seen_as_serde_json_sees_it(place in 0_usize..80, byte in 0_u8..0x80) {
            let mut text = br#"[{"key":"text \n\u00e9","n":[-1.5e3,0,true,false,null,{}],"o":{"p":""}}, "end"]"#.to_vec();
            if let Some(replaced) = text.get_mut(place) {
                *replaced = byte;
            }
            if let Ok(text) = std::str::from_utf8(&text) {
                agree(text)?;
            }
        }
    }
}
