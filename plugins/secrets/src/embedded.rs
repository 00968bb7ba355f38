//! Searches strings that are themselves JSON objects or lists, because a second layer of escapes can hide secrets in
//! them.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use serde::de::IgnoredAny;

use secret_detector::{Hit, LONGEST_KEY, Origin, Scanner, Specificity};

use crate::{
    secret::Secret,
    transcript::{Place, for_each_string},
};

/// A secret found in a string of an event.
pub(crate) struct Find<'p> {
    /// The number of the rule that found it.
    pub(crate) rule: usize,
    /// How precisely that rule recognises it.
    pub(crate) specificity: Specificity,
    /// The secret.
    pub(crate) secret: Secret,
    /// The position within the JSON in the string; `None` if the secret is in the string itself.
    pub(crate) embedded_at: Option<Place<'p>>,
}

impl<'p> Find<'p> {
    /// The secrets of a hit in a text: several if the hit is a diff.
    fn all_of(hit: &Hit, text: &str, embedded_at: Option<Place<'p>>) -> impl Iterator<Item = Self> + use<'p> {
        let Hit { rule, specificity, .. } = *hit;
        Secret::all_of(&text[hit.secret.clone()]).map(move |secret| Self {
            rule,
            specificity,
            secret,
            embedded_at,
        })
    }
}

/// Passes every secret in a string, and in the strings of JSON that it contains, to `take`. A string without a hit is
/// searched together with its key.
///
/// A secret found both in the string and in a string within it counts once, for the inner string.
pub(crate) fn for_each_find(
    scanner: &mut Scanner<'_>,
    text: &str,
    origin: &impl Origin,
    mut take: impl FnMut(Find<'_>),
) {
    let mut outer = Outer::new(text, scanner.hits_in_member(text, origin));
    if let Some(json) = embedded_json(text) {
        let mut decoded = String::new();
        for_each_string(json, |place, string| {
            let inner = string.decode_into(&mut decoded);
            let origin = OriginInString { string: origin, place };
            let hits = scanner.hits_in_member(inner, &origin);
            if hits.is_empty() {
                return;
            }
            outer.leave_to(inner, &hits, string.range_in(text));
            for hit in hits {
                Find::all_of(&hit, inner, Some(place)).for_each(&mut take);
            }
        });
    }
    outer.into_finds().for_each(take);
}

/// The source of a string within a string.
struct OriginInString<'s, O> {
    /// The source of the outer string.
    string: &'s O,
    place: Place<'s>,
}

impl<O: Origin> Origin for OriginInString<'_, O> {
    fn file(&self) -> Option<&str> {
        self.string.file()
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        match self.place.is_in_lists_alone() {
            true => self.string.key(),
            false => self.place.key(LONGEST_KEY),
        }
    }
}

/// The hits in the outer string, in order. The flag says whether the hit still counts.
struct Outer<'t> {
    text: &'t str,
    hits: Vec<(Hit, bool)>,
}

impl<'t> Outer<'t> {
    fn new(text: &'t str, hits: Vec<Hit>) -> Self {
        let hits = hits.into_iter().map(|hit| (hit, true)).collect();
        Self { text, hits }
    }

    /// Stops counting the hits that were also found in the inner string at `range`.
    fn leave_to(&mut self, inner: &str, found: &[Hit], range: Range<usize>) {
        let rules: HashSet<usize> = found.iter().map(|hit| hit.rule).collect();
        let secrets: HashSet<&str> = found.iter().map(|hit| &inner[hit.secret.clone()]).collect();
        let first = self.hits.partition_point(|(hit, _)| hit.secret.end <= range.start);
        let touching = self.hits[first..].iter_mut();
        for (hit, counts) in touching.take_while(|(hit, _)| hit.secret.start < range.end) {
            let is_found = rules.contains(&hit.rule) || secrets.contains(&self.text[hit.secret.clone()]);
            *counts &= !is_found;
        }
    }

    fn into_finds(self) -> impl Iterator<Item = Find<'static>> {
        let counting = self.hits.into_iter().filter(|(_, counts)| *counts);
        counting.flat_map(move |(hit, _)| Find::all_of(&hit, self.text, None))
    }
}

/// The JSON object or list that the text consists of.
fn embedded_json(text: &str) -> Option<&str> {
    let json = text.trim_ascii();
    let is_enclosed = json.starts_with('{') && json.ends_with('}') || json.starts_with('[') && json.ends_with(']');
    let is_json = || serde_json::from_str::<IgnoredAny>(json).is_ok();
    (is_enclosed && json.len() > 2 && is_json()).then_some(json)
}
