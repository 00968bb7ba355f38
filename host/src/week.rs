//! The day on which weeks begin.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The day on which weeks begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekStart {
    /// Weeks begin on Sunday.
    #[default]
    Sunday,
    /// Weeks begin on Monday.
    Monday,
}

/// A text that is no first day of a week.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no first day of a week: it must be sunday or monday")]
pub struct UnknownWeekStart(String);

impl WeekStart {
    /// The day in one word, as reports get it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sunday => "sunday",
            Self::Monday => "monday",
        }
    }
}

impl FromStr for WeekStart {
    type Err = UnknownWeekStart;

    fn from_str(text: &str) -> Result<Self, UnknownWeekStart> {
        let days = [Self::Sunday, Self::Monday];
        let named = days.into_iter().find(|day| day.as_str().eq_ignore_ascii_case(text));
        named.ok_or_else(|| UnknownWeekStart(text.to_owned()))
    }
}

impl fmt::Display for WeekStart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
