//! The findings of a session: one per secret, however often the secret occurs in the transcript.

mod occurrences;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{HashMap, hash_map::Entry},
};

use memchr::memmem;
use secret_detector::{LONGEST_KEY, Origin, Rules, Scanner, Specificity};
use session_plugin_api::{
    Session, Timestamp, log,
    transcript::{Context, Event, unescape_into},
};

use self::occurrences::{Occurrences, Part};
use crate::{
    embedded::{Find, for_each_find},
    secret::Secret,
    transcript::{FilesOfLine, JsonPath, Place, ToolFiles, for_each_string},
};

/// The maximum number of recorded findings of a session. A normal session has a handful; a database dump may have any
/// number.
const RECORDED_FINDINGS: usize = 10_000;

/// The result of searching a session.
#[derive(Debug)]
pub(crate) struct SessionFindings {
    /// The first `sessionId` of the file.
    pub(crate) session_id: Option<String>,
    /// The findings in the order of the transcript.
    pub(crate) findings: Vec<Finding>,
}

/// A secret found in a session.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The number of the rule that found it; if several did, the most specific one.
    pub(crate) rule: usize,
    specificity: Specificity,
    /// The secret.
    pub(crate) secret: Secret,
    /// The number of places where it occurs.
    pub(crate) occurrences: Occurrences,
    /// The first line that contains it, counted from 1.
    pub(crate) first_line: u64,
    /// That line's `uuid`.
    pub(crate) first_event_uuid: Option<String>,
    /// The time of that line.
    pub(crate) first_seen_at: Timestamp,
    /// Its first position in that line.
    pub(crate) first_path: JsonPath,
}

impl SessionFindings {
    /// Searches a session. A line that is not a JSON object is searched as plain text.
    pub(crate) fn of<'r>(session: &Session<'r>, rules: &'r Rules) -> Self {
        let mut search = Search {
            rules,
            scanner: Scanner::new(rules),
            files: ToolFiles::default(),
            record: Record {
                context: Context::of(session),
                known: HashMap::new(),
                found: Self {
                    session_id: None,
                    findings: Vec::new(),
                },
                left_out: 0,
            },
        };
        let mut decoded = String::new();
        for event in session.events() {
            match event {
                Ok(event) => search.observe(&event, event.raw.as_str(), &mut decoded),
                Err(malformed) => {
                    let text = String::from_utf8_lossy(malformed.bytes);
                    match Event::parse(text.as_bytes()) {
                        Ok(mut event) => {
                            event.line = malformed.line;
                            search.observe(&event, &text, &mut decoded);
                        }
                        Err(_) => search.observe_raw(malformed.line, &text, &mut decoded),
                    }
                }
            }
        }
        let Record {
            context,
            mut found,
            left_out,
            ..
        } = search.record;
        found.session_id = identifier(context.session_id());
        if left_out > 0 {
            log::warn!(
                session = session.session_key(),
                left_out,
                "too many findings in one session: the remaining ones are not recorded"
            );
        }
        found
    }
}

impl Finding {
    fn is_found_again(&mut self, rule: usize, specificity: Specificity, line: u64, part: Part) {
        self.occurrences.add(line, part);
        if specificity > self.specificity {
            self.rule = rule;
            self.specificity = specificity;
        }
    }
}

/// A line of the transcript.
#[derive(Clone, Copy)]
struct Line<'e> {
    number: u64,
    uuid: Option<&'e str>,
}

impl<'e> Line<'e> {
    fn of(event: &'e Event<'_>) -> Self {
        Self {
            number: event.line,
            uuid: event.uuid.as_deref(),
        }
    }
}

/// The search of a session, line by line.
struct Search<'r> {
    rules: &'r Rules,
    scanner: Scanner<'r>,
    files: ToolFiles,
    record: Record<'r>,
}

/// The findings so far.
struct Record<'s> {
    context: Context<'s>,
    /// The index of each secret's finding.
    known: HashMap<Secret, usize>,
    found: SessionFindings,
    left_out: u64,
}

impl Search<'_> {
    fn observe(&mut self, event: &Event<'_>, text: &str, decoded: &mut String) {
        self.record.context.observe_copy(event);
        self.observe_files(event, text);
        let files_of_line = OnceCell::new();
        for_each_string(text, |place, string| {
            let origin = OriginInLine {
                event,
                files: &self.files,
                of_line: &files_of_line,
                place,
            };
            for_each_find(&mut self.scanner, string.decode_into(decoded), &origin, |find| {
                let part = Part::of(place.enclosures);
                self.record.take(Line::of(event), find, part, || JsonPath::of(place));
            });
        });
    }

    /// Searches a line that is not JSON. It may be a fragment of JSON, so JSON escapes are resolved.
    fn observe_raw(&mut self, number: u64, text: &str, decoded: &mut String) {
        let line = Line { number, uuid: None };
        for_each_find(&mut self.scanner, unescape_into(text, decoded), &Raw, |find| {
            self.record.take(line, find, Part::Message, JsonPath::nowhere);
        });
    }

    /// Remembers the files that a line's calls name, and records files that a rule finds by path.
    fn observe_files(&mut self, event: &Event<'_>, text: &str) {
        if memmem::find(text.as_bytes(), b"\"tool_use\"").is_none() {
            return;
        }
        for called in self.files.observe(event) {
            for rule in self.rules.finding_file(&called.file) {
                let find = Find {
                    rule,
                    specificity: Specificity::Form,
                    secret: Secret::of_line(&called.file),
                    embedded_at: None,
                };
                let path = || called.json_path.clone();
                self.record.take(Line::of(event), find, Part::Message, path);
            }
        }
    }
}

impl Record<'_> {
    fn take(&mut self, line: Line<'_>, find: Find<'_>, part: Part, path: impl FnOnce() -> JsonPath) {
        match self.known.entry(find.secret) {
            Entry::Occupied(known) => {
                let finding = &mut self.found.findings[*known.get()];
                finding.is_found_again(find.rule, find.specificity, line.number, part);
            }
            Entry::Vacant(_) if self.found.findings.len() >= RECORDED_FINDINGS => self.left_out += 1,
            Entry::Vacant(unknown) => {
                let secret = unknown.key().clone();
                unknown.insert(self.found.findings.len());
                self.found.findings.push(Finding {
                    rule: find.rule,
                    specificity: find.specificity,
                    secret,
                    occurrences: Occurrences::first(line.number, part),
                    first_line: line.number,
                    first_event_uuid: identifier(line.uuid),
                    first_seen_at: self.context.now(),
                    first_path: match find.embedded_at {
                        Some(inner) => path().into_embedded(JsonPath::of(inner)),
                        None => path(),
                    },
                });
            }
        }
    }
}

/// The identifier of an event or a session. A very long text is not an identifier, and would be repeated in many rows.
fn identifier(text: Option<&str>) -> Option<String> {
    const LONGEST: usize = 256;
    text.filter(|text| text.len() <= LONGEST).map(str::to_owned)
}

/// Text that is not JSON and has no known source.
struct Raw;

impl Origin for Raw {
    fn file(&self) -> Option<&str> {
        None
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// The source of a string in a line.
struct OriginInLine<'s> {
    event: &'s Event<'s>,
    files: &'s ToolFiles,
    of_line: &'s OnceCell<FilesOfLine>,
    place: Place<'s>,
}

impl Origin for OriginInLine<'_> {
    fn file(&self) -> Option<&str> {
        let of_line = self.of_line.get_or_init(|| self.files.of_line(self.event));
        of_line.of_string(self.place.enclosures)
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        self.place.key(LONGEST_KEY)
    }
}
