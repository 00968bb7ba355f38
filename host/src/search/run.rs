//! Searches: finds the processor that keeps texts, and asks the state for those that match.

use std::time::{Duration, Instant};

use serde_json::json;
use session_plugin_api::Timestamp;

use super::{
    answer::{Hit, SearchAnswer},
    asked::AskedSearch,
    error::SearchError,
    excerpt::Excerpt,
    place,
    words::Patterns,
};
use crate::{
    clock,
    config::Settings,
    plugins::{Catalogue, CheckedSelect, PluginFile, PluginStatus, Processor},
    state::{FoundText, ProcessorStatus, QueryError, QueryLimits, Reader, SearchQuery},
};

/// How long this program looks for the places of what DuckDB found. Nothing interrupts that, and somebody may wait for the
/// place of a query.
const PATIENCE: Duration = Duration::from_secs(5);

/// Searches the texts of the processor that keeps them. The memory of the process may grow by so many bytes meanwhile.
///
/// # Errors
/// When no processor keeps texts, something is asked for that there is not, or the search fails.
pub fn run(
    catalogue: &Catalogue,
    settings: &Settings,
    reader: &Reader,
    asked: &AskedSearch,
    memory: u64,
) -> Result<SearchAnswer, SearchError> {
    let patterns = match asked.regex {
        true => Patterns::of_regex(&asked.words)?,
        false => Patterns::of_words(&asked.words)?,
    };
    let (since, until) = asked.span(&settings.timezone)?;
    let before = asked.before.as_deref().map(place::read).transpose()?;
    let limit = asked.limit()?;
    let source = Source::of(catalogue)?;
    if asked.regex {
        refuse_unknown_to_duckdb(reader, &patterns, memory)?;
    }
    let found = reader.search(
        &SearchQuery {
            sql: source.sql,
            patterns: patterns.texts(),
            username: asked.username.as_deref(),
            project: asked.project.as_deref(),
            since,
            until,
            before: before.as_ref(),
            limit,
        },
        memory,
    )?;
    let until = Instant::now() + PATIENCE;
    let last = found.texts.last().filter(|_| found.has_older);
    Ok(SearchAnswer {
        older: last.map(|last| place::written(&last.place)),
        warnings: match found.texts.is_empty() {
            true => source.warnings(reader)?,
            false => Vec::new(),
        },
        processor: source.processor.name().to_string(),
        hits: found
            .texts
            .into_iter()
            .map(|text| hit(text, &patterns, until))
            .collect(),
    })
}

/// Refuses a regular expression that this program knows and DuckDB does not.
fn refuse_unknown_to_duckdb(reader: &Reader, patterns: &Patterns, memory: u64) -> Result<(), SearchError> {
    let limits = QueryLimits {
        memory,
        ..QueryLimits::NONE
    };
    for pattern in patterns.texts() {
        match reader.query("SELECT system.main.regexp_matches('', ?)", &[json!(pattern)], limits) {
            Ok(_) => {}
            Err(QueryError::State(error)) if !error.is_fatal() => {
                return Err(SearchError::UnknownPattern(error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A processor that keeps texts.
struct Source<'a> {
    processor: &'a Processor,
    sql: &'a str,
}

impl<'a> Source<'a> {
    fn of(catalogue: &'a Catalogue) -> Result<Self, SearchError> {
        let all: Vec<_> = catalogue.files().iter().filter_map(keeper).collect();
        let (file, processor, select) = match all.as_slice() {
            [] => return Err(SearchError::NoProcessor),
            [only] => *only,
            several => {
                let names = several.iter().map(|(_, processor, _)| processor.name().to_string());
                return Err(SearchError::Several(names.collect::<Vec<_>>().join(" and ")));
            }
        };
        if !file.pending.is_empty() {
            return Err(SearchError::Pending {
                processor: processor.name().to_string(),
            });
        }
        match &select.rejected {
            Some(reason) => Err(SearchError::Rejected {
                processor: processor.name().to_string(),
                reason: reason.clone(),
            }),
            None => Ok(Self {
                processor,
                sql: &select.sql,
            }),
        }
    }

    /// Why nothing may be found.
    fn warnings(&self, reader: &Reader) -> Result<Vec<String>, SearchError> {
        let name = self.processor.name();
        let status = reader.status()?;
        let has_processed = |status: &&ProcessorStatus| status.processor == name.as_str() && status.sessions > 0;
        Ok(match status.iter().find(has_processed) {
            Some(_) => Vec::new(),
            None => vec![format!(
                "processor `{name}` has processed no session yet, so there is no text to search: `session-host run {name}` runs it"
            )],
        })
    }
}

/// The file, the processor and the SELECT of a plugin that keeps texts.
fn keeper(file: &PluginFile) -> Option<(&PluginFile, &Processor, &CheckedSelect)> {
    match &file.status {
        PluginStatus::Loaded(processor) => Some((file, processor, processor.reports().searchable()?)),
        _ => None,
    }
}

fn hit(found: FoundText, patterns: &Patterns, until: Instant) -> Hit {
    let time: Timestamp = found.place.time;
    Hit {
        excerpt: Excerpt::of(&found.text, patterns.all(), until),
        session: found.place.session,
        username: found.username,
        project: found.project,
        time: clock::text_of(time),
        line: found.line,
        part: found.place.part,
        kind: found.kind,
        tool: found.tool,
    }
}
