//! The columns of a report, and the units of their values.

use serde::{Deserialize, Serialize};

/// A column of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportColumn {
    name: String,
    label: String,
    unit: Unit,
    #[serde(default)]
    without_sum: bool,
    #[serde(default)]
    gives_way: u32,
}

/// What the values of a column are. The host writes them accordingly. An unknown unit is read as `Text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Tokens of a model.
    Tokens,
    /// US dollars.
    Usd,
    /// A number of things.
    Count,
    /// A share, from 0.0 to 100.0.
    Percent,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A TIMESTAMP in UTC. People see it in the time zone of the report.
    Time,
    /// Any other value: a name, a DATE, a month.
    #[serde(other)]
    Text,
}

impl Unit {
    /// Whether values of this unit add up.
    #[must_use]
    pub fn adds_up(self) -> bool {
        matches!(
            self,
            Self::Tokens | Self::Usd | Self::Count | Self::Seconds | Self::Bytes
        )
    }

    /// Whether values of this unit are numbers.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        self.adds_up() || self == Self::Percent
    }
}

impl ReportColumn {
    /// Declares the column `name` of the SELECT, with a label for people.
    ///
    /// Values of the units `Tokens`, `Usd`, `Count`, `Seconds` and `Bytes` are summed under the table.
    pub fn new(name: impl Into<String>, label: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            unit,
            without_sum: false,
            gives_way: 0,
        }
    }

    /// Leaves out the sum: for averages, and for numbers of distinct things.
    #[must_use]
    pub fn without_sum(mut self) -> Self {
        self.without_sum = true;
        self
    }

    /// Lets the column go if the terminal is too narrow for the table. Columns with a higher number go first; 0, the
    /// default, means never.
    #[must_use]
    pub fn gives_way(mut self, turn: u32) -> Self {
        self.gives_way = turn;
        self
    }

    /// The name in the SELECT.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The unit.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Whether the values are summed under the table.
    #[must_use]
    pub fn is_summed(&self) -> bool {
        self.unit.adds_up() && !self.without_sum
    }

    /// When the column goes in a narrow terminal: the highest number first, 0 never.
    #[must_use]
    pub fn turn_to_go(&self) -> u32 {
        self.gives_way
    }
}
