//! The rules a processor works with, compiled when they are needed.

use std::sync::OnceLock;

use crate::{Rules, RulesError, Settings};

/// The rules that an operator's settings ask for, else those that ship.
///
/// Patterns take a while to compile: those that ship, which are known to be good, wait until they are needed. An
/// operator's own are compiled at once, so that a broken one is told when it is set.
///
/// ```
/// use secret_detector::{RulesInUse, Settings};
///
/// let rules = RulesInUse::of(&Settings::default())?;
/// assert!(rules.get()?.iter().any(|rule| rule.id() == "github-pat"));
/// # Ok::<(), secret_detector::RulesError>(())
/// ```
#[derive(Debug, Default)]
pub struct RulesInUse(OnceLock<Rules>);

impl RulesInUse {
    /// The rules of an operator's settings.
    ///
    /// # Errors
    /// Names the file and the rule that is broken.
    pub fn of(settings: &Settings) -> Result<Self, RulesError> {
        match *settings == Settings::default() {
            true => Ok(Self::default()),
            false => Rules::from_settings(settings).map(|rules| Self(OnceLock::from(rules))),
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// Never for the shipped rules as they are.
    pub fn get(&self) -> Result<&Rules, RulesError> {
        match self.0.get() {
            Some(rules) => Ok(rules),
            None => Rules::shipped().map(|rules| self.0.get_or_init(|| rules)),
        }
    }
}
