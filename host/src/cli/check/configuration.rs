//! Where in the configuration file a value stands that a processor refuses.

use std::{fmt, fs};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{config::Settings, plugins::PluginListing};

/// What a processor refuses, and where it stands.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Misconfigured {
    /// The configuration file.
    file: String,
    /// The section of the processor.
    section: String,
    /// The key, if the reason names one that the section has.
    key: Option<String>,
    /// The line of the key or of the section, from 1, if it is found.
    line: Option<usize>,
    /// What the processor says.
    reason: String,
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, section, reason, ..
        } = self;
        match self.line {
            Some(line) => write!(formatter, "{file}, line {line}, section {section}")?,
            None => write!(formatter, "{file} has no section {section}")?,
        }
        if let Some(key) = &self.key {
            write!(formatter, ", key `{key}`")?;
        }
        write!(formatter, ": {reason}")
    }
}

/// What of the configuration a plugin refuses; `None` if it is loaded, or rejected for something else.
pub(super) fn find(settings: &Settings, plugin: &PluginListing) -> Option<Misconfigured> {
    let (name, reason) = (plugin.processor.as_deref()?, plugin.reason.as_deref()?);
    let text = fs::read_to_string(&settings.file).unwrap_or_default();
    let section = settings.processors.get(name);
    Some(locate(
        &settings.file.display().to_string(),
        &text,
        name,
        section,
        reason,
    ))
}

fn locate(file: &str, text: &str, name: &str, values: Option<&Map<String, Value>>, reason: &str) -> Misconfigured {
    let section = format!("[processors.{name}]");
    let key = values.and_then(|values| named_key(values, reason));
    let begins = line_of(text, 0, |line| line.starts_with(&section));
    let line = begins.map(|begins| match &key {
        Some(key) => line_of(text, begins, |line| sets(line, key)).unwrap_or(begins),
        None => begins,
    });
    Misconfigured {
        file: file.to_owned(),
        section,
        key,
        line,
        reason: reason.to_owned(),
    }
}

/// The key of the section that a reason names, the longest first.
fn named_key(values: &Map<String, Value>, reason: &str) -> Option<String> {
    let is_word = |character: char| character.is_alphanumeric() || "_-".contains(character);
    let words: Vec<&str> = reason.split(|character| !is_word(character)).collect();
    values.keys().find(|key| words.contains(&key.as_str())).cloned()
}

/// The number of the first such line behind so many lines.
fn line_of(text: &str, behind: usize, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let mut lines = (1..).zip(text.lines()).skip(behind);
    lines.find(|(_, line)| is_it(line.trim())).map(|(number, _)| number)
}

fn sets(line: &str, key: &str) -> bool {
    let line = line.trim_start_matches('"');
    let rest = line
        .strip_prefix(key)
        .map(|rest| rest.trim_start_matches('"').trim_start());
    rest.is_some_and(|rest| rest.starts_with(['=', '.']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str =
        "tick_seconds = 5\n\n[processors.other]\nmodel = 1\n[processors.lines]\n# why\nmodel = 7\nmax = 1\n";

    fn located(reason: &str) -> (Option<String>, Option<usize>) {
        let values = json!({"model": 7, "max": 1});
        let found = locate("c.toml", TEXT, "lines", values.as_object(), reason);
        (found.key, found.line)
    }

    #[test]
    fn a_key_that_the_reason_names_is_found_in_its_section() {
        assert_eq!(located("`model` is no text"), (Some("model".to_owned()), Some(7)));
        assert_eq!(located("max is 1: set it to 2"), (Some("max".to_owned()), Some(8)));
        assert_eq!(located("maximum is missing"), (None, Some(5)));
    }

    #[test]
    fn a_section_that_is_missing_is_told() {
        let found = locate("c.toml", "", "lines", None, "set `model`");
        assert_eq!(
            found.to_string(),
            "c.toml has no section [processors.lines]: set `model`"
        );
    }
}
