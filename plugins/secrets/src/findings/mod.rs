//! The findings of a session: one per secret, however often it stands in the transcript.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{HashMap, hash_map::Entry},
};

use memchr::memmem;
use secret_detector::{Origin, Rules, Scanner, Specificity};
use session_plugin_api::{Session, Timestamp, log, transcript::Event};

use crate::{
    embedded::{Find, find},
    secret::Secret,
    transcript::{Enclosure, FilesOfLine, JsonPath, Role, ToolFiles, for_each_string, key_of},
};

/// How many findings of a session are recorded. An ordinary one has a handful; a dump of a database may have any
/// number.
const RECORDED_FINDINGS: usize = 10_000;

/// What was found in a session.
#[derive(Debug)]
pub(crate) struct SessionFindings {
    /// The first `sessionId` of the file.
    pub(crate) session_id: Option<String>,
    /// The findings in the order of the transcript.
    pub(crate) findings: Vec<Finding>,
}

/// A secret that was found in a session.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The number of the rule that found it; of several, the one that knows it best.
    pub(crate) rule: usize,
    specificity: Specificity,
    /// The secret.
    pub(crate) secret: Secret,
    /// In how many places it stands.
    pub(crate) occurrences: i64,
    /// The line that it stands in first, from 1.
    pub(crate) first_line: u64,
    /// That line's `uuid`.
    pub(crate) first_event_uuid: Option<String>,
    /// When that line was written.
    pub(crate) first_seen_at: Timestamp,
    /// Where in that line it stands first.
    pub(crate) first_path: JsonPath,
}

impl SessionFindings {
    /// Searches a session. Lines that are no JSON object are left out.
    pub(crate) fn of(session: &Session<'_>, rules: &Rules) -> Self {
        let mut search = Search {
            rules,
            scanner: Scanner::new(rules),
            files: ToolFiles::default(),
            now: session.modified(),
            known: HashMap::new(),
            found: Self {
                session_id: None,
                findings: Vec::new(),
            },
            left_out: 0,
        };
        let mut decoded = String::new();
        for line in session.lines() {
            let text = String::from_utf8_lossy(line.bytes);
            if let Ok(mut event) = Event::parse(text.as_bytes()) {
                event.line = line.number;
                search.observe(&event, &text, &mut decoded);
            }
        }
        if search.left_out > 0 {
            log::warn!(
                session = session.session_key(),
                left_out = search.left_out,
                "too many findings to record all"
            );
        }
        search.found
    }
}

impl Finding {
    fn is_found_again(&mut self, rule: usize, specificity: Specificity) {
        self.occurrences += 1;
        if specificity > self.specificity {
            self.rule = rule;
            self.specificity = specificity;
        }
    }
}

/// What the lines told so far.
struct Search<'r> {
    rules: &'r Rules,
    scanner: Scanner<'r>,
    files: ToolFiles,
    /// The timestamp of the latest line that has one.
    now: Timestamp,
    /// Which finding a secret is.
    known: HashMap<Secret, usize>,
    found: SessionFindings,
    left_out: u64,
}

impl Search<'_> {
    fn observe(&mut self, event: &Event<'_>, text: &str, decoded: &mut String) {
        self.now = event.timestamp().unwrap_or(self.now);
        if self.found.session_id.is_none() {
            self.found.session_id = event.session_id.as_deref().map(str::to_owned);
        }
        self.observe_files(event, text);
        let files = std::mem::take(&mut self.files);
        let files_of_line = OnceCell::new();
        for_each_string(text, |enclosures, role, string| {
            let origin = OriginInLine {
                event,
                files: &files,
                of_line: &files_of_line,
                enclosures,
                role,
            };
            for find in find(&mut self.scanner, string.decode_into(decoded), &origin) {
                self.record(event, find, || JsonPath::of(enclosures, role));
            }
        });
        self.files = files;
    }

    /// Remembers the files that a line's calls name, and records those that rules find as such.
    fn observe_files(&mut self, event: &Event<'_>, text: &str) {
        if memmem::find(text.as_bytes(), b"\"tool_use\"").is_none() {
            return;
        }
        for called in self.files.observe(event) {
            for rule in self.rules.finding_file(&called.file) {
                let find = Find {
                    rule,
                    specificity: Specificity::Form,
                    secret: Secret::new(&called.file),
                    embedded_at: None,
                };
                self.record(event, find, || called.json_path.clone());
            }
        }
    }

    fn record(&mut self, event: &Event<'_>, find: Find, path: impl FnOnce() -> JsonPath) {
        match self.known.entry(find.secret) {
            Entry::Occupied(known) => self.found.findings[*known.get()].is_found_again(find.rule, find.specificity),
            Entry::Vacant(_) if self.found.findings.len() >= RECORDED_FINDINGS => self.left_out += 1,
            Entry::Vacant(unknown) => {
                let secret = unknown.key().clone();
                unknown.insert(self.found.findings.len());
                self.found.findings.push(Finding {
                    rule: find.rule,
                    specificity: find.specificity,
                    secret,
                    occurrences: 1,
                    first_line: event.line,
                    first_event_uuid: event.uuid.as_deref().map(str::to_owned),
                    first_seen_at: self.now,
                    first_path: match find.embedded_at {
                        Some(inner) => path().into_embedded(inner),
                        None => path(),
                    },
                });
            }
        }
    }
}

/// Where a string of a line comes from.
struct OriginInLine<'s> {
    event: &'s Event<'s>,
    files: &'s ToolFiles,
    of_line: &'s OnceCell<FilesOfLine>,
    enclosures: &'s [Enclosure<'s>],
    role: Role,
}

impl Origin for OriginInLine<'_> {
    fn file(&self) -> Option<&str> {
        let of_line = self.of_line.get_or_init(|| self.files.of_line(self.event));
        of_line.of_string(self.enclosures)
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        key_of(self.enclosures, self.role)
    }
}
