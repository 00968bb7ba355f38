//! Opens transcripts for the page, and makes the mask without which nothing of them is shown.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::http::StatusCode;
use secret_detector::Rules;
use serde_json::Value;

use crate::{
    config::Settings,
    conversation::{Mask, PageCache},
    http::answer::Refusal,
};

/// The section of the configuration that says what a secret is.
const SECTION: &str = "secrets";

/// What helps to show transcripts.
#[derive(Default)]
pub(in crate::web) struct Transcripts {
    /// Where the pages of the latest transcripts begin.
    pub(super) pages: PageCache,
    /// The rules, and when their file was written. To compile them takes a moment.
    rules: Mutex<Option<(Option<SystemTime>, Arc<Rules>)>>,
}

impl Transcripts {
    /// The mask that the settings ask for: the shipped rules, and what `[processors.secrets]` says.
    ///
    /// # Errors
    /// When the settings are wrong. Nothing is shown then, because nobody knows what to mask.
    pub(in crate::web) fn mask(&self, settings: &Settings) -> Result<Mask, Refusal> {
        let set = settings.processors.get(SECTION).cloned().unwrap_or_default();
        let set: secret_detector::Settings = serde_json::from_value(Value::Object(set)).map_err(unknown)?;
        let written = set.rules_file.as_deref().and_then(written_at);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, rules)) = rules.as_ref()
            && *known == written
        {
            return Ok(Mask::new(Arc::clone(rules)));
        }
        let compiled = Arc::new(Rules::from_settings(&set).map_err(unknown)?);
        *rules = Some((written, Arc::clone(&compiled)));
        Ok(Mask::new(compiled))
    }
}

fn written_at(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}

fn unknown(error: impl fmt::Display) -> Refusal {
    let detail = format!("no transcript is shown, because [processors.{SECTION}] does not say what to mask: {error}");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

impl fmt::Debug for Transcripts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transcripts").finish_non_exhaustive()
    }
}
