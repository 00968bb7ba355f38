//! The last lines that the runs of each processor have logged, for people who look at the page. The log itself is on stderr.
//!
//! # Threads
//! Every thread logs. A lock guards the lines, and is held only to add or to copy them.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::{self, Write as _},
    sync::{Mutex, PoisonError},
};

use session_plugin_api::Timestamp;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::clock;

/// How many lines of a processor are kept.
const LINES: usize = 200;

/// Of how many processors. A further one takes the place of that which has logged nothing for the longest time.
const PROCESSORS: usize = 100;

/// The longest line, in bytes.
const LONGEST: usize = 2 << 10;

/// The lines, by processor.
static KEPT: Mutex<BTreeMap<String, VecDeque<RecentLine>>> = Mutex::new(BTreeMap::new());

/// A line that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentLine {
    /// When.
    pub at: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// The message, and the fields with their names.
    pub text: String,
}

/// The last lines of a processor, the latest first.
#[must_use]
pub fn of(processor: &str) -> Vec<RecentLine> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = kept.get(processor).into_iter().flatten();
    lines.rev().cloned().collect()
}

fn keep(processor: String, line: RecentLine) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    make_room(&mut kept, &processor);
    let lines = kept.entry(processor).or_default();
    if lines.len() >= LINES {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// Makes room for the lines of a processor.
fn make_room(kept: &mut BTreeMap<String, VecDeque<RecentLine>>, processor: &str) {
    if kept.len() < PROCESSORS || kept.contains_key(processor) {
        return;
    }
    let latest = |lines: &VecDeque<RecentLine>| lines.back().map(|line| line.at);
    let silent = kept.iter().min_by_key(|(_, lines)| latest(lines));
    if let Some(silent) = silent.map(|(silent, _)| silent.clone()) {
        kept.remove(&silent);
    }
}

/// The part of the log that keeps these lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecentLog;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RecentLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut written = Written::default();
        attributes.record(&mut written);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(written);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut written = Written::default();
        event.record(&mut written);
        // An event is of the processor of the nearest span that names one.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Written>() {
                written.fields.push_str(&around.fields);
                written.processor = written.processor.or_else(|| around.processor.clone());
            }
        }
        if let Some(processor) = written.processor.take() {
            let line = RecentLine {
                at: clock::now(),
                level: *event.metadata().level(),
                text: written.text(),
            };
            keep(processor, line);
        }
    }
}

/// The fields of an event or a span.
#[derive(Default)]
struct Written {
    processor: Option<String>,
    message: String,
    fields: String,
}

impl Written {
    fn text(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message.truncate(self.message.floor_char_boundary(LONGEST));
        self.message
    }
}

impl Visit for Written {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A `String` takes every text.
        let _ = match field.name() {
            "processor" => {
                self.processor = Some(format!("{value:?}"));
                Ok(())
            }
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_last_lines_of_each_processor_are_kept() {
        let log = tracing_subscriber::registry().with(RecentLog);
        tracing::subscriber::with_default(log, || {
            tracing::info!("of nobody");
            let run = tracing::info_span!("run", processor = %"recent-one");
            run.in_scope(|| {
                let attempt = tracing::info_span!("attempt", session = %"ann/a.jsonl");
                attempt.in_scope(|| tracing::warn!(lines = 3, "some lines cannot be read"));
                tracing::info!(target: "plugin", processor = "recent-other", "of another");
                for number in 0..LINES {
                    tracing::info!("{number} {}", "long".repeat(LONGEST));
                }
            });
        });
        let other = of("recent-other");
        assert_eq!((other.len(), &*other[0].text), (1, "of another"));
        let lines = of("recent-one");
        assert_eq!(lines.len(), LINES);
        assert!(lines[0].text.starts_with("199 long") && lines[0].text.len() == LONGEST);
        assert!(of("nobody").is_empty());
    }

    #[test]
    fn a_further_processor_takes_the_place_of_the_most_silent_one() {
        let line = |at| RecentLine {
            at: Timestamp::from_micros(at),
            level: Level::INFO,
            text: String::new(),
        };
        let logged = (0..)
            .take(PROCESSORS)
            .zip((0..PROCESSORS).map(|number| number.to_string()));
        let mut kept: BTreeMap<_, _> = logged.map(|(at, name)| (name, VecDeque::from([line(at)]))).collect();
        make_room(&mut kept, "99");
        assert_eq!(kept.len(), PROCESSORS);
        make_room(&mut kept, "new");
        assert!(kept.len() == PROCESSORS - 1 && !kept.contains_key("0"));
    }

    #[test]
    fn a_line_has_its_fields_and_those_around_it() {
        let log = tracing_subscriber::registry().with(RecentLog);
        tracing::subscriber::with_default(log, || {
            let run = tracing::info_span!("run", processor = %"recent-fields");
            let attempt = tracing::info_span!(parent: &run, "attempt", session = %"ann/a.jsonl");
            attempt.in_scope(|| tracing::warn!(lines = 3, first = "a", "some lines cannot be read"));
        });
        let lines = of("recent-fields");
        assert_eq!(
            lines[0].text,
            "some lines cannot be read lines=3 first=a session=ann/a.jsonl"
        );
        assert_eq!(lines[0].level, Level::WARN);
    }
}
