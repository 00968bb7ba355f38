//! Why a file is rejected.

use std::io;

use session_plugin_api::abi::capped;

use crate::{
    names::{InvalidProcessorName, ProcessorName},
    plugins::{opened::NotConfigured, opening::NotReady, reading::NotRead},
    state::SchemaRefused,
};

/// Why a file is rejected.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    NotRead(#[from] NotRead),
    #[error(
        "cannot copy the plugin file into the data directory: {0}; make sure that the disk has room and that this user may write there, then reload"
    )]
    Copy(io::Error),
    #[error("cannot open the folder for copies of plugins in the data directory: {0}")]
    NoCopies(String),
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    NotConfigured(#[from] NotConfigured),
    #[error("a call of it has not returned")]
    Gone,
    #[error(transparent)]
    Name(#[from] InvalidProcessorName),
    #[error("the name `{name}` is taken by {first}: rename or remove one of the files")]
    NameTaken { name: ProcessorName, first: String },
    #[error("its cadence is 0 minutes: it must be at least 1")]
    Cadence,
    #[error("cannot prepare its tables: {0}")]
    Schema(SchemaRefused),
    #[error("it rejects its configuration: {0}")]
    Configuration(String),
    #[error("cannot get the rows of its reference tables: {0}")]
    ReferenceRows(String),
}

impl From<SchemaRefused> for Refused {
    fn from(error: SchemaRefused) -> Self {
        Self::Schema(error)
    }
}

impl Refused {
    /// Splits the error into a reason of one line and, if it is longer, the details.
    pub(super) fn into_parts(self) -> (String, Option<String>) {
        let text = capped(self.to_string());
        let (reason, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let details = match &self {
            Self::NotReady(error) if error.explanation().is_some() => error.explanation(),
            _ => (!rest.is_empty()).then(|| text.clone()),
        };
        (reason.to_owned(), details)
    }
}
