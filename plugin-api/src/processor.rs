//! The trait that a plugin implements.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Connection, Descriptor, Error, Migration, ReferenceTables, Result, Session, json_key};

/// An analysis of transcripts. The host runs it over each version of each session exactly once.
///
/// Several threads use one instance at the same time, unless the descriptor says [`serial`](Descriptor::serial). The host
/// discards an instance after a panic, and when an abandoned attempt returns. It then constructs and configures a new one.
pub trait SessionProcessor: Default + Send + Sync + 'static {
    /// The processor's name, cadence and tables. Every call must return the same.
    fn descriptor(&self) -> Descriptor;

    /// The migrations that create and change the processor's tables, in the order of their versions.
    ///
    /// The host applies each migration once, in one transaction, while no run of the processor is under way. Never change a
    /// migration that you have released; add another one.
    fn migrations(&self) -> Vec<Migration> {
        Vec::new()
    }

    /// Takes the processor's section of the configuration. The host calls it once on each instance, before any session.
    ///
    /// # Errors
    /// An error makes the processor unavailable. Every listing of the processor shows it as the reason.
    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let _ = configuration;
        Ok(())
    }

    /// Passes the rows of the descriptor's reference tables to `tables`. The host calls it once when it loads the
    /// plugin, after [`configure`](Self::configure).
    ///
    /// The host replaces the tables that differ in one transaction, after the migrations and before any session. A declared
    /// table that receives no rows is emptied.
    ///
    /// # Errors
    /// After an error the host rejects the plugin and leaves the tables unchanged. Every listing of the file shows the error
    /// as the reason.
    fn reference_rows(&self, tables: &mut ReferenceTables<'_>) -> Result<()> {
        let _ = tables;
        Ok(())
    }

    /// Processes one version of one session.
    ///
    /// Its writes through `connection` commit together with the session's state row, or not at all.
    ///
    /// # Errors
    /// After an error or a panic the host keeps nothing of this attempt, and the next run tries the session again.
    /// [`Error::not_now`] postpones the session without a failure.
    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult>;
}

/// The result of a successful attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorResult {
    /// How many items the session gave. The processor decides what an item is.
    pub items_count: u64,
}

/// A processor's section of the host's configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    json: String,
}

impl Configuration {
    /// Creates a section from a JSON object, for the tests of a processor.
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { json: json.into() }
    }

    /// The section as JSON; `{}` if the configuration has none.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// Reads the section as the processor's own type.
    ///
    /// # Errors
    /// The error names the key that is unknown or has the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.json).map_err(|error| {
            let place = json_key::before(&self.json, error.line(), error.column());
            // The position is one in JSON, which nobody has written.
            let position = format!(" at line {} column {}", error.line(), error.column());
            let message = error.to_string().replace(&position, "");
            let error = match place {
                Some(key) => Error::new(format!("key `{key}`: {message}")),
                None => Error::new(message),
            };
            error.context("cannot read the configuration")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Settings {
        max: u32,
        inner: Option<Inner>,
        texts: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        deep: bool,
    }

    fn refusal(json: &str) -> String {
        Configuration::from_json(json)
            .parse::<Settings>()
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_wrong_value_is_told_with_its_key() {
        for (json, told) in [
            (r#"{"max":"x"}"#, "key `max`: invalid type: string \"x\", expected u32"),
            (
                r#"{"max":1,"inner":{"deep":7}}"#,
                "key `inner.deep`: invalid type: integer `7`, expected a boolean",
            ),
            (
                r#"{"max":1,"texts":["a\"{",7]}"#,
                "key `texts`: invalid type: integer `7`, expected a string",
            ),
        ] {
            assert_eq!(refusal(json), format!("cannot read the configuration: {told}"));
        }
    }

    #[test]
    fn an_unknown_or_missing_key_is_told() {
        assert!(refusal(r#"{"max":1,"maximum":2}"#).contains("unknown field `maximum`"));
        assert_eq!(refusal("{}"), "cannot read the configuration: missing field `max`");
    }
}
