//! Alerts as they are listed.

use serde::{Deserialize, Serialize};

use crate::{
    clock,
    state::{AlertRecord, Reader, StateError},
};

/// An alert that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertListing {
    /// The key.
    pub alert: String,
    /// The kind in one word.
    pub kind: String,
    /// What happened, in one line.
    pub text: String,
    /// When it fired, RFC 3339 in UTC.
    pub fired_at: String,
}

impl From<&AlertRecord> for AlertListing {
    fn from(alert: &AlertRecord) -> Self {
        Self {
            alert: alert.key.clone(),
            kind: alert.kind.as_str().to_owned(),
            text: alert.text.clone(),
            fired_at: clock::text_of(alert.fired_at),
        }
    }
}

/// The alerts that last, the earliest first.
///
/// # Errors
/// When the state cannot be read.
pub fn active(reader: &Reader) -> Result<Vec<AlertListing>, StateError> {
    let recorded = reader.alerts()?;
    let active = recorded.alerts.iter().filter(|alert| alert.is_active());
    Ok(active.map(AlertListing::from).collect())
}
