//! The trait that a plugin implements.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Connection, Descriptor, Error, Migration, Result, Session};

/// An analysis of transcripts, run by the host over each version of each session exactly once.
///
/// One instance serves several threads at once, unless its descriptor says
/// [`serial`](Descriptor::serial). An instance that panicked is set aside and a fresh one constructed and configured.
pub trait SessionProcessor: Default + Send + Sync + 'static {
    /// The processor's name, cadence and tables. Must say the same at every call.
    fn descriptor(&self) -> Descriptor;

    /// The steps that make the processor's tables, in ascending order of version.
    ///
    /// Each is applied once, in one transaction, while no run of the processor is active. A step that has been
    /// released is never changed: write a further one.
    fn migrations(&self) -> Vec<Migration> {
        Vec::new()
    }

    /// Takes the processor's section of the configuration. Called once on each instance, before any session.
    ///
    /// # Errors
    /// An error makes the processor unavailable, with this reason shown wherever the processor is named.
    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let _ = configuration;
        Ok(())
    }

    /// Processes one version of one session.
    ///
    /// What is written through `connection` is committed together with the session's state, or not at all.
    ///
    /// # Errors
    /// After an error or a panic nothing of this attempt is kept, and the next run tries the session again.
    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult>;
}

/// What came of a processed session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorResult {
    /// How many items were extracted: what an item is, the processor decides.
    pub items_count: u64,
}

/// A processor's section of the host's configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    json: String,
}

impl Configuration {
    /// A section that is this JSON object.
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { json: json.into() }
    }

    /// The section as JSON; `{}` when the configuration has none.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// The section as the processor's own type.
    ///
    /// # Errors
    /// Names the key that is unknown or of the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.json).map_err(|error| Error::from(error).context("read the configuration"))
    }
}
