//! What an evaluation finds.

use crate::state::AlertKind;

/// Something that holds now and that somebody wants to know.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// The kind, the scope and the period in one text.
    pub(super) key: String,
    pub(super) kind: AlertKind,
    pub(super) scope: String,
    /// The user whom it is about, if it is about one.
    pub(super) username: Option<String>,
    pub(super) spent: Option<Spent>,
    /// What happened, in one line.
    pub(super) text: String,
}

/// What was spent in a period, and the budget.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spent {
    pub(super) period: String,
    pub(super) value_usd: f64,
    pub(super) budget_usd: f64,
}

/// An alert that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) kind: AlertKind,
    /// Which one, and why.
    pub(super) text: String,
}
